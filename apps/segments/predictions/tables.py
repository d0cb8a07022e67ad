"""Versions of the models, what they say of each member, and how often things are bought again."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class PredictionModel(models.Model):
    """One fitted version with all that its card shows. At most one is active. Figures are never changed after the fit.

    `parameters` and `scores` are documented in docs/predictions.md; nothing in them belongs to a single member.
    """

    class Source(models.TextChoices):
        FEATURES = "features", _("Signs of lapsing")
        BGNBD = "bgnbd", _("Buying rhythm")

    version = models.PositiveIntegerField(unique=True)
    as_of = models.DateTimeField()
    fitted_at = models.DateTimeField()
    fitted_by = models.CharField(max_length=60)  # as the audit trail names actors
    first_order_on = models.DateField()
    last_order_on = models.DateField()
    buyers = models.IntegerField()
    orders = models.IntegerField()
    sample = models.IntegerField()  # buyers the parameters were fitted on
    lapse_by = models.CharField(max_length=10, choices=Source)  # where P(no order in 90 days) comes from
    parameters = models.JSONField()
    scores = models.JSONField()
    is_active = models.BooleanField(default=False)
    activated_at = models.DateTimeField(null=True)
    activated_by = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="segments_one_active_prediction"
            )
        ]

    def __str__(self) -> str:
        return f"v{self.version}"


class PredictionRun(models.Model):
    """One scoring of all members. `sufficiency`: what the gate counted; without enough data there is no model and no row."""

    as_of = models.DateTimeField()
    model = models.ForeignKey(PredictionModel, null=True, on_delete=models.PROTECT, related_name="+")
    sufficiency = models.JSONField()
    is_sufficient = models.BooleanField()
    scored = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    removed = models.IntegerField(default=0)
    seconds = models.FloatField(default=0)
    finished_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["-finished_at"], name="segments_scoring_newest")]

    def __str__(self) -> str:
        return f"{self.as_of:%F %T}"


class Prediction(models.Model):
    """What the active version says of one buyer. No row: no prediction. Probabilities 0–1, money in 分, days of the shop.

    `reasons` are up to three codes of `reasons.py`, the weightiest first, each with "+" (speaks for lapsing) or "-" behind it;
    `reason_values` the figures beside them. `scored_at` is the scoring that last changed the row.
    """

    class Band(models.TextChoices):
        LOW = "low", _("Low")
        MIDDLE = "middle", _("Middle")
        HIGH = "high", _("High")

    member = models.OneToOneField("members.Member", primary_key=True, on_delete=models.CASCADE, related_name="+")
    p_alive = models.FloatField()
    p_lapse = models.FloatField()  # no kept order in the next 90 days
    band = models.CharField(max_length=6, choices=Band)  # of p_lapse: under 33 %, to 66 %, over
    expected_orders = models.FloatField()  # purchase days in the next 90 days
    clv_cents = models.BigIntegerField()  # net spending of the next 365 days, discounted
    next_order_on = models.DateField(null=True)  # by this day an order is as likely as not; none within a year: NULL
    reasons = ArrayField(models.CharField(max_length=12), default=list)
    reason_values = ArrayField(models.FloatField(), default=list)
    model = models.ForeignKey(PredictionModel, on_delete=models.PROTECT, related_name="+", db_index=False)
    scored_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(p_alive__gte=0, p_alive__lte=1, p_lapse__gte=0, p_lapse__lte=1),
                name="segments_chances_0_to_1",
            ),
            models.CheckConstraint(
                condition=Q(expected_orders__gte=0, clv_cents__gte=0), name="segments_expected_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} {self.band}"


class CategoryCycle(models.Model):
    """How long it usually takes until things of a category are bought again, over all members. Days."""

    category = models.OneToOneField("catalog.Category", primary_key=True, on_delete=models.CASCADE, related_name="+")
    gap_days = models.FloatField()  # median
    gaps = models.IntegerField()
    members = models.IntegerField()  # who bought it
    repeat_share = models.FloatField()  # of them, who bought it on more than one day

    def __str__(self) -> str:
        return f"{self.category_id} {self.gap_days:.0f}"


class MemberCycle(models.Model):
    """When a member will probably need a category again; only what comes due between 30 days ago and in 90 days."""

    member = models.ForeignKey("members.Member", on_delete=models.CASCADE, related_name="+", db_index=False)
    category = models.ForeignKey("catalog.Category", on_delete=models.CASCADE, related_name="+", db_index=False)
    product = models.ForeignKey(
        "catalog.Product", on_delete=models.CASCADE, related_name="+", db_index=False
    )  # bought last
    last_on = models.DateField()
    gap_days = models.FloatField()
    is_own = models.BooleanField()  # the member's own median gap; else the category's
    due_on = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "category"], name="segments_cycle_once")]
        indexes = [models.Index(fields=["category", "due_on"], name="segments_due_of_category")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.category_id} {self.due_on}"
