"""Where people stop on the way, by channel, stream and product; and who moved from which life stage to which."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.analytics import selectors
from apps.analytics.day import words as figure_words
from apps.analytics.study import counting
from apps.analytics.study import funnels as counted
from apps.care.models import Channel
from apps.catalog.models import Product
from apps.console import asked, words
from apps.console.charts import Box, Matrix
from apps.console.studies.asking import Study, View
from apps.core.errors import NotFound
from apps.coupons.models import Coupon
from apps.flows.source_words import DOORS
from apps.livestream.models import Stream
from apps.segments.models import Stage

MOST = 12
Names = dict[str, str]
READ = pgettext_lazy("funnel", "Read")  # known of the in-app inbox alone
STEPS: dict[str, tuple[Any, ...]] = {
    "members": (
        pgettext_lazy("funnel", "Joined"), pgettext_lazy("funnel", "Bought"), pgettext_lazy("funnel", "Bought again"),
    ),
    "messages": (
        pgettext_lazy("funnel", "Handed over"), pgettext_lazy("funnel", "Sent"), pgettext_lazy("funnel", "Delivered"),
        READ, pgettext_lazy("funnel", "Bought in 14 days"),
    ),
    "coupons": (pgettext_lazy("funnel", "Issued"), pgettext_lazy("funnel", "Claimed"), pgettext_lazy("funnel", "Used")),
    "streams": (
        pgettext_lazy("funnel", "Took part"), pgettext_lazy("funnel", "Wanted a reminder"), pgettext_lazy("funnel", "Watched"),
        pgettext_lazy("funnel", "Ordered"),
    ),
    "products": (
        pgettext_lazy("funnel", "Looked at it"), pgettext_lazy("funnel", "Into the cart"),
        pgettext_lazy("funnel", "Bought it in 14 days"),
    ),
}  # fmt: skip
QUESTIONS: dict[str, Any] = {
    "members": gettext_lazy("How many who join buy, and buy again?"),
    "messages": gettext_lazy("What becomes of messages?"),
    "coupons": gettext_lazy("How many coupons are used?"),
    "streams": gettext_lazy("Who of a stream's people orders?"),
    "products": gettext_lazy("Who looks at a product and buys it?"),
}
FINDINGS: dict[str, Any] = {
    "members": gettext_lazy("Of %(all)s who joined, %(share)s bought again; most, %(best)s, who came by %(part)s"),
    "messages": gettext_lazy(
        "After %(share)s of %(all)s messages the member bought in 14 days; most, %(best)s, by %(part)s"
    ),
    "coupons": gettext_lazy("Of %(all)s coupons, %(share)s are used; most, %(best)s, of those by %(part)s"),
    "streams": gettext_lazy("Of %(all)s who took part in streams, %(share)s ordered; most, %(best)s, in %(part)s"),
    "products": gettext_lazy("After %(share)s of %(all)s looks the product was bought; most, %(best)s, of %(part)s"),
}
SUBTITLES: dict[str, Any] = {
    "members": gettext_lazy("Members who joined %(span)s, by the door they came in by, and what they did until now."),
    "messages": gettext_lazy(
        "Messages of %(span)s by channel. Delivered and read are known only where the channel tells: SMS never says it was read."
    ),
    "coupons": gettext_lazy("Coupons issued %(span)s, by the way they came, and what became of them until now."),
    "streams": gettext_lazy("Members of streams that began %(span)s."),
    "products": gettext_lazy("Members who looked at a product on a day, %(span)s."),
}
CORNERS: dict[str, Any] = {
    "members": gettext_lazy("Door"), "messages": gettext_lazy("Channel"), "coupons": gettext_lazy("Way"),
    "streams": gettext_lazy("Stream"), "products": gettext_lazy("Product"),
}  # fmt: skip


def _doors(parts: Sequence[str]) -> Names:
    return {part: str(DOORS.get(part, part)) or _("not known") for part in parts}


def _channels(parts: Sequence[str]) -> Names:
    return {part: str(Channel(part).label) if part in Channel.values else part for part in parts}


def _ways(parts: Sequence[str]) -> Names:
    return {part: str(Coupon.Channel(part).label) if part in Coupon.Channel.values else part for part in parts}


def _streams(parts: Sequence[str]) -> Names:
    return {str(key): title for key, title in Stream.objects.filter(pk__in=parts).values_list("pk", "title")}


def _products(parts: Sequence[str]) -> Names:
    return dict(Product.objects.filter(sku__in=parts).values_list("sku", "name"))


NAMES: dict[str, Callable[[Sequence[str]], Names]] = {
    "members": _doors, "messages": _channels, "coupons": _ways, "streams": _streams, "products": _products,
}  # fmt: skip


def drawn(funnel: str, view: View, *, csv_url: str = "") -> Matrix:
    first, last = view.period
    found = counted.parts(funnel, first=first, last=last, store_ids=view.where.ids)
    steps = STEPS[funnel]
    kept = sorted(found, key=lambda part: (-found[part][0], part))[:MOST]
    names = NAMES[funnel](kept)
    rows = []
    for part in kept:
        counts = found[part][: len(steps)]
        rows.append(
            (names.get(part, part), (), tuple(_box(view, funnel, part, place, counts) for place in range(len(steps))))
        )
    return Matrix(
        key=funnel, title=_finding(funnel, found, names), size="l", corner=str(CORNERS[funnel]), csv_url=csv_url,
        columns=tuple(str(step) for step in steps), rows=tuple(rows), colour="new",
        subtitle=str(SUBTITLES[funnel]) % {"span": words.span(first, last)},
        note=_("The %(n)s largest are shown.") % {"n": MOST} if len(found) > MOST else "",
        as_of=counting.as_of(counted.NAME), empty_title=_("Nobody came this way in these days"),
        empty_text=_("Choose more days, or another store."),
    )  # fmt: skip


def _box(view: View, funnel: str, part: str, place: int, counts: tuple[int, ...]) -> Box:
    if funnel == "messages" and STEPS[funnel][place] is READ and part != Channel.INBOX:
        return Box(text="·", spoken=_("not known"))
    share = counts[place] / counts[0] if counts[0] else 0.0
    text = figure_words.number(counts[place])
    if place:
        text += f" · {figure_words.percent(share)}"
    href = view.rows_url("funnel", funnel=funnel, part=part, step=place + 1) if counts[place] else ""
    return Box(text=text, weight=share, href=href)


def _finding(funnel: str, found: dict[str, tuple[int, ...]], names: Names) -> str:
    """By the last step; the best part is one with at least a twentieth of all, so that a handful does not win."""
    place = len(STEPS[funnel]) - 1
    whole = sum(counts[0] for counts in found.values())
    fair = [part for part in names if part in found and found[part][0] >= max(whole / 20, 1)]
    if not fair:
        return str(QUESTIONS[funnel])
    best = max(fair, key=lambda part: (found[part][place] / found[part][0], part))
    facts = {
        "all": figure_words.number(whole), "share": figure_words.percent(sum(c[place] for c in found.values()) / whole),
        "best": figure_words.percent(found[best][place] / found[best][0]), "part": names[best],
    }  # fmt: skip
    return str(FINDINGS[funnel]) % facts


def stages(view: View, *, csv_url: str = "") -> Matrix:
    """Moves, not members: who went twice counts twice."""
    first, last = view.period
    found = counted.moves(first=first, last=last, store_ids=view.where.ids)
    befores = [key for key in ["", *Stage.values] if any(key == before for before, _after in found)]
    afters = [key for key in Stage.values if any(key == after for _before, after in found)]
    names = {key: str(Stage(key).label) if key else _("none yet") for key in {*befores, *afters}}
    told = {pair: count for pair, count in found.items() if pair[0]}
    most = max(told.values(), default=0)
    rows = []
    for before in befores:
        boxes = []
        for after in afters:
            count = found.get((before, after), 0)
            href = view.rows_url("stages", before=before, after=after) if count else ""
            weight = count / most if most and before else 0
            boxes.append(Box(text=figure_words.number(count) if count else "·", weight=weight, href=href))
        rows.append((names[before], (), tuple(boxes)))
    title = _("Who moved from which life stage to which?")
    if told:
        (before, after), count = max(told.items(), key=lambda item: (item[1], item[0]))
        facts = {"before": names[before], "after": names[after], "most": figure_words.number(count)}
        title = _("Most moves between life stages went from %(before)s to %(after)s: %(most)s") % facts
    return Matrix(
        key="stages", title=title, size="l", corner=_("From, down; to, across"), columns=tuple(names[key] for key in afters),
        rows=tuple(rows), colour="back", csv_url=csv_url,
        subtitle=_("Moves between life stages, %(span)s.") % {"span": words.span(first, last)},
        as_of=selectors.as_of(), empty_title=_("Nobody moved in these days"),
        empty_text=_("Choose more days, or another store."),
    )  # fmt: skip


def _funnel_rows(request: HttpRequest, view: View) -> dict[str, Any]:
    """`funnel`, `part`, `step`; `on`: one of the days, else the newest."""
    funnel, part, step = request.GET.get("funnel", ""), request.GET.get("part", ""), asked.a_key(request, name="step")
    as_of = counting.as_of(counted.NAME)
    if funnel not in STEPS or as_of is None or step is None or not 1 <= step <= len(STEPS[funnel]):
        raise NotFound
    first, last = view.period
    days = counted.days(funnel, part=part, step=step, first=first, last=last, store_ids=view.where.ids)
    on = asked.a_date(request, name="on")
    on = on if on in days else next(iter(days), None)
    found = []
    if on is not None:
        found = counted.listed(
            funnel, part=part, step=step, on=on, store_ids=view.where.ids, moment=as_of, most=view.most
        )
    name = NAMES[funnel]([part]).get(part, part)
    return {
        "title": f"{name}: {STEPS[funnel][step - 1]}", "count": sum(days.values()), "rows": found, "on": on, "days": [
            (day.isoformat(), f"{words.day(day)}: {figure_words.number(count)}", day == on) for day, count in days.items()
        ],
        "asked": {"store": view.where.chosen or "", "days": view.days, "funnel": funnel, "part": part, "step": step},
        "most": view.most if len(found) == view.most else 0, "template": "console/analysis_funnel.html",
    }  # fmt: skip


def _stage_rows(request: HttpRequest, view: View) -> dict[str, Any]:
    before, after = request.GET.get("before", ""), request.GET.get("after", "")
    if after not in Stage.values or before not in {*Stage.values, ""}:
        raise NotFound
    first, last = view.period
    found = counted.moved(
        before=before, after=after, first=first, last=last, store_ids=view.where.ids, cursor=request.GET.get("at", "")
    )
    count = counted.moves(first=first, last=last, store_ids=view.where.ids).get((before, after), 0)
    facts = {"before": Stage(before).label if before else _("none yet"), "after": Stage(after).label}
    return {
        "title": _("From %(before)s to %(after)s") % facts, "count": count, "rows": found.rows, "days": None,
        "template": "console/analysis_funnel.html", **asked.pager(request, found),
    }  # fmt: skip


STUDY = Study(
    url_name="console:analysis_funnels",
    label=gettext_lazy("Funnels and stages"),
    heading=gettext_lazy("Where people stop on the way, and who moves between life stages"),
    lede=gettext_lazy("Funnels are counted each night, moves every five minutes. Each figure leads to its members."),
    draws={**{funnel: partial(drawn, funnel) for funnel in STEPS}, "stages": stages},
    rows={"funnel": _funnel_rows, "stages": _stage_rows},
    days_label=gettext_lazy("Who came in the last"),
)
