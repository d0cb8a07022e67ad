"""The charts of what the shop owes in points, each with its table. Figures come from the sums of `points.liability`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.console import charts
from apps.console.charts import svg
from apps.core import money
from apps.points import liability
from apps.points.liability import Cohort, Forecast, OfStore, Totals
from apps.points.models import Currency, Tier
from apps.stores.models import Store

BACK = 12  # month ends before the day asked for
AHEAD = 13  # months, this one among them


@dataclass
class View:
    """One currency at the end of one shop day; each figure is read once. `stores`: only what was earned there, None: everything.
    Then there is only what the cohorts tell: accounts belong to no store."""

    currency: Currency
    on: date
    today: date
    is_english: bool
    urls: dict[str, str] = field(default_factory=dict)
    stores: Collection[int] | None = None

    @cached_property
    def totals(self) -> Totals:
        return liability.totals(currency=self.currency.key, on=self.on)

    @cached_property
    def cohorts(self) -> list[Cohort]:
        return liability.cohorts(currency=self.currency.key, on=self.on, stores=self.stores)

    @cached_property
    def by_store(self) -> list[OfStore]:
        return liability.by_store(currency=self.currency.key, on=self.on, stores=self.stores)

    @cached_property
    def outstanding(self) -> int:
        return self.totals.outstanding if self.stores is None else sum(one.left for one in self.cohorts)

    @cached_property
    def aside(self) -> int:
        return sum(one.aside for one in self.cohorts)

    @cached_property
    def forecast(self) -> Forecast:
        return liability.forecast(self.cohorts, on=self.on)

    def worth(self, points: int) -> int:
        """In 分."""
        return liability.worth(points, cents_per_hundred=self.currency.cents_per_hundred)

    def csv_url(self, name: str) -> str:
        return self.urls.get(name, "")


def month(day: date) -> str:
    return date_format(day, "YEAR_MONTH_FORMAT")


def month_ends(on: date, *, first: date, most: int) -> list[date]:
    """Ends of months before `on`, newest first, none before the month of `first`."""
    found: list[date] = []
    end = on.replace(day=1) - timedelta(days=1)
    while len(found) < most and end >= first.replace(day=1):
        found.append(end)
        end = end.replace(day=1) - timedelta(days=1)
    return found


def history(view: View) -> charts.Line:
    """What members had at the ends of the last months, and on the day asked for."""
    ends = month_ends(view.on, first=date.min.replace(year=2000), most=BACK)[::-1]
    values = liability.outstanding(currency=view.currency.key, days=[*ends, view.on], stores=view.stores)
    labels = [*(month(end) for end in ends), date_format(view.on, "DATE_FORMAT")]
    now = view.outstanding
    title = _("%(points)s outstanding") % {"points": svg.number(now)}
    if view.currency.cents_per_hundred:
        title = _("%(points)s outstanding, worth %(money)s") % {
            "points": svg.number(now),
            "money": money.show(view.worth(now)),
        }
    return charts.Line(
        key="history",
        title=title,
        subtitle=_("At the end of each month: usable, not yet usable and set aside"),
        unit=_("points"),
        axis=_("Month"),
        points=tuple(charts.Point(label=name, value=value) for name, value in zip(labels, values, strict=True)),
        from_zero=True,
        size="l",
        csv_url=view.csv_url("history"),
        empty_title=_("No points yet"),
        empty_text=_("Points appear here when the first are granted."),
    )


def fate(view: View) -> charts.StackBar:
    """What became of all that was ever granted and kept."""
    sums = {name: sum(getattr(one, name) for one in view.cohorts) for name in ("spent", "expired", "left", "kept")}
    share = svg.percent(sums["expired"] / sums["kept"]) if sums["kept"] > 0 else "0%"
    parts: tuple[tuple[str, int, charts.Colour], ...] = (
        (_("Spent"), sums["spent"], "active"),
        (_("Expired"), sums["expired"], "warn"),
        (_("Outstanding"), sums["left"], "brand"),
    )
    return charts.StackBar(
        key="fate",
        title=_("%(share)s of the points that were kept expired") % {"share": share},
        subtitle=_("All points granted until then, what was taken back not among them"),
        unit=_("points"),
        parts=tuple(charts.Part(label=name, value=max(value, 0), colour=colour) for name, value, colour in parts),
        csv_url=view.csv_url("fate"),
        empty_title=_("Nothing was granted yet"),
        empty_text=_("Points appear here when the first are granted."),
    )


def ends(view: View) -> charts.DayBars:
    """What runs out month by month from now on, if nobody spends; only as things stand today."""
    found = dict(liability.ends(currency=view.currency.key))
    months = _ahead(view.today)
    shown = {f"{first:%Y-%m}": first for first in months}
    later = sum(points for key, points in found.items() if key and key not in shown)
    notes = []
    if later:
        notes.append(_("%(points)s later.") % {"points": svg.number(later)})
    if found.get(""):
        notes.append(_("%(points)s never.") % {"points": svg.number(found[""])})
    return charts.BarsFromFirst(
        key="ends",
        title=_("%(points)s run out within a year unless spent")
        % {"points": svg.number(sum(found.get(key, 0) for key in shown))},
        subtitle=_("Usable points by the month of their last day"),
        unit=_("points"),
        axis=_("Month"),
        days=tuple(
            charts.Day(label=date_format(first, "Y-m"), value=found.get(key, 0)) for key, first in shown.items()
        ),
        colour="warn",
        note=" ".join(notes),
        as_of=liability.outlook_as_of(),
        size="m",
        csv_url=view.csv_url("ends"),
        empty_title=_("Nothing runs out within a year"),
        empty_text=" ".join(notes) or _("Nobody has usable points."),
    )


def by_tier(view: View) -> charts.ReasonBars:
    found = liability.by_tier(currency=view.currency.key)
    tiers = [
        (tier.name_en if view.is_english else tier.name, found.get(tier.key, 0))
        for tier in Tier.objects.order_by("rank")
    ]
    return charts.ReasonBars(
        key="tiers",
        title=_("Who has them"),
        subtitle=_("Usable points by tier"),
        unit=_("points"),
        reasons=tuple(charts.Reason(label=name, value=points) for name, points in tiers),
        colour="brand",
        as_of=liability.outlook_as_of(),
        csv_url=view.csv_url("tiers"),
        empty_title=_("Nobody has usable points."),
        empty_text=_("Points appear here when the first are granted."),
    )


def cohort_headers() -> tuple[str, ...]:
    return (_("Earned in"), *_heads(), _("Will run out"))


def cohort_rows(view: View) -> list[tuple[object, ...]]:
    """Newest first; the last two are "" where there is nothing to say."""
    return [
        (month(one.month), *_figures(one, one.breakage), view.forecast.expected.get(one.month, ""))
        for one in reversed(view.cohorts)
    ]


def store_headers() -> tuple[str, ...]:
    return (_("Store"), *_heads())


def store_rows(view: View) -> list[tuple[object, ...]]:
    names = dict(Store.objects.filter(pk__in={one.store_id for one in view.by_store}).values_list("pk", "name"))
    return [
        (
            pgettext("points", "No store") if one.store_id is None else names[one.store_id],
            *_figures(one.whole, one.breakage),
        )
        for one in view.by_store
    ]


def _heads() -> tuple[str, ...]:
    return (
        pgettext("points", "Given"), pgettext("points", "Taken back"), _("Given to others"), _("Spent"), _("Expired"), _("Left"),
        _("Of these set aside"), _("Breakage"),
    )  # fmt: skip


def _figures(one: Cohort, breakage: float | None) -> tuple[object, ...]:
    share = "" if breakage is None else f"{breakage:.1%}"
    return (one.granted, one.taken_back, one.moved, one.spent, one.expired, one.left, one.aside, share)


def breakage(view: View) -> str:
    """What closed months tell, in words."""
    told = view.forecast
    if told.rate is None:
        return _("Not enough data to foretell anything. Months with nothing left so far: %(count)s.") % {
            "count": told.closed
        }
    facts = {"count": told.closed, "share": svg.percent(float(told.rate)), "points": svg.number(told.points)}
    return (
        _(
            "Months with nothing left: %(count)s. %(share)s of their points expired; at that rate %(points)s outstanding ones will."
        )
        % facts
    )


def _ahead(today: date) -> Sequence[date]:
    months, first = [], today.replace(day=1)
    for _number in range(AHEAD):
        months.append(first)
        first = (first + timedelta(days=32)).replace(day=1)
    return months
