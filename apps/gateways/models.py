"""Tables of the gateways: the in-app inbox and the platforms' limits."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class InboxMessage(models.Model):
    """A message in the member's in-app inbox. `title` and `body` may hold a nickname, never a phone number."""

    member_id = models.BigIntegerField()  # no foreign key: gateways stand below members
    key = models.CharField(max_length=160, unique=True)
    title = models.CharField(max_length=120)
    body = models.TextField()
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["member_id", "-id"], name="gateways_inbox_by_member")]

    def __str__(self) -> str:
        return f"inbox {self.key}"


class ReadUpTo(models.Model):
    """How far a provider's stream (replies) has been taken in; moved on in the transaction that takes."""

    stream = models.CharField(max_length=40, unique=True)
    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.stream} {self.number}"


class PlatformLimit(models.Model):
    """A platform's limit from a day on. Platforms change them; a change is a new row, so the past stays explainable."""

    platform = models.CharField(max_length=20)
    name = models.CharField(max_length=40)
    value = models.PositiveIntegerField()
    effective_from = models.DateField()
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["platform", "name", "effective_from"], name="gateways_limit_once_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.name} = {self.value} from {self.effective_from}"


class SmsTemplate(models.Model):
    """A text in a vendor's registry: what we handed in, its code there, how the review stands."""

    class State(models.TextChoices):
        PENDING = "pending", _("In review")
        APPROVED = "approved", _("Approved")
        REFUSED = "refused", _("Refused")

    provider = models.CharField(max_length=20)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10)  # promo, notice, otp
    text = models.TextField()
    code = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    reason = models.CharField(max_length=200, blank=True)
    submitted_at = models.DateTimeField()
    asked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "name"], name="gateways_template_once")]

    def __str__(self) -> str:
        return f"{self.provider} {self.name}: {self.state}"


class Suppression(models.Model):
    """An e-mail address that takes no more mail of ours: it does not exist, or its owner complained. Known by its blind index."""

    digest = models.BinaryField(max_length=32, unique=True)  # as of the member's identity
    member_id = models.BigIntegerField()  # no foreign key: gateways stand below members
    reason = models.CharField(max_length=20)  # hard, complaint
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["member_id"], name="gateways_suppressed_of")]

    def __str__(self) -> str:
        return f"{self.reason} of {self.member_id}"


class SubscribeGrant(models.Model):
    """How many subscribe messages of one template a person still agreed to: one accept, one message.

    WeChat keeps the same count and does not tell it. The open id stands here as a blind index only.
    """

    member_id = models.BigIntegerField()  # no foreign key: gateways stand below members
    app_id = models.CharField(max_length=40)
    template_id = models.CharField(max_length=80)
    openid_digest = models.BinaryField(max_length=32)
    credits = models.PositiveIntegerField(default=0)
    is_banned = models.BooleanField(default=False)  # the platform has closed the template for this app
    voided_at = models.DateTimeField(null=True)  # when WeChat last said that nothing is left

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["app_id", "template_id", "openid_digest"], name="gateways_grant_once_per_person"
            ),
            models.CheckConstraint(condition=models.Q(credits__gte=0), name="gateways_grant_never_negative"),
        ]
        indexes = [models.Index(fields=["member_id"], name="gateways_grant_of_member")]

    def __str__(self) -> str:
        return f"{self.template_id} of {self.member_id}: {self.credits}"


class SubscribeAnswer(models.Model):
    """What the person answered to one prompt, once per `source`: a report that is repeated counts nothing."""

    grant = models.ForeignKey(SubscribeGrant, on_delete=models.CASCADE, related_name="answers", db_index=False)
    source = models.CharField(max_length=160)
    result = models.CharField(max_length=10)  # accept, reject, ban, filter
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["grant", "source"], name="gateways_answer_once")]

    def __str__(self) -> str:
        return f"{self.source}: {self.result}"


class SubscribeSend(models.Model):
    """One message and the credit it took; `key` names it for ever. Only a `retry` may be sent again."""

    class State(models.TextChoices):
        TAKEN = "taken"  # the credit is gone; WeChat may or may not have been asked
        ACCEPTED = "accepted"
        REFUSED = "refused"
        UNKNOWN = "unknown"
        RETRY = "retry"  # not delivered, and the credit is back

    key = models.CharField(max_length=160, unique=True)
    grant = models.ForeignKey(SubscribeGrant, on_delete=models.CASCADE, related_name="sends")
    state = models.CharField(max_length=10, choices=State, default=State.TAKEN)
    code = models.CharField(max_length=40, blank=True)
    taken_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key} {self.state}"


class WecomCallback(models.Model):
    """What WeCom told us, as plain XML, until it is handled; then its words go and the digest stays, so that a repeat is known."""

    digest = models.BinaryField(max_length=32, unique=True)  # sha256 of the plain XML
    body = models.TextField(blank=True)
    taken_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    handled_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=40, blank=True)  # "done", "unknown_kind", or what it failed with for good

    class Meta:
        indexes = [
            models.Index(fields=["next_try_at", "id"], condition=models.Q(handled_at=None), name="gateways_wecom_open"),
            models.Index(
                fields=["handled_at"], condition=models.Q(handled_at__isnull=False), name="gateways_wecom_done"
            ),
        ]

    def __str__(self) -> str:
        return f"callback {self.pk}"
