"""What analysts look at, counted ahead: who came back month after month, when orders come, who changed their RFM group."""

from django.db import models


class CohortMonth(models.Model):
    """Of the members whose first kept order fell into `cohort`, those who bought in `month`; both first days of a month, shop time.

    `store_id`: their home store, 0 none; a member counts in one store only, so that stores add up.
    """

    cohort = models.DateField()
    month = models.DateField()
    store_id = models.BigIntegerField(default=0)
    members = models.IntegerField()
    orders = models.IntegerField()
    net_cents = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cohort", "month", "store_id"], name="analytics_cohort_month_once"),
            models.CheckConstraint(
                condition=models.Q(month__gte=models.F("cohort")), name="analytics_cohort_then_month"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cohort:%Y-%m} {self.month:%Y-%m}"


class HourFigure(models.Model):
    """Paid orders of one hour of a shop day in a store (0: none). Money in 分, before refunds."""

    on = models.DateField()
    hour = models.PositiveSmallIntegerField()
    store_id = models.BigIntegerField(default=0)
    orders = models.IntegerField()
    paid_cents = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["on", "hour", "store_id"], name="analytics_hour_once")]

    def __str__(self) -> str:
        return f"{self.on} {self.hour}"


class CellMove(models.Model):
    """Members by the RFM group they were in `days` before `on`, and on that day; "" is none. `store_id`: their home store, 0 none."""

    on = models.DateField()
    days = models.PositiveSmallIntegerField()
    before = models.CharField(max_length=20, blank=True)
    after = models.CharField(max_length=20, blank=True)
    store_id = models.BigIntegerField(default=0)
    members = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["on", "days", "before", "after", "store_id"], name="analytics_cell_move_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.on} {self.before} {self.after}"


class StudyMark(models.Model):
    """Up to when one of the tables for analysts counts."""

    name = models.CharField(max_length=20, primary_key=True)
    as_of = models.DateTimeField()
    params = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))  # what it was counted by

    def __str__(self) -> str:
        return self.name


class FunnelDay(models.Model):
    """Who came into a funnel on a shop day and what became of them since: `step_1` came in, of these `step_2` … did what the step says.

    `store_id`: see `study.funnels`, 0 none. `part`: what the funnel is cut by (a channel, a stream's id, an SKU).
    """

    on = models.DateField()
    funnel = models.CharField(max_length=10)
    store_id = models.BigIntegerField(default=0)
    part = models.CharField(max_length=60, blank=True)
    step_1 = models.IntegerField()
    step_2 = models.IntegerField()
    step_3 = models.IntegerField()
    step_4 = models.IntegerField()
    step_5 = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["funnel", "on", "store_id", "part"], name="analytics_funnel_day_once")
        ]

    def __str__(self) -> str:
        return f"{self.funnel} {self.on} {self.part}"


class Spread(models.Model):
    """How something is spread: so many in a class. `x` and `y` are places in the rows of classes of `study.spreads`.

    `on`: the shop day of the orders, or the day on which members were looked at. `cents`: what they paid and kept, 分.
    """

    name = models.CharField(max_length=10)
    on = models.DateField()
    store_id = models.BigIntegerField(default=0)
    x = models.PositiveSmallIntegerField()
    y = models.PositiveSmallIntegerField(default=0)
    count = models.IntegerField()
    cents = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "on", "store_id", "x", "y"], name="analytics_spread_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.on} {self.x}/{self.y}"


class PathDay(models.Model):
    """How many went the same way: `path` is its steps, parted by ">". `on` and `store_id`: see `study.paths`. Money in 分."""

    name = models.CharField(max_length=10)
    on = models.DateField()
    store_id = models.BigIntegerField(default=0)
    path = models.CharField(max_length=200)
    count = models.IntegerField()
    cents = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "on", "store_id", "path"], name="analytics_path_day_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.on} {self.path}"
