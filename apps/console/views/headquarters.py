"""The house in months: brand, region, store and channel against their targets, and the scorecard in three dimensions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from apps.analytics.day import sources
from apps.analytics.day.listing import Wanted
from apps.analytics.house import figures, months, returns, score, targets
from apps.analytics.house.figures import GOALS, Goal
from apps.analytics.house.months import Month, Standing
from apps.analytics.house.returns import Return
from apps.analytics.house.targets import Place
from apps.analytics.study import credits
from apps.console import asked, day_rows, house_words, month_asked, places
from apps.console.places import Map, Spot
from apps.console.templatetags.pages import channel_name
from apps.core import clock, csv_files, money
from apps.core.errors import NotFound

PERMISSION = "dashboard.view"
EVER = clock.day_start(month_asked.FIRST.replace(year=1970))
TABLES = ("figures", "parts", "channels", "scorecard", "returns")


@dataclass(frozen=True, kw_only=True)
class View:
    """What the reader asked for. `goal`: the figure that the tables of parts and channels show."""

    month: Month
    where: Map
    goal: Goal
    goals: Sequence[Goal]
    set: dict[tuple[str, Place], int]

    @property
    def here(self) -> Spot:
        return self.where.here

    def address(self, name: str, *args: object, **more: object) -> str:
        """`via` may be "": the orders that came by no channel."""
        parts = {"month": self.month.key, "place": self.here.key, "figure": self.goal.name, **more}
        kept = {key: value for key, value in parts.items() if value is not None and (value != "" or key == "via")}
        return f"{reverse(name, args=args)}?{urlencode(kept)}"

    def rows(self, name: str, **more: object) -> str:
        return self.address("console:headquarters_rows", name, figure=None, **more)

    def target(self, name: str, spot: Spot, *, channel: str = "") -> int | None:
        if spot.target is None:
            return None
        place = spot.target
        return self.set.get((name, Place(region_id=place.region_id, store_id=place.store_id, channel=channel)))


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    view = _asked(request)
    main = _figures(view)
    facts: dict[str, Any] = {
        "view": view,
        "heading": house_words.finding(main[0][0]) if main else _("This month was not counted yet"),
        "level": view.here.level,
        "earlier": view.address("console:headquarters", month=month_asked.neighbour(view.month.first, by=-1)),
        "later": view.address("console:headquarters", month=month_asked.neighbour(view.month.first, by=1)),
        "figures": [_line(view, one, href) for one, href in main],
        "goals": [
            (one.name, figures.worded(one.name).label, one == view.goal) for one in view.goals if not one.of_brand
        ],
        "goal_words": figures.worded(view.goal.name),
        "parts": [
            _line(view, one, href) | {"name": spot.name, "open": _open(view, spot)} for spot, one, href in _parts(view)
        ],
        "channels": [_line(view, one, href) | {"name": name} for name, one, href in _channels(view)],
        "dimensions": _dimensions(request, view),
        "returns": [_return(view, name, one) for name, one in _returns(request, view)],
        "costs_url": _costs(view),
        "files": {table: view.address("console:headquarters_csv", table) for table in TABLES},
        "may_set": request.access.can(targets.PERMISSION),  # type: ignore[attr-defined]
        "may_pay": request.access.can("incentives.view"),  # type: ignore[attr-defined]
        "targets_url": view.address("console:targets", place=None, figure=None),
        "people_url": view.address("console:incentives", figure=None),
    }
    return render(request, "console/headquarters.html", facts)


@require_safe
def csv(request: HttpRequest, table: str) -> HttpResponse:
    """The page's tables as files: the same figures, to the fen."""
    if table not in TABLES:
        raise NotFound
    view = _asked(request)
    if table == "scorecard":
        head: list[object] = [_("Dimension"), _("Measure"), pgettext("measure", "Value"), _("Part"), _("Whole")]
        lines = [house_words.plain(one) for one in _measures(request, view)]
        return csv_files.response(name=f"scorecard-{view.month.key}.csv", headers=head, rows=lines)
    if table == "returns":
        lines = [house_words.plain_return(name, one) for name, one in _returns(request, view)]
        return csv_files.response(name=f"returns-{view.month.key}.csv", headers=house_words.RETURNS, rows=lines)
    told: list[tuple[str, Standing]]
    if table == "figures":
        told = [(str(figures.worded(one.goal.name).label), one) for one, _href in _figures(view)]
    elif table == "parts":
        told = [(spot.name, one) for spot, one, _href in _parts(view)]
    else:
        told = [(name, one) for name, one, _href in _channels(view)]
    head = [_("Figure") if table == "figures" else str(figures.worded(view.goal.name).label), *house_words.COLUMNS]
    rows = [[name, *house_words.cells(one)] for name, one in told]
    return csv_files.response(name=f"{table}-{view.month.key}.csv", headers=head, rows=rows)


