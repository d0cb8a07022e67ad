"""How a segment grew and how its last build went: charts of the days, and the warnings."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.console import charts, words
from apps.console.charts import svg
from apps.segments.models import Build
from apps.segments.seen import Day


def state(build: Build | None) -> dict[str, Any]:
    """`failed`: why the last build did; `is_slow`: it took longer than SEGMENT_SLOW_SECONDS; `took` in seconds."""
    return {
        "failed": build.error if build else "",
        "took": build.seconds if build else None,
        "is_slow": build is not None and build.seconds >= settings.SEGMENT_SLOW_SECONDS,
        "slow_after": settings.SEGMENT_SLOW_SECONDS,
    }


def charts_of(days: Sequence[Day]) -> dict[str, charts.Chart]:
    return {"size_chart": _size(days), "moves_chart": _moves(days)}


def _size(days: Sequence[Day]) -> charts.Chart:
    return charts.Line(
        key="segment-size",
        title=_size_title(days),
        subtitle=_("At the end of each day"),
        unit=_("members"),
        points=tuple(charts.Point(label=words.day(one.on), value=one.size) for one in days),
        from_zero=True,
        size="l",
        empty_title=_("Nobody yet"),
        empty_text=_("The size appears here once somebody has come in."),
    )


def _size_title(days: Sequence[Day]) -> str:
    known = [one.size for one in days if one.size is not None]
    if not known:
        return _("Not worked out yet")
    now, grown = known[-1], known[-1] - known[0]
    count = ngettext("%(count)s member", "%(count)s members", now) % {"count": svg.number(now)}
    if not grown:
        return _("%(count)s, as many as at the beginning") % {"count": count}
    facts = {"count": count, "change": svg.number(abs(grown))}
    if grown > 0:
        return _("%(count)s, %(change)s more than at the beginning") % facts
    return _("%(count)s, %(change)s fewer than at the beginning") % facts


def _moves(days: Sequence[Day]) -> charts.Chart:
    came, went = sum(one.came for one in days), sum(one.went for one in days)
    return charts.DayBars(
        key="segment-moves",
        title=_("%(came)s came in, %(went)s went out") % {"came": svg.number(came), "went": svg.number(went)},
        subtitle=_("Bars: entries of the day. Black tick: exits."),
        unit=_("came in"),
        previous_label=_("went out"),
        days=tuple(
            charts.Day(label=words.day(one.on), value=one.came, previous=one.went, partial=one is days[-1])
            for one in days
        ),
        partial_label=_("Today, so far"),
        colour="brand",
        size="l",
        empty_title=_("Nobody came or went"),
        empty_text=_("Entries and exits of the last 30 days appear here."),
    )
