"""Orders, their lines and refunds. Money in 分. Totals are what the member paid, after discounts."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.core import clock


class Order(models.Model):
    """Unique by source and number. `refunded_cents` is the sum of its refunds, kept in their transaction."""

    class Status(models.TextChoices):
        RECORDED = "recorded", _("Recorded")
        PAID = "paid", _("Paid")
        SHIPPED = "shipped", _("Shipped")
        READY = "ready", _("Ready for pick-up")
        RECEIVED = "received", _("Received")
        CANCELLED = "cancelled", _("Cancelled")

    source = models.CharField(max_length=40)  # "import", "pos", "mini-program": who numbers the order
    order_no = models.CharField(_("order number"), max_length=64)
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+", db_index=False)
    store = models.ForeignKey("stores.Store", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    guide = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=40, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.RECORDED)
    total_cents = models.BigIntegerField()
    refunded_cents = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)
    paid_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            models.UniqueConstraint(fields=["source", "order_no"], name="orders_number_once"),
            models.CheckConstraint(condition=Q(total_cents__gte=0), name="orders_total_not_negative"),
            models.CheckConstraint(
                condition=Q(refunded_cents__gte=0) & Q(refunded_cents__lte=F("total_cents")),
                name="orders_refund_within_total",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["recorded", "cancelled"]) | Q(paid_at__isnull=False),
                name="orders_paid_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["member", "paid_at"],
                include=["id", "total_cents", "refunded_cents", "store", "channel", "status"],
                name="orders_of_member",
            ),
            models.Index(fields=["-paid_at", "-id"], name="orders_newest"),
            models.Index(fields=["store", "-paid_at", "-id"], name="orders_of_store"),
        ]

    def __str__(self) -> str:
        return self.order_no


class Line(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines", db_index=False)
    line_no = models.PositiveSmallIntegerField()
    product = models.ForeignKey("catalog.Product", null=True, on_delete=models.PROTECT, related_name="+")
    quantity = models.DecimalField(max_digits=12, decimal_places=3, default=1)
    total_cents = models.BigIntegerField()  # what was paid for this line
    discount_cents = models.BigIntegerField(default=0)
    refunded_cents = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "line_no"], name="orders_line_once", include=["product", "total_cents"]
            ),
            models.CheckConstraint(
                condition=Q(refunded_cents__gte=0) & Q(refunded_cents__lte=F("total_cents")),
                name="orders_line_refund_within_total",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}/{self.line_no}"


class Refund(models.Model):
    """Money given back: whole, by line, or by amount. Append-only; `source` makes a repeat a no-op."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds", db_index=False)
    line = models.ForeignKey(Line, null=True, on_delete=models.PROTECT, related_name="+")
    amount_cents = models.BigIntegerField()
    source = models.CharField(max_length=120)
    refunded_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "source"], name="orders_refund_once"),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="orders_refund_positive"),
        ]
        indexes = [models.Index(fields=["refunded_at"], name="orders_refunds_by_time")]

    def __str__(self) -> str:
        return f"{self.order_id} {self.source}"


class Change(models.Model):
    """A note that a member's purchase history changes at `due_at`; the stats refresh takes notes that are due.

    Written in the transaction of the order, payment, refund or import; taken by DELETE ... RETURNING, so none is missed
    whatever the commit order. The order beside it vouches for the member, so the database need not check again.
    """

    member = models.ForeignKey(
        "members.Member", on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    due_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.member_id} {self.due_at}"


class ImportRun(models.Model):
    """One file taken in. The same content again resumes or changes nothing."""

    job = models.OneToOneField("core.Job", null=True, on_delete=models.SET_NULL, related_name="+")
    file_name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    is_live = models.BooleanField(default=False)
    rows = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    orders_added = models.BigIntegerField(default=0)
    orders_known = models.BigIntegerField(default=0)
    members_added = models.BigIntegerField(default=0)
    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.file_name