@require_safe
def rows(request: HttpRequest, figure: str) -> HttpResponse:
    """What a figure of the month is made of. `?via=`: of one channel; `?staff=`: one person's."""
    view, wanted = _asked_rows(request, figure)
    spot = view.here.name if wanted.channel is None else f"{view.here.name} · {_channel(wanted.channel)}"
    facts = {
        "crumb": _("Headquarters"),
        "day": f"{view.month.key} · {spot}",
        "as_of": view.month.as_of,
        "back": view.address("console:incentives" if wanted.staff_id else "console:headquarters", figure=None),
        "csv_url": f"{reverse('console:headquarters_rows_csv', args=[figure])}?{request.GET.urlencode()}",
        **day_rows.facts(request, wanted, counted=_counted(view, wanted)),
    }
    return render(request, "console/today_rows.html", facts)


@require_safe
def rows_csv(request: HttpRequest, figure: str) -> HttpResponse:
    view, wanted = _asked_rows(request, figure)
    return day_rows.file(wanted, name=view.month.key)


def _asked(request: HttpRequest) -> View:
    may = request.access.can  # type: ignore[attr-defined]
    month = months.of(month_asked.month(request))
    goals = [goal for goal in GOALS.values() if may(goal.permission)]
    wish = request.GET.get("figure", "")
    goal = next((one for one in goals if one.name == wish and not one.of_brand), goals[0])
    where = places.of(request, permission=PERMISSION)
    return View(month=month, where=where, goal=goal, goals=goals, set=targets.in_force(month=month.first))


def _asked_rows(request: HttpRequest, figure: str) -> tuple[View, Wanted]:
    """Raises NotFound for figures there are not, or that this person may not see."""
    listed = sources.LISTED.get(figure)
    if listed is None or not request.access.can(listed[0].permission):  # type: ignore[attr-defined]
        raise NotFound
    view = _asked(request)
    start = EVER if figure.startswith("worth.") else view.month.start
    return view, Wanted(
        name=figure,
        start=start,
        end=max(view.month.end, start),
        store_ids=view.here.store_ids,
        staff_id=asked.a_key(request, name="staff"),
        channel=request.GET.get("via"),
        is_nowhere=view.here.is_nowhere,
    )


def _figures(view: View) -> list[tuple[Standing, str]]:
    """Of the place that is looked at, each with the address of its rows."""
    if view.month.as_of is None:
        return []
    names = {name for goal in view.goals for name in goal.needs}
    sums = _sums(view, view.here, months.by_store(names, month=view.month, store_ids=view.here.store_ids))
    is_brand = view.here.store_ids is None and not view.here.is_nowhere
    return [
        (months.standing(goal, sums, target=view.target(goal.name, view.here), month=view.month), _rows_of(view, goal))
        for goal in view.goals
        if is_brand or not goal.of_brand
    ]


def _rows_of(view: View, goal: Goal, **place: object) -> str:
    """Costs have their page, and who is active stands among the studies."""
    if goal.plus == figures.COSTS:
        return _costs(view)
    if goal.plus in figures.ENGAGED:
        return reverse("console:analysis_spreads")
    return view.rows(goal.rows, **place)


def _parts(view: View) -> list[tuple[Spot, Standing, str]]:
    """What the place is made of. Orders of no store are a part of the brand, where there are any."""
    if not view.where.parts:
        return []
    reach = view.where.all[0].store_ids
    by_store = months.by_store(view.goal.needs, month=view.month, store_ids=reach)
    found = []
    for spot in view.where.parts:
        sums = _sums(view, spot, by_store)
        if spot.is_nowhere and not any(sums.values()):
            continue
        target = view.target(view.goal.name, spot)
        told = months.standing(view.goal, sums, target=target, month=view.month)
        found.append((spot, told, _rows_of(view, view.goal, place=spot.key)))
    return found


def _channels(view: View) -> list[tuple[str, Standing, str]]:
    """By the sum, largest first."""
    if not view.goal.has_channels or view.here.is_nowhere:
        return []
    found = months.by_channel(view.goal.needs, month=view.month, store_ids=view.here.store_ids)
    aimed = {
        place.channel
        for name, place in view.set
        if name == view.goal.name and place.channel and view.target(name, view.here, channel=place.channel)
    }
    told = [
        (_channel(channel), months.standing(
            view.goal, found.get(channel, {}), target=view.target(view.goal.name, view.here, channel=channel) if channel else None,
            month=view.month,
        ), view.rows(view.goal.rows, via=channel))
        for channel in {*found, *aimed}
    ]  # fmt: skip
    return sorted(told, key=lambda one: (-(one[1].value or 0), one[0]))


