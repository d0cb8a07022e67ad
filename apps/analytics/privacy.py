"""Figures of a day count members and name none."""

from apps.core.holdings import Holding

HOLDINGS: tuple[Holding, ...] = ()
IMPERSONAL = (
    "analytics.AlertRule",
    "analytics.Breach",
    "analytics.CouponDay",
    "analytics.CouponMark",
    "analytics.DailyFigure",
    "analytics.NoticeBox",
    "analytics.NoticeMail",
    "analytics.StaffFigure",
)
