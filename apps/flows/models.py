"""What members ask about their data, and the list of the erased. Stories themselves keep no tables."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock


class PrivacyRequest(models.Model):
    """A member's wish for a copy of their data, or to be erased. One open wish of a kind at a time."""

    class Kind(models.TextChoices):
        EXPORT = "export", _("Copy of the data")
        ERASURE = "erasure", _("Erasure")

    class State(models.TextChoices):
        WAITING = "waiting", _("Being prepared")
        READY = "ready", _("Ready to download")
        TAKEN = "taken", _("Downloaded")
        EXPIRED = "expired", _("Not fetched in time")
        COOLING = "cooling", _("Waiting time runs")
        CANCELLED = "cancelled", pgettext_lazy("request", "Taken back")
        DONE = "done", _("Erased")

    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    state = models.CharField(max_length=10, choices=State)
    asked_by = models.CharField(max_length=60)  # "user:7": the member's own account, or staff
    asked_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField()  # export: ready by then; erasure: not before
    language = models.CharField(max_length=10, blank=True)  # of the readable page
    job = models.ForeignKey("core.Job", null=True, on_delete=models.SET_NULL, related_name="+")
    sealed = models.BinaryField(null=True)  # the file under the member's own key; emptied when taken or too old
    expires_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("privacy request")
        verbose_name_plural = _("privacy requests")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "kind"], condition=Q(state__in=["waiting", "cooling"]), name="flows_one_open_wish"
            ),
            models.CheckConstraint(condition=Q(sealed=None) | Q(state="ready"), name="flows_file_only_while_ready"),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(state="cooling"), name="flows_erasures_due")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.member_id}"


class Erased(models.Model):
    """A member who was erased, append-only. With `joined_at` it names one person even after a restored backup counts anew."""

    member_id = models.BigIntegerField(primary_key=True)
    joined_at = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")

    def __str__(self) -> str:
        return str(self.member_id)


class OwnCard(models.Model):
    """Which member somebody of the staff is: set in the back office, or learnt when the phone they gave with their PIN was scanned."""

    staff = models.OneToOneField("stores.Staff", on_delete=models.PROTECT, related_name="+")
    member = models.ForeignKey("members.Member", null=True, on_delete=models.SET_NULL, related_name="+")
    phone_digest = models.BinaryField(max_length=32, null=True)  # blind index, as members' phones have one

    def __str__(self) -> str:
        return str(self.staff_id)


class LiveWeek(models.Model):
    """One round of the weekly routine: what was made for it at once, so that one report tells how it went."""

    stream = models.OneToOneField("livestream.Stream", on_delete=models.PROTECT, related_name="+")
    template = models.OneToOneField("coupons.Template", on_delete=models.PROTECT, related_name="+")
    service = models.ForeignKey("bookings.Service", on_delete=models.PROTECT, related_name="+")
    live_code = models.ForeignKey("community.LiveCode", null=True, on_delete=models.PROTECT, related_name="+")
    groups = ArrayField(models.CharField(max_length=40))  # keys of the groups that may claim the coupon
    stores = ArrayField(models.BigIntegerField())  # in which it can be tried on
    aim_percent = models.PositiveSmallIntegerField()  # share of sales that the groups should bring
    created_by = models.ForeignKey("core.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("weekly routine")
        verbose_name_plural = _("weekly routines")
        constraints = [
            models.CheckConstraint(condition=Q(aim_percent__lte=100), name="flows_week_aim_is_a_share"),
            models.CheckConstraint(condition=Q(groups__len__gte=1, stores__len__gte=1), name="flows_week_has_places"),
        ]

    def __str__(self) -> str:
        return f"week of {self.stream_id}"


class Checkout(models.Model):
    """One sale taken in at a till; nothing of it changes but that it may be undone.

    `key` is the till's own name for the act: a repeat is the same.
    `gross_cents` before, `order.total_cents` after what coupons and points took off.
    `scanned_at` is when the member stood there: earlier than `at` for what a till kept while its network was away.
    """

    key = models.CharField(max_length=64, unique=True)
    order = models.OneToOneField("orders.Order", on_delete=models.PROTECT, related_name="+")
    shift = models.ForeignKey("stores.Shift", on_delete=models.PROTECT, related_name="+", db_index=False)
    gross_cents = models.BigIntegerField()
    points_spent = models.BigIntegerField(default=0)
    points_cents = models.BigIntegerField(default=0)
    coupons = models.PositiveSmallIntegerField(default=0)
    coupon_cents = models.BigIntegerField(default=0)
    scanned_at = models.DateTimeField()
    at = models.DateTimeField(default=clock.now)
    was_offline = models.BooleanField(default=False)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    agreed_by = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(points_spent=0, points_cents=0) | Q(points_spent__gt=0, points_cents__gt=0),
                name="flows_checkout_points_are_worth",
            ),
            models.CheckConstraint(
                condition=Q(undone_at=None, undone_by=None, agreed_by=None)
                | Q(undone_at__isnull=False, undone_by__isnull=False),
                name="flows_checkout_undone_by_whom",
            ),
        ]
        indexes = [models.Index(fields=["shift", "-id"], name="flows_checkouts_of_shift")]

    def __str__(self) -> str:
        return f"{self.order_id} at {self.shift_id}"
