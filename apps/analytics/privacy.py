"""Figures of a day count members and name none."""

from apps.core.holdings import Holding

HOLDINGS: tuple[Holding, ...] = ()
IMPERSONAL = (
    "analytics.AlertRule",
    "analytics.Breach",
    "analytics.CellMove",
    "analytics.CohortMonth",
    "analytics.CouponDay",
    "analytics.CouponMark",
    "analytics.CreditDay",
    "analytics.DailyFigure",
    "analytics.FunnelDay",
    "analytics.HourFigure",
    "analytics.Incentive",
    "analytics.NoticeBox",
    "analytics.NoticePost",
    "analytics.OrderCredit",
    "analytics.PathDay",
    "analytics.Spread",
    "analytics.StaffFigure",
    "analytics.StudyMark",
    "analytics.Target",
)
