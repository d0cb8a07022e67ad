"""WeCom's service window: the house's accounts, who talks with them, and what is on its way in or out."""

from django.db import models
from django.db.models import Q

from apps.core import clock


class ServiceAccount(models.Model):
    """A service account (客服帐号) of the company. `cursor`: up to where its messages were read."""

    open_kfid = models.CharField(max_length=64, unique=True)
    cursor = models.CharField(max_length=300, blank=True)
    read_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.open_kfid


class Talk(models.Model):
    """One customer with one account. `sent`: answers since the customer's last words, which WeCom counts."""

    contact = models.ForeignKey("community.Contact", on_delete=models.CASCADE, related_name="+", db_index=False)
    account = models.ForeignKey(ServiceAccount, on_delete=models.PROTECT, related_name="+")
    last_in_at = models.DateTimeField()
    sent = models.PositiveSmallIntegerField(default=0)
    invited_at = models.DateTimeField(null=True)  # a stranger, told how to become known

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contact", "account"], name="community_talk_once")]

    def __str__(self) -> str:
        return f"{self.contact_id} {self.account_id}"


class WindowMessage(models.Model):
    """Words on their way: a customer's until they stand in a ticket, ours until WeCom has them. Then the text goes from here.

    `key` makes it once: `kf:<WeCom's id>`, or what our answer is of. `code`: why it did not go out.
    """

    class State(models.TextChoices):
        WAITING = "waiting"  # theirs: for a member, or for their picture
        HANDED = "handed"
        QUEUED = "queued"  # ours
        SENDING = "sending"
        SENT = "sent"
        FAILED = "failed"
        UNKNOWN = "unknown"  # WeCom's answer was lost; never sent again

    talk = models.ForeignKey(Talk, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=80, unique=True)
    is_ours = models.BooleanField()
    text = models.CharField(max_length=4000, blank=True)
    media_id = models.CharField(max_length=300, blank=True)
    upload = models.ForeignKey("members.Upload", null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=10, choices=State)
    code = models.CharField(max_length=40, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["talk", "id"], name="community_window_of"),
            models.Index(
                fields=["due_at", "id"], condition=Q(state__in=["waiting", "queued", "sending"]), name="community_window_due"
            ),
        ]  # fmt: skip
        constraints = [
            models.CheckConstraint(
                condition=Q(is_ours=False, state__in=["waiting", "handed"])
                | Q(is_ours=True, state__in=["queued", "sending", "sent", "failed", "unknown"]),
                name="community_window_state",
            )
        ]

    def __str__(self) -> str:
        return f"{self.talk_id} {self.state}"