def _sums(view: View, spot: Spot, by_store: dict[int, dict[str, int]]) -> dict[str, int]:
    if spot.store_ids is None:
        return by_store.get(months.BRAND, {})
    if not spot.is_nowhere:
        return months.added(by_store.get(key, {}) for key in spot.store_ids)
    if months.BRAND not in by_store:
        by_store = months.by_store({n for one in view.goals for n in one.needs}, month=view.month, store_ids=None)
    whole = by_store.get(months.BRAND, {})
    stores = months.added(sums for key, sums in by_store.items() if key != months.BRAND)
    return {name: value - stores.get(name, 0) for name, value in whole.items()}


def _counted(view: View, wanted: Wanted) -> int | None:
    """What the page said of these rows; None: it is worked out from the rows themselves."""
    goal = GOALS.get(wanted.name)
    names = goal.needs if goal else (wanted.name,)
    if not set(names) <= set(sources.FIGURES):
        return None
    if wanted.staff_id:
        sums = months.by_person(names, month=view.month, store_ids=view.here.store_ids).get(wanted.staff_id, {})
    elif wanted.channel is not None:
        sums = months.by_channel(names, month=view.month, store_ids=view.here.store_ids).get(wanted.channel, {})
    else:
        sums = _sums(view, view.here, months.by_store(names, month=view.month, store_ids=view.here.store_ids))
    return goal.value(sums) if goal else sums.get(wanted.name, 0)


def _line(view: View, told: Standing, href: str) -> dict[str, Any]:
    name = told.goal.name
    return {
        "name": figures.worded(name).label,
        "counts": figures.worded(name).counts,
        "value": figures.shown(name, told.value),
        "target": figures.shown(name, told.target) if told.target else "",
        "due": figures.shown(name, told.due) if told.due is not None and not view.month.is_over else "",
        "off": house_words.off(told),
        "is_behind": (told.off or 0) * (1 if told.goal.is_low else -1) > 0,
        "foreseen": figures.shown(name, told.foreseen) if told.foreseen is not None and not view.month.is_over else "",
        "reached": told.reached,
        "href": href if told.value else "",
    }


def _open(view: View, spot: Spot) -> str:
    return "" if spot.is_nowhere else view.address("console:headquarters", place=spot.key)


def _channel(channel: str) -> str:
    return channel_name(channel) if channel else _("No channel named")


def _measures(request: HttpRequest, view: View) -> list[score.Measure]:
    if view.here.is_nowhere or view.month.as_of is None:
        return []
    may = request.access.can  # type: ignore[attr-defined]
    return score.measures(month=view.month, store_ids=view.here.store_ids, may=may)


def _dimensions(request: HttpRequest, view: View) -> list[tuple[str, list[dict[str, Any]]]]:
    """Measures by dimension, each with the addresses of both its sums."""
    found = _measures(request, view)
    told: dict[str, list[dict[str, Any]]] = {}
    for one in found:
        row = house_words.measured(one) | dict(zip(("part_url", "whole_url"), _opens(view, one.key), strict=True))
        told.setdefault(one.dimension, []).append(row)
    return [(str(house_words.DIMENSIONS[key]), rows) for key, rows in told.items()]


def _opens(view: View, key: str) -> tuple[str, str]:
    people = view.address("console:incentives", figure=None)
    parts = view.address("console:headquarters") + "#parts"
    costs = _costs(view)
    return {
        "worth": (view.rows("worth.net_cents"), view.rows("worth.members")),
        "again": (view.rows("orders.again"), view.rows("orders.paid")),
        "bought": (view.rows("members.bought"), view.rows("members.joined")),
        "joining": (costs, view.rows("members.joined")),
        "engaged": (reverse("console:analysis_spreads"), reverse("console:analysis_spreads")),
        "returned": (
            view.address("console:headquarters") + "#returns",
            view.address("console:headquarters") + "#returns",
        ),
        "guided": (view.rows("orders.guided"), view.rows("orders.paid")),
        "people": (people, people),
        "stores": (parts, parts),
    }[key]


def _costs(view: View) -> str:
    return f"{reverse('console:costs')}?since={view.month.first}&until={view.month.last}"


def _returns(request: HttpRequest, view: View) -> list[tuple[str, Return]]:
    """Of the brand alone, to who may see both what was spent and what was sold."""
    may = request.access.can  # type: ignore[attr-defined]
    if view.here.store_ids is not None or view.month.as_of is None or not (may("costs.view") and may("orders.view")):
        return []
    found = returns.of(view.month)
    names = credits.journey_names([one.journey_id for one in found])
    return [(house_words.journey(one, names), one) for one in found]


def _return(view: View, name: str, one: Return) -> dict[str, Any]:
    rows = f"{reverse('console:analysis_rows', args=['credits'])}?{urlencode({'journey': one.journey_id, 'of_month': view.month.key})}"
    return {
        "name": name, "entered": money.show(one.entered), "messages": money.show(one.messages), "brought": money.show(one.brought),
        "gain": house_words.gain(one), "is_loss": one.gain is not None and one.gain < 0,
        "href": rows if one.brought and one.journey_id else "",
    }  # fmt: skip
