"""The charts of the dashboard: who is leaving, and what was done. Figures come from rollups; every one leads to its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.analytics import selectors as analytics
from apps.care import reasons
from apps.console import charts, words
from apps.console.charts import svg
from apps.console.charts.base import Colour
from apps.core import clock
from apps.segments.models import Stage

PERIODS = {"7": 7, "28": 28}
BACK = {("lapsing", "active"), ("dormant", "won_back"), ("lost", "won_back")}
LEAVING = {("active", "lapsing"), ("new", "lapsing"), ("won_back", "lapsing")}
FLOW = (
    ("new", "active"), ("active", "lapsing"), ("new", "lapsing"), ("lapsing", "dormant"), ("dormant", "lost"),
    ("lapsing", "active"), ("prospect", "new"), ("won_back", "lapsing"), ("dormant", "won_back"), ("lost", "won_back"),
    ("won_back", "active"),
)  # fmt: skip
REACHED, WAITING, NOT_SENT = ("sent", "delivered"), ("planned", "sending", "unknown"), ("failed",)
SHOWN_REASONS = 7


@dataclass(frozen=True, kw_only=True)
class View:
    """What the reader asked for. `last` is today; the days before the same span are the comparison."""

    moment: datetime
    days: int
    store_ids: Sequence[int] | None
    query: str = ""  # the store filter, carried into links

    @property
    def last(self) -> date:
        return clock.local_date(self.moment)

    @property
    def first(self) -> date:
        return self.last - timedelta(days=self.days - 1)

    @property
    def span(self) -> dict[str, date]:
        return {"first": self.first, "last": self.last}

    def link(self, name: str, **asked: object) -> str:
        parts = urlencode({key: value for key, value in asked.items() if value not in (None, "")})
        both = "&".join(part for part in (parts, self.query) if part)
        return f"{reverse(name)}?{both}" if both else reverse(name)

    def dated(self, name: str, **asked: object) -> str:
        return self.link(name, **asked, first=self.first, last=self.last)


def flow(view: View, *, csv_url: str = "") -> charts.StageFlow:
    """Members by stage now, their net change over the span, and the moves between."""
    now = analytics.stage_counts(on=view.last, store_ids=view.store_ids)
    then = analytics.stage_counts(on=view.first - timedelta(days=1), store_ids=view.store_ids)
    is_known = any(then.values())
    found = {
        (move.before, move.after): move.count
        for move in analytics.moves(**view.span, store_ids=view.store_ids)
        if move.before
    }
    leaving = sum(count for way, count in found.items() if way in LEAVING)
    back = sum(count for way, count in found.items() if way in BACK)
    joined = analytics.totals(prefix="members.", **view.span, store_ids=view.store_ids).get("joined", 0)
    stages = tuple(
        charts.Stage(
            key=stage.value,
            label=str(stage.label),
            count=now[stage.value],
            net=now[stage.value] - then[stage.value] if is_known else None,
            href=view.link("console:members", stage=stage.value),
        )
        for stage in Stage
    )
    others = sorted(way for way in found if way not in FLOW)
    moves = [_move(view, way, count=found.get(way, 0)) for way in (*FLOW, *others)]
    arrival = charts.Move(
        source=charts.JOINED, target="prospect", label=_("joined"), count=joined, href=view.dated("console:members")
    )
    return charts.StageFlow(
        key="flow",
        title=_("%(leaving)s began to lapse, %(back)s came back")
        % {"leaving": svg.number(leaving), "back": svg.number(back)},
        stages=stages,
        moves=(arrival, *moves),
        csv_url=csv_url,
        empty_title=_("No members yet"),
        empty_text=_("Import orders, and the stages fill by themselves."),
    )


def _move(view: View, way: tuple[str, str], *, count: int) -> charts.Move:
    before, after = way
    return charts.Move(
        source=before,
        target=after,
        label=words.move(before, after),
        count=count,
        href=view.dated("console:moves", before=before, after=after) if count else "",
    )


def entering(view: View, *, csv_url: str = "") -> charts.DayBars:
    """Moves into lapsing per day against the same days of the span before; today is compared up to the same time."""
    names = analytics.entries_into("lapsing")
    shift = timedelta(days=view.days)
    both = analytics.by_day(names=names, first=view.first - shift, last=view.last, store_ids=view.store_ids)
    start = clock.day_start(view.last) - shift
    until = analytics.entered(stage="lapsing", start=start, end=view.moment - shift, store_ids=view.store_ids)
    days = []
    for offset in range(view.days):
        on = view.first + timedelta(days=offset)
        is_today = on == view.last
        previous = until if is_today and both[on - shift] is not None else both[on - shift]
        days.append(
            charts.Day(
                label=_("Today") if is_today else _weekday(on) if view.days == 7 else words.day(on),
                value=both[on],
                previous=previous,
                partial=is_today,
                href=view.link("console:moves", after="lapsing", first=on, last=on),
            )
        )
    return charts.DayBars(
        key="entering",
        title=_entering_title(days),
        unit=_("members"),
        days=tuple(days),
        previous_label=_("Same day last week") if view.days == 7 else _("Four weeks earlier"),
        partial_label=_("Today, until %(time)s") % {"time": clock.local(view.moment).strftime("%H:%M")},
        csv_url=csv_url,
        empty_title=_("Nobody began to lapse"),
        empty_text=_("Neither in these days nor in those before."),
    )


def _entering_title(days: Sequence[charts.Day]) -> str:
    now = sum(day.value or 0 for day in days)
    before = sum(day.previous or 0 for day in days)
    count = ngettext("%(count)s member began to lapse", "%(count)s members began to lapse", now) % {
        "count": svg.number(now)
    }
    if not before:
        return count
    share = (now - before) / before
    facts = {"count": count, "share": svg.percent(abs(share))}
    if abs(share) < 0.0005:
        return _("%(count)s, as many as in the same time before") % facts
    if share < 0:
        return _("%(count)s, %(share)s fewer than in the same time before") % facts
    return _("%(count)s, %(share)s more than in the same time before") % facts


def messages(view: View, *, csv_url: str = "") -> charts.StackBar:
    """What became of every decision of the span."""
    states = analytics.totals(prefix="touch.", **view.span, store_ids=view.store_ids)
    skipped = sum(analytics.totals(prefix="skip.", **view.span, store_ids=view.store_ids).values())
    kinds: tuple[tuple[str, Colour, tuple[str, ...]], ...] = (
        (_("Sent"), "active", REACHED),
        (_("Waiting"), "new", WAITING),
        (_("Failed"), "bad", NOT_SENT),
        (_("Held out"), "brand", ("held_out",)),
        (_("Skipped"), "mute", ("skipped",)),
    )
    count = {kind: sum(states.get(state, 0) for state in kind) for _label, _colour, kind in kinds}
    count["skipped",] = skipped
    total = sum(count.values())
    facts = {
        "total": svg.number(total),
        "reached": svg.percent(count[REACHED] / total) if total else "0%",
        "skipped": svg.percent(skipped / total) if total else "0%",
    }
    parts = tuple(
        charts.Part(
            label=label, value=count[kind], colour=colour, href=view.dated("console:messages", state=",".join(kind))
        )
        for label, colour, kind in kinds
    )
    return charts.StackBar(
        key="messages",
        title=_("%(total)s decisions: %(reached)s sent, %(skipped)s skipped") % facts,
        unit=_("messages"),
        parts=parts,
        csv_url=csv_url,
        empty_title=_("No message was due"),
        empty_text=_("Policies that are live decide every hour from 8 to 21."),
    )


def skips(view: View, *, csv_url: str = "") -> charts.ReasonBars:
    found = analytics.totals(prefix="skip.", **view.span, store_ids=view.store_ids)
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    shown = tuple(
        charts.Reason(
            label=reasons.text(code),
            value=count,
            href=view.dated("console:messages", state="skipped", reason=code),
        )
        for code, count in ranked[:SHOWN_REASONS]
    )
    rest = sum(count for _code, count in ranked[SHOWN_REASONS:])
    if rest:
        href = view.dated("console:messages", state="skipped")
        shown += (charts.Reason(label=_("Other reasons"), value=rest, href=href),)
    return charts.ReasonBars(
        key="skips",
        title=_("Why messages were skipped"),
        unit=_("messages"),
        reasons=shown,
        csv_url=csv_url,
        note=_("A skip is final. Nothing is sent later."),
        empty_title=_("Nothing was skipped"),
        empty_text=_("Everybody who was due could be reached."),
    )


def _weekday(on: date) -> str:
    names = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))
    return names[on.weekday()]
