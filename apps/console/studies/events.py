"""What changed after a day: daily sales of each store before and after it, with the interval of the change."""

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from apps.analytics import selectors
from apps.analytics.day import words as figure_words
from apps.analytics.study import before_after as counted
from apps.analytics.study.before_after import Change
from apps.care.models import Campaign
from apps.console import words
from apps.console.charts import Comparison, ForestPlot, Line, Point
from apps.console.studies.asking import Study, View
from apps.core import clock, money
from apps.livestream.models import Stream

BACK = 91  # days in which events are offered


def change(view: View, *, csv_url: str = "") -> ForestPlot:
    on, days = view.event
    found = counted.changes(on=on, days=days, store_ids=view.where.ids)
    names = {0: _("All these stores"), **view.where.names}
    shown = [one for one in found if one.before and one.store_id in names]
    told = tuple(
        Comparison(
            label=names[one.store_id], texts=(_round(one.before), _round(one.after)), diff=one.change / one.before,
            low=one.low / one.before, high=one.high / one.before, lead=one.store_id == 0,
            href=_day_url(on, one.store_id or view.where.chosen),
        )
        for one in shown
    )  # fmt: skip
    return ForestPlot(
        key="change", title=_finding(shown, on), size="l", comparisons=told, csv_url=csv_url, unit=_("Store"),
        sides=(pgettext("a day", "Before"), pgettext("a day", "After")), gap=_("Change, %"),
        subtitle=_("Sales a day in the %(days)s days before %(day)s and from then on, each against the same weekday.")
        % {"days": days, "day": words.day(on)},
        note=_("Other things may have changed that day, too. A hollow point: the interval holds zero, so it may be chance."),
        as_of=selectors.as_of(), empty_title=_("No sales before this day"), empty_text=_("Choose another day, or another store."),
    )  # fmt: skip


def _finding(found: list[Change], on: date) -> str:
    if not found:
        return _("Did sales change after this day?")
    one = found[0]
    facts = {
        "day": words.day(on),
        "share": figure_words.percent(abs(one.change) / one.before),
        "cents": _round(abs(one.change)),
    }
    if not one.is_certain:
        return _("No change after %(day)s that could not be chance") % facts
    if one.change > 0:
        return _("Sales rose by %(cents)s a day (%(share)s) after %(day)s") % facts
    return _("Sales fell by %(cents)s a day (%(share)s) after %(day)s") % facts


def sales(view: View, *, csv_url: str = "") -> Line:
    on, days = view.event
    first, last = on - timedelta(days=days), on + timedelta(days=days - 1)
    found: dict[date, int] = {}
    for (_store, day), cents in counted.daily(first=first, last=last, store_ids=view.where.ids).items():
        found[day] = found.get(day, 0) + cents
    points = []
    for n in range(2 * days):
        day = first + timedelta(days=n)
        label = f"{words.day(day)} ◆" if day == on else words.day(day)
        points.append(Point(label=label, value=found.get(day, 0) // 100, href=_day_url(day, view.where.chosen)))
    return Line(
        key="sales", title=_("Sales of each day before and after %(day)s") % {"day": words.day(on)}, size="l",
        points=tuple(points), unit=_("yuan"), from_zero=True, csv_url=csv_url, as_of=selectors.as_of(),
        subtitle=_("What members paid, in whole yuan; ◆ is the day."),
    )  # fmt: skip


def _round(cents: float) -> str:
    return money.show(round(cents))


def _day_url(on: date, store: int | None) -> str:
    """The day's rows behind the sales."""
    parts = {"day": on, **({"store": store} if store else {})}
    return f"{reverse('console:today_rows', args=[counted.FIGURE])}?{urlencode(parts)}"


def _more(request: HttpRequest) -> dict[str, Any]:
    """Days on which something began: campaigns and streams of the last three months."""
    now = clock.now()
    since = now - timedelta(days=BACK)
    campaigns = Campaign.objects.filter(starts_at__gte=since, starts_at__lte=now).select_related("journey")
    streams = Stream.objects.filter(began_at__gte=since, began_at__lte=now)
    found = [(clock.local_date(row.starts_at), row.journey.name, _("Campaign")) for row in campaigns if row.starts_at]
    found += [
        (clock.local_date(row.began_at), row.title, pgettext("contact", "Live stream"))
        for row in streams
        if row.began_at
    ]
    kept = request.GET.copy()
    known = []
    for on, name, kind in sorted(found, reverse=True)[:20]:
        kept["event"] = on.isoformat()
        known.append((f"?{kept.urlencode()}", words.day(on), name, kind))
    return {"known_days": known}


STUDY = Study(
    url_name="console:analysis_events",
    label=gettext_lazy("Before and after"),
    heading=gettext_lazy("What changed after a day"),
    lede=gettext_lazy("Sales of the day's figures, counted every five minutes. Each day leads to its orders."),
    draws={"change": change, "sales": sales},
    asks=("event",),
    days_label=pgettext_lazy("before and after", "Days each side"),
    more=_more,
)
