"""Who comes back, when orders come, who changed their RFM group."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.analytics.day import words as figure_words
from apps.analytics.study import counting, reading, rows
from apps.console import asked, words
from apps.console.charts import Box, Matrix
from apps.console.studies.asking import MONTHS, Study, View
from apps.core.errors import NotFound
from apps.segments.models import Cell

WEEKDAYS = (
    gettext_lazy("Mon"), gettext_lazy("Tue"), gettext_lazy("Wed"), gettext_lazy("Thu"), gettext_lazy("Fri"), gettext_lazy("Sat"),
    gettext_lazy("Sun"),
)  # fmt: skip
HOURS = range(24)


def cohorts(view: View, *, csv_url: str = "") -> Matrix:
    """Months after the first order: the share of those who bought then. The running month is marked, it is not over."""
    first, last = view.months
    found = reading.cohorts(first=first, last=last, store_ids=view.where.ids)
    most = max((one.share(month) for one in found for month in one.later if month != one.month), default=0.0)
    lines = []
    for cohort in found:
        boxes = []
        for after in range(1, MONTHS):
            month = reading.next_month(cohort.month, after)
            if month > last or not cohort.members:
                break
            share = cohort.share(month)
            text = figure_words.percent(share) + ("*" if month == last else "")
            href = view.rows_url("cohorts", cohort=cohort.month, month=month) if share else ""
            boxes.append(Box(text=text, weight=share / most if most else 0, href=href))
        lines.append((f"{cohort.month:%Y-%m}", (figure_words.number(cohort.members),), tuple(boxes)))
    over = [one for one in found if one.members and reading.next_month(one.month) < last]
    members = sum(one.members for one in over)
    back = sum(one.later.get(reading.next_month(one.month), (0, 0, 0))[0] for one in over)
    if members:
        facts = {"share": figure_words.percent(back / members)}
        title = _("%(share)s of new buyers came back the month after their first order") % facts
    else:
        title = _("How many new buyers come back, month by month?")
    return Matrix(
        key="cohorts", title=title, size="l", corner=_("First order in"), more=(_("Buyers"),), csv_url=csv_url,
        columns=tuple(_("+%(n)s mo.") % {"n": number} for number in range(1, MONTHS)), rows=tuple(lines),
        subtitle=_("Of those who first bought in a month, the share who bought in each month after it. * not over yet."),
        as_of=counting.as_of(counting.COHORTS), empty_title=_("No cohort has come back yet"),
        empty_text=_("Cohorts appear a month after the first orders."),
    )  # fmt: skip


def hours(view: View, *, csv_url: str = "") -> Matrix:
    first, last = view.span
    found = reading.hours(first=first, last=last, store_ids=view.where.ids)
    most = max((orders for orders, _cents in found.values()), default=0)
    lines = []
    for weekday, name in enumerate(WEEKDAYS, start=1):
        boxes = []
        for hour in HOURS:
            orders = found.get((weekday, hour), (0, 0))[0]
            href = view.rows_url("hours", weekday=weekday, hour=hour) if orders else ""
            boxes.append(Box(text=figure_words.number(orders), weight=orders / most if most else 0, href=href))
        lines.append((str(name), (), tuple(boxes)))
    title = _("At which hours of the week do orders come?")
    if most:
        weekday, hour = max(found, key=lambda key: (found[key][0], -key[0], -key[1]))
        facts = {"day": WEEKDAYS[weekday - 1], "hour": f"{hour:02d}:00", "count": figure_words.number(most)}
        title = _("Most orders come on %(day)s after %(hour)s: %(count)s") % facts
    return Matrix(
        key="hours", title=title, size="l", corner=_("Weekday"), unit=_("orders"), csv_url=csv_url,
        columns=tuple(f"{hour:02d}" for hour in HOURS), rows=tuple(lines), has_text=False, colour="new",
        subtitle=_("Paid orders by weekday and hour, %(span)s.") % {"span": words.span(first, last)},
        as_of=counting.as_of(counting.HOURS), empty_title=_("No orders in these weeks"),
        empty_text=_("Choose more weeks, or another store."),
    )  # fmt: skip


def cells(view: View, *, csv_url: str = "") -> Matrix:
    on, found = reading.cells(days=view.days, store_ids=view.where.ids)
    kinds = [*Cell.values, ""]
    present = [key for key in kinds if any(key in pair for pair in found)]
    names = {key: str(Cell(key).label) if key else _("none yet") for key in present}
    moved = {pair: members for pair, members in found.items() if pair[0] != pair[1]}
    most = max(moved.values(), default=0)
    lines = []
    for before in present:
        boxes = []
        for after in present:
            members = found.get((before, after), 0)
            href = view.rows_url("cells", before=before, after=after) if members and after else ""
            weight = 0 if before == after or not most else members / most
            boxes.append(Box(text=figure_words.number(members) if members else "·", weight=weight, href=href))
        lines.append((names[before], (), tuple(boxes)))
    title = _("Who changed their RFM group?")
    if moved:
        (before, after), members = max(moved.items(), key=lambda item: (item[1], item[0]))
        facts = {
            "moved": figure_words.number(sum(moved.values())), "all": figure_words.number(sum(found.values())),
            "before": names[before], "after": names[after], "most": figure_words.number(members),
        }  # fmt: skip
        title = (
            _("%(moved)s of %(all)s members changed their group; most went from %(before)s to %(after)s: %(most)s")
            % facts
        )
    told = {"days": view.days, "day": words.day(on)} if on else {}
    return Matrix(
        key="cells", title=title, size="l", corner=_("From, down; to, across"), columns=tuple(names[key] for key in present),
        rows=tuple(lines), colour="back", csv_url=csv_url,
        subtitle=_("Members by their group %(days)s days before and on %(day)s.") % told if told else "",
        as_of=counting.as_of(counting.CELLS), empty_title=_("Nobody changed their group"),
        empty_text=_("Groups are given once a day; moves appear after the first days."),
    )  # fmt: skip


def _cohort_rows(request: HttpRequest, view: View) -> dict[str, Any]:
    cohort, month = asked.a_date(request, name="cohort"), asked.a_date(request, name="month")
    first, last = view.months
    if cohort is None or month is None or not first <= cohort <= month <= last or cohort.day != 1 or month.day != 1:
        raise NotFound
    found = rows.of_cohort(cohort=cohort, month=month, store_ids=view.where.ids, moment=view.moment)
    facts = {"cohort": f"{cohort:%Y-%m}", "month": f"{month:%Y-%m}"}
    return {
        "title": _("First order in %(cohort)s, bought in %(month)s") % facts,
        "count": len(found), "rows": found[: view.most], "at_label": _("First order"), "of": "members",
    }  # fmt: skip


def _hour_rows(request: HttpRequest, view: View) -> dict[str, Any]:
    weekday, hour = asked.a_key(request, name="weekday"), asked.a_key(request, name="hour")
    if weekday is None or hour is None or weekday not in range(1, 8) or hour not in HOURS:
        raise NotFound
    first, last = view.span
    found = rows.of_hour(
        weekday=weekday, hour=hour, first=first, last=last, store_ids=view.where.ids, cursor=request.GET.get("at", ""),
        moment=view.moment,
    )  # fmt: skip
    facts = {"day": WEEKDAYS[weekday - 1], "hour": f"{hour:02d}:00", "span": words.span(first, last)}
    count = reading.hours(first=first, last=last, store_ids=view.where.ids).get((weekday, hour), (0, 0))[0]
    title = _("Orders on %(day)s after %(hour)s, %(span)s") % facts
    return {"title": title, "count": count, "rows": found.rows, "of": "orders", **asked.pager(request, found)}


def _cell_rows(request: HttpRequest, view: View) -> dict[str, Any]:
    before, after = request.GET.get("before", ""), request.GET.get("after", "")
    on, counted = reading.cells(days=view.days, store_ids=view.where.ids)
    if after not in Cell.values or before not in {*Cell.values, ""} or on is None:
        raise NotFound
    found = rows.of_cells(
        before=before, after=after, on=on, days=view.days, store_ids=view.where.ids, cursor=request.GET.get("at", "")
    )
    facts = {"before": Cell(before).label if before else _("none yet"), "after": Cell(after).label}
    return {
        "title": _("From %(before)s to %(after)s") % facts, "count": counted.get((before, after), 0), "rows": found.rows,
        "at_label": _("Last order"), "of": "members", **asked.pager(request, found),
    }  # fmt: skip


STUDY = Study(
    url_name="console:analysis",
    label=gettext_lazy("Returning and groups"),
    heading=gettext_lazy("Who comes back, when they buy, which group they move to"),
    lede=gettext_lazy("Counted every hour, groups each night. Each box leads to its members or orders."),
    draws={"cohorts": cohorts, "hours": hours, "cells": cells},
    rows={"cohorts": _cohort_rows, "hours": _hour_rows, "cells": _cell_rows},
    asks=("weeks", "days"),
    days_label=gettext_lazy("Groups over"),
)
