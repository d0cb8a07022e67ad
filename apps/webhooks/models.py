"""Outgoing webhooks: who is called, what is told, and what came of every call."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock


class Endpoint(models.Model):
    """A system that is told. `key` is its name in journeys and is never given out again, not even after the endpoint is gone."""

    class Off(models.TextChoices):
        STAFF = "staff", pgettext_lazy("endpoint", "Switched off by staff")
        GONE = "gone", pgettext_lazy("endpoint", "Gone (410)")
        FAILING = "failing", pgettext_lazy("endpoint", "Failed for days")

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=60)
    url = models.CharField(max_length=500)
    facts = ArrayField(models.CharField(max_length=40), default=list)  # keys of `catalogue.FACTS`
    off = models.CharField(max_length=10, choices=Off, blank=True)  # "": it is called
    off_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)  # gone for good
    failing_since = models.DateTimeField(null=True)  # since its last success nothing but failures
    succeeded_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.ForeignKey("core.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        constraints = [
            models.CheckConstraint(
                condition=Q(off="", off_at=None) | ~Q(off="") & Q(off_at__isnull=False), name="webhooks_off_has_time"
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def is_active(self) -> bool:
        return not self.off and self.retired_at is None


class Secret(models.Model):
    """What an endpoint's calls are signed with, sealed. `ends_at`: another has taken its place, and it signs beside that until then."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="+", db_index=False)
    wrapped = models.BinaryField()  # the key that seals it, under a field key
    sealed = models.BinaryField()
    created_at = models.DateTimeField(default=clock.now)
    ends_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint"], condition=Q(ends_at=None), name="webhooks_one_newest_secret"),
        ]
        indexes = [models.Index(fields=["endpoint", "id"], name="webhooks_secret_of_endpoint")]

    def __str__(self) -> str:
        return f"{self.endpoint_id} {self.pk}"


class Message(models.Model):
    """What is told, word for word: every try and every endpoint gets these bytes. Ids, amounts, times; nothing about a person."""

    source = models.CharField(max_length=200, unique=True)  # "fact:order.paid:42", "ping:…": what it tells of, once
    type = models.CharField(max_length=40)
    body = models.TextField()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="webhooks_message_age")]

    def __str__(self) -> str:
        return self.source


class Delivery(models.Model):
    """One message for one endpoint. Open ones have their next turn in `due_at`; while one is under way that is the end of its lease."""

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("delivery", "Waiting")
        SENDING = "sending", pgettext_lazy("delivery", "Under way")
        DELIVERED = "delivered", pgettext_lazy("delivery", "Delivered")
        FAILED = "failed", pgettext_lazy("delivery", "Failed")
        DROPPED = "dropped", pgettext_lazy("delivery", "Not sent")

    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="+", db_index=False)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)  # begun since it was made, or asked for anew
    due_at = models.DateTimeField(default=clock.now)
    created_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True)
    replayed_at = models.DateTimeField(null=True)  # staff asked for it anew
    status = models.PositiveSmallIntegerField(null=True)  # of the last answer
    error = models.CharField(max_length=30, blank=True)  # why the last try was none: a code of `sending.ERRORS`

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "message"], name="webhooks_delivery_once"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "sending"], settled_at=None)
                | Q(state__in=["delivered", "failed", "dropped"], settled_at__isnull=False),
                name="webhooks_settled_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["endpoint", "due_at", "id"], condition=Q(settled_at=None), name="webhooks_open"),
            models.Index(fields=["endpoint", "-id"], name="webhooks_of_endpoint"),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint_id} {self.message_id}"


class Attempt(models.Model):
    """One try. `signed_at` is the time in its headers; `answer` the beginning of what came back."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="+", db_index=False)
    signed_at = models.DateTimeField()
    took_ms = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=30, blank=True)
    answer = models.CharField(max_length=1000, blank=True)

    class Meta:
        indexes = [models.Index(fields=["delivery", "id"], name="webhooks_attempt_of_delivery")]

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.signed_at}"


class LedgerMark(models.Model):
    """How far a ledger has been read for the fact it tells; see `ledgers.py`."""

    fact = models.CharField(max_length=40, primary_key=True)
    stood = models.BigIntegerField()  # rows up to here are all told
    newest = models.BigIntegerField()  # the newest at `newest_at`; perhaps not all before it were to be seen then
    newest_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.fact
