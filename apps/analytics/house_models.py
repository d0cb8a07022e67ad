"""What is aimed at in a month, and what staff get for what they sold: both as data, with all that was set before."""

from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from apps.core import clock


class Target(models.Model):
    """What a figure of `house.figures` should come to in a month: for the brand, a region, a store or a person.

    `channel` "": all of them. `value` in the figure's unit (分, a number; hundredths of a percent for rates). Never changed: another
    one takes its place (`ended_at`), so that the rows are the history. `value` null: taken away.
    """

    class Way(models.TextChoices):
        HAND = "hand", pgettext_lazy("target", "By hand")
        FILE = "file", pgettext_lazy("target", "From a file")

    month = models.DateField()  # its first day
    figure = models.CharField(max_length=60)
    region = models.ForeignKey("stores.Region", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    store = models.ForeignKey("stores.Store", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    staff = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.CharField(max_length=40, blank=True)
    value = models.BigIntegerField(null=True)
    way = models.CharField(max_length=4, choices=Way)
    set_by = models.ForeignKey("core.User", null=True, on_delete=models.SET_NULL, related_name="+")
    set_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["month", "figure", "region", "store", "staff", "channel"],
                condition=Q(ended_at=None),
                nulls_distinct=False,
                name="analytics_target_once",
            ),
            models.CheckConstraint(
                condition=Q(region=None, store=None) | Q(region=None, staff=None) | Q(store=None, staff=None),
                name="analytics_target_of_one_place",
            ),
            models.CheckConstraint(condition=Q(value=None) | Q(value__gt=0), name="analytics_target_above_0"),
            models.CheckConstraint(condition=Q(month__day=1), name="analytics_target_of_a_month"),
        ]
        indexes = [models.Index(fields=["month", "-id"], name="analytics_targets_of_month")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.figure}"


class Incentive(models.Model):
    """One line of the rule by which staff are paid for a month: from `first_month` on, until `last_month` where it ended.

    SHARE: `rate` hundredths of a percent of what was kept of their sales. EACH: `rate` 分 for every one of `figure`. REACHED: `rate` 分
    once, where `figure` came to `percent` of the person's goal or more. Never changed, only ended: months that are over stay as paid.
    """

    class Kind(models.TextChoices):
        SHARE = "share", pgettext_lazy("incentive", "A share of sales")
        EACH = "each", pgettext_lazy("incentive", "An amount for each")
        REACHED = "reached", pgettext_lazy("incentive", "An amount for a goal reached")

    kind = models.CharField(max_length=8, choices=Kind)
    figure = models.CharField(max_length=60)
    rate = models.BigIntegerField()
    percent = models.PositiveSmallIntegerField(default=100)
    first_month = models.DateField()
    last_month = models.DateField(null=True)
    made_by = models.ForeignKey("core.User", null=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField(default=clock.now)
    ended_by = models.ForeignKey("core.User", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(rate__gt=0), name="analytics_incentive_above_0"),
            models.CheckConstraint(
                condition=~Q(kind="share") | Q(rate__lte=10_000), name="analytics_incentive_share_to_100"
            ),
            models.CheckConstraint(condition=Q(percent__gte=1, percent__lte=1_000), name="analytics_incentive_percent"),
            models.CheckConstraint(
                condition=Q(first_month__day=1) & (Q(last_month=None) | Q(last_month__day=1)),
                name="analytics_incentive_months",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.figure} {self.rate}"
