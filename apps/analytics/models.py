"""Rollups that pages read instead of scanning: one row per shop day and figure."""

from django.db import models

from apps.analytics.credit_models import CreditDay, OrderCredit
from apps.analytics.house_models import Incentive, Target
from apps.analytics.notice_models import AlertRule, Breach, NoticeBox, NoticePost
from apps.analytics.study_models import CellMove, CohortMonth, FunnelDay, HourFigure, PathDay, Spread, StudyMark

__all__ = [
    "AlertRule",
    "Breach",
    "CellMove",
    "CohortMonth",
    "CouponDay",
    "CouponMark",
    "CreditDay",
    "DailyFigure",
    "FunnelDay",
    "HourFigure",
    "Incentive",
    "NoticeBox",
    "NoticePost",
    "OrderCredit",
    "PathDay",
    "Spread",
    "StaffFigure",
    "StudyMark",
    "Target",
]


class DailyFigure(models.Model):
    """A figure of one shop day. `store` 0 means all stores. Recomputed whole for a day: the upsert makes a repeat harmless."""

    on = models.DateField()
    name = models.CharField(max_length=80)  # "stage.lapsing.members", "orders.paid", "via.mini_program.orders.paid"
    store_id = models.BigIntegerField(default=0)
    value = models.BigIntegerField()
    as_of = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "store_id", "on"], name="analytics_figure_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.on}"


class StaffFigure(models.Model):
    """What one person did in a shop day in a store (0: none), by the figures of `day.sources`. Written beside `DailyFigure`."""

    on = models.DateField()
    name = models.CharField(max_length=60)
    staff_id = models.BigIntegerField()
    store_id = models.BigIntegerField(default=0)
    value = models.BigIntegerField()
    as_of = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "staff_id", "store_id", "on"], name="analytics_staff_figure_once")
        ]
        indexes = [models.Index(fields=["on", "store_id"], name="analytics_staff_of_day")]

    def __str__(self) -> str:
        return f"{self.name} {self.staff_id} {self.on}"


class CouponDay(models.Model):
    """What coupons of a template did in a shop day, by whom, and how they came: counted by `coupon_days`. Money in 分.

    `store_id`, `staff_id` 0: none. Issued counts on the day of issue, for the store that handed it out or else the member's, without
    staff; `kept`, of these, is used by now. The others count on the day of use in its store.
    """

    on = models.DateField()
    template_id = models.BigIntegerField()
    store_id = models.BigIntegerField()
    staff_id = models.BigIntegerField()
    channel = models.CharField(max_length=10)
    origin = models.CharField(max_length=60)
    issued = models.BigIntegerField()
    kept = models.BigIntegerField()
    used = models.BigIntegerField()
    saved_cents = models.BigIntegerField()
    borne_cents = models.BigIntegerField()
    sales_cents = models.BigIntegerField()
    once_cents = models.BigIntegerField()  # of these, what counts where several coupons of one basket are added up

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["on", "template_id", "store_id", "staff_id", "channel", "origin"],
                name="analytics_coupon_day_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.template_id} {self.on}"


class CouponMark(models.Model):
    """Up to when `CouponDay` counts: one row."""

    as_of = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="analytics_one_coupon_mark")]

    def __str__(self) -> str:
        return f"{self.as_of:%Y-%m-%d %H:%M}"
