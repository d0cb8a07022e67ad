"""Group sends: tasks at WeCom that staff must confirm, and the customers or groups that each is for. Also the ledger of the quota."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Send(models.Model):
    """One text in the hands of one member of staff. Nothing goes out before they confirm it in WeCom."""

    class State(models.TextChoices):
        MAKING = "making", pgettext_lazy("group send", "Being made")
        PENDING = "pending", pgettext_lazy("group send", "Waits for its colleague")
        CONFIRMED = "confirmed", pgettext_lazy("group send", "Sent")
        CANCELLED = "cancelled", pgettext_lazy("group send", "Called off")
        FAILED = "failed", pgettext_lazy("group send", "Refused by WeCom")
        UNKNOWN = "unknown", pgettext_lazy("group send", "Nobody knows")

    userid = models.CharField(max_length=64)
    is_group = models.BooleanField(default=False)  # into groups of theirs, not to customers one by one
    text = models.TextField()
    msgid = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.MAKING)
    code = models.CharField(max_length=40, blank=True)
    made_at = models.DateTimeField()
    until = models.DateTimeField()  # not confirmed by then: called off
    reminded = ArrayField(models.DateTimeField(), default=list)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("group send")
        verbose_name_plural = _("group sends")
        constraints = [
            models.UniqueConstraint(fields=["msgid"], condition=~Q(msgid=""), name="community_msgid_once"),
            models.CheckConstraint(
                condition=Q(state__in=["making", "pending"], settled_at=None)
                | ~Q(state__in=["making", "pending"]) & Q(settled_at__isnull=False),
                name="community_send_settled",
            ),
        ]
        indexes = [
            models.Index(fields=["userid", "id"], condition=Q(settled_at=None), name="community_open_sends"),
        ]

    def __str__(self) -> str:
        return f"send {self.pk} {self.state}"


class SendItem(models.Model):
    """One customer, or one group, of a send. `key` names the message for ever; `spent_on`: the shop day that its quota counts on."""

    class State(models.TextChoices):
        QUEUED = "queued", pgettext_lazy("group send", "Waits")
        TASKED = "tasked", pgettext_lazy("group send", "With a colleague")
        DELIVERED = "delivered", pgettext_lazy("group send", "Delivered")
        FAILED = "failed", pgettext_lazy("group send", "Not delivered")

    key = models.CharField(max_length=160, unique=True)
    contact = models.ForeignKey(
        "community.Contact", null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    group = models.ForeignKey("community.Group", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    text = models.TextField()
    send = models.ForeignKey(Send, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    code = models.CharField(max_length=40, blank=True)
    queued_at = models.DateTimeField()
    until = models.DateTimeField()
    spent_on = models.DateField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(contact__isnull=False, group=None) | Q(contact=None, group__isnull=False),
                name="community_item_for_one",
            ),
        ]
        indexes = [
            models.Index(fields=["contact", "spent_on"], name="community_item_of"),
            models.Index(
                fields=["group", "spent_on"], condition=Q(group__isnull=False), name="community_item_of_group"
            ),
            models.Index(fields=["id"], condition=Q(state="queued"), name="community_queued"),
            models.Index(fields=["send", "id"], condition=Q(send__isnull=False), name="community_items_of_send"),
        ]

    def __str__(self) -> str:
        return self.key
