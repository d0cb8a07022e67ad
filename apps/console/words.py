"""Sentences that several pages say: periods, stage reasons, moves."""

from datetime import date, datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext

from apps.core import clock
from apps.core.models import Job
from apps.segments.models import Stage

# How a move is called in the flow; other moves are called by their two stages.
MOVES = {
    ("prospect", "new"): gettext_lazy("first order"),
    ("new", "active"): gettext_lazy("became regulars"),
    ("new", "lapsing"): gettext_lazy("lapse after the first order"),
    ("active", "lapsing"): gettext_lazy("began to lapse"),
    ("lapsing", "dormant"): gettext_lazy("fell dormant"),
    ("dormant", "lost"): gettext_lazy("lost"),
    ("lapsing", "active"): gettext_lazy("came back"),
    ("dormant", "won_back"): gettext_lazy("won back"),
    ("lost", "won_back"): gettext_lazy("won back"),
    ("won_back", "active"): gettext_lazy("settled"),
    ("won_back", "lapsing"): gettext_lazy("lapse again"),
}


# What the work of a job is called, by its kind.
JOBS = {
    "orders.import": gettext_lazy("Import of orders"),
    "members.import": gettext_lazy("Import of members"),
    "members.export": gettext_lazy("Export of members"),
    "members.tag_list": gettext_lazy("Tag for a list of members"),
    "members.find_duplicates": gettext_lazy("Searching for possible duplicates"),
    "points.reassess": gettext_lazy("Assessing everybody's tier"),
    "points.take_openings": gettext_lazy("Taking over what members brought along"),
    "analytics.measure_quality": gettext_lazy("Counting data quality"),
    "points.exchanges_export": gettext_lazy("Export of exchanges"),
    "points.check": gettext_lazy("Points ledger check"),
    "privacy.export": gettext_lazy("Copy of a member's data"),
    "segments.pack": gettext_lazy("Audience pack"),
    "segments.upload": gettext_lazy("File into a list of members"),
    "segments.fit_predictions": gettext_lazy("New version of the predictions"),
    "coupons.take_openings": gettext_lazy("Issuing coupons that members brought along"),
    "catalog.price_file": gettext_lazy("Prices from a file"),
    "coupons.recall": gettext_lazy("Recall of coupons"),
    "coupons.make_codes": gettext_lazy("Making codes"),
    "coupons.take_codes": gettext_lazy("Taking over a partner's codes"),
    "wecom.sync": gettext_lazy("Reading WeCom in full"),
    "wecom.hand_over": gettext_lazy("Handing customers over in WeCom"),
    "coupons.write_codes": gettext_lazy("Writing codes to a file"),
}


# Where an order was placed; sources may say other words, which then stay.
CHANNELS = {
    "store": gettext_lazy("in the store"),
    "mini-program": gettext_lazy("mini-program"),
    "online": gettext_lazy("online"),
}
# Words of the records' pages that the package behind them has no Chinese for.
FROM_PACKAGES = (gettext_noop("Select value"),)


def job(row: Job) -> str:
    """The file it works on, or what it does."""
    return str(row.params.get("file_name") or JOBS.get(row.kind, row.kind))


def move(before: str, after: str) -> str:
    return str(MOVES.get((before, after), Stage(after).label))


def day(value: date) -> str:
    """11月22日, with the year only when it is not this one."""
    today = clock.local_date(clock.now())
    return date_format(value, "MONTH_DAY_FORMAT" if value.year == today.year else "DATE_FORMAT")


def span(first: date, last: date) -> str:
    if first == last:
        return day(first)
    return _("%(first)s to %(last)s") % {"first": day(first), "last": day(last)}


def since(moment: datetime | None) -> str:
    """How long ago in whole shop days."""
    if moment is None:
        return ""
    days = (clock.local_date(clock.now()) - clock.local_date(moment)).days
    if days <= 0:
        return _("today")
    return ngettext("%(days)s day ago", "%(days)s days ago", days) % {"days": days}


def why_stage(stats: Any) -> str:
    """Why a member is in their stage, from their own figures."""
    if stats.last_order_at is None:
        return _("No order kept so far.")
    gap = round(stats.gap_median_days or 0)
    facts = {
        "last": day(clock.local_date(stats.last_order_at)),
        "away": since(stats.last_order_at),
        "gap": gap,
        "first": day(clock.local_date(stats.first_order_at)),
        "orders": stats.orders,
    }
    own_rhythm = stats.orders >= 3 and stats.gap_median_days
    sentences = {
        Stage.NEW: _("First order on %(first)s, less than 30 days ago."),
        Stage.WON_BACK: _("Came back with an order on %(last)s after being dormant or lost."),
    }
    if stats.stage in sentences:
        return sentences[Stage(stats.stage)] % facts
    if own_rhythm:
        return (
            ngettext(
                "Last order on %(last)s, %(away)s. Usually buys every day.",
                "Last order on %(last)s, %(away)s. Usually buys every %(gap)s days.",
                gap,
            )
            % facts
        )
    return _("Last order on %(last)s, %(away)s. Too few orders for a rhythm of their own.") % facts


def what_next(stats: Any) -> str:
    """When time alone moves the member on, if nothing is bought."""
    if stats.next_stage_at is None:
        return _("Time alone changes nothing from here.")
    return _("Without an order the stage changes on %(day)s.") % {"day": day(clock.local_date(stats.next_stage_at))}
