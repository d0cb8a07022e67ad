"""How orders and members are spread, which ways they go, and whether who is active buys."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from apps.analytics.day import words as figure_words
from apps.analytics.study import counting, paths
from apps.analytics.study import spreads as counted
from apps.catalog.models import Category
from apps.console import asked, words
from apps.console.charts import BarsFromFirst, Box, Bubble, Bubbles, Day, DayBars, Matrix
from apps.console.studies.asking import Study, View
from apps.console.studies.attribution import way
from apps.core import money
from apps.core.errors import NotFound

EDGES = counted.EDGES
MOST = 12


def _yuan(cents: int) -> str:
    return f"¥{cents // 100:,}"


def classes(name: str, *, say: Callable[[int], str] = str) -> list[str]:
    """ "100–199": what each class holds; whole units, so that the upper end is one less than the next edge."""
    edges, unit = EDGES[name], 100 if name == "value" else 1
    found = []
    for place, edge in enumerate(edges[:-1]):
        upper = edges[place + 1] - unit
        found.append(say(edge) if upper == edge else f"{say(edge)}–{say(upper)}")
    return [*found, f"{say(edges[-1])}+"]


def _bars(view: View, name: str, *, counts: dict[int, int], labels: list[str], **more: Any) -> DayBars:
    days = tuple(
        Day(
            label=text,
            value=counts.get(place, 0),
            href=view.rows_url("spread", of=name, x=place) if counts.get(place) else "",
        )
        for place, text in enumerate(labels)
    )
    return BarsFromFirst(
        key=name, size="l", days=days if any(counts.values()) else (), as_of=counting.as_of(counted.NAME),
        empty_title=_("Nobody bought yet"), empty_text=_("Choose more days, or another store."), **more,
    )  # fmt: skip


def _plain(view: View, name: str) -> dict[int, int]:
    return {x: count for (x, _y), (count, _cents) in counted.found(name, store_ids=view.where.ids).items()}


def _largest(counts: dict[int, int], labels: list[str]) -> tuple[str, str]:
    """The fullest class and its share."""
    place = max(counts, key=lambda key: (counts[key], -key))
    return labels[place], figure_words.percent(counts[place] / sum(counts.values()))


def values(view: View, *, csv_url: str = "") -> DayBars:
    first, last = view.period
    found = counted.found("value", store_ids=view.where.ids, first=first, last=last)
    counts, labels = {x: count for (x, _y), (count, _cents) in found.items()}, classes("value", say=_yuan)
    title = _("How large are orders?")
    if counts:
        large = sum(cents for (x, _y), (_count, cents) in found.items() if x >= 6)
        most, share = _largest(counts, labels)
        facts = {
            "class": most,
            "share": share,
            "large": figure_words.percent(large / sum(cents for _n, cents in found.values())),
        }
        title = _("Most orders come to %(class)s (%(share)s); those from ¥800 bring %(large)s of the money") % facts
    return _bars(
        view, "value", counts=counts, labels=labels, title=title, unit=_("orders"), axis=_("Value"), csv_url=csv_url, colour="brand",
        subtitle=_("Orders paid %(span)s by what is left of them after refunds.") % {"span": words.span(first, last)},
    )  # fmt: skip


def numbers(view: View, *, csv_url: str = "") -> DayBars:
    counts, labels = _plain(view, "orders"), classes("orders")
    title = _("How often did members buy?")
    if counts:
        facts = {"share": figure_words.percent(counts.get(0, 0) / sum(counts.values()))}
        title = _("%(share)s of buyers bought only once so far") % facts
    return _bars(
        view, "orders", counts=counts, labels=labels, title=title, unit=_("members"), axis=_("Orders"), csv_url=csv_url,
        colour="new", subtitle=_("Members who bought, by their number of kept orders until now."),
    )  # fmt: skip


def gaps(view: View, *, csv_url: str = "") -> DayBars:
    counts, labels = _plain(view, "gap"), classes("gap")
    title = _("How long do members take from order to order?")
    if counts:
        half, upto = sum(counts.values()) / 2, 0
        for place in sorted(counts):
            upto += counts[place]
            if upto >= half:
                break
        facts = {"days": labels[place]}
        title = _("Half of the members who came back take %(days)s days or less from order to order") % facts
    return _bars(
        view, "gap", counts=counts, labels=labels, title=title, unit=_("members"), axis=_("Days"), csv_url=csv_url,
        colour="active", subtitle=_("Members with two kept orders or more, by the middle one of their gaps in days."),
    )  # fmt: skip


def scatter(view: View, *, csv_url: str = "") -> Bubbles:
    found = counted.found("rfm", store_ids=view.where.ids)
    columns, lines = classes("recency"), classes("orders")
    bubbles = tuple(
        Bubble(
            x=x, y=y, count=count, texts=(money.show(round(cents / count)),), href=view.rows_url("spread", of="rfm", x=x, y=y),
        )
        for (x, y), (count, cents) in sorted(found.items())
    )  # fmt: skip
    title = _("How do recency and number of orders go together?")
    often = sum(count for (_x, y), (count, _cents) in found.items() if y >= 3)
    if often:
        gone = sum(count for (x, y), (count, _cents) in found.items() if y >= 3 and x >= 4)
        facts = {"gone": figure_words.number(gone), "often": figure_words.number(often)}
        title = _("%(gone)s of %(often)s members with four orders or more have not bought for over 90 days") % facts
    return Bubbles(
        key="rfm", title=title, size="l", columns=tuple(columns), lines=tuple(lines), bubbles=bubbles, csv_url=csv_url,
        heads=(_("Days since the last order"), _("Orders"), _("Members"), _("Paid by each, on average")),
        subtitle=_("A circle is as large as its members are many."), as_of=counting.as_of(counted.NAME),
        empty_title=_("Nobody bought yet"), empty_text=_("Choose more days, or another store."),
    )  # fmt: skip


def activity(view: View, *, csv_url: str = "") -> Matrix:
    """A connection, no cause: who buys is active for it, too. The caveat says so."""
    found = counted.found("active", store_ids=view.where.ids)
    labels, rows, rates = classes("active"), [], {}
    for x, text in enumerate(labels):
        bought, other = (found.get((x, y), (0, 0))[0] for y in (1, 0))
        members = bought + other
        if not members:
            continue
        rates[x] = bought / members
        boxes = (
            Box(text=figure_words.number(members)), Box(text=figure_words.number(bought)),
            Box(text=figure_words.percent(rates[x]), weight=rates[x]),
        )  # fmt: skip
        rows.append((text, (), boxes))
    title = _("Do members who are active buy more?")
    if 0 in rates and len(rates) > 1:
        members = sum(count for (x, _y), (count, _cents) in found.items() if x)
        bought = sum(count for (x, y), (count, _cents) in found.items() if x and y)
        facts = {
            "active": figure_words.number(members), "bought": figure_words.percent(bought / members),
            "idle": figure_words.percent(rates[0]),
        }  # fmt: skip
        title = _("Of %(active)s active members %(bought)s bought in these 28 days, of the others %(idle)s") % facts
    return Matrix(
        key="active", title=title, size="l", corner=_("Days active"), rows=tuple(rows), csv_url=csv_url, colour="active",
        columns=(_("Members"), pgettext("funnel", "Bought"), _("Share")),
        subtitle=_("Members by days of the last 28 on which they opened a page, used the mini-program or read a message."),
        note=_("A connection, not a cause: whoever wants to buy also looks around."),
        as_of=counting.as_of(counted.NAME), empty_title=_("No activity yet"),
        empty_text=_("It appears with the members' pages or the mini-program."),
    )  # fmt: skip


PATH_WORDS: dict[str, dict[str, Any]] = {
    "contacts": {
        "question": gettext_lazy("Which contacts come one after the other before an order?"),
        "finding": gettext_lazy("Most orders with a contact came after: %(path)s (%(share)s)"),
        "subtitle": gettext_lazy("The last four contacts at most before orders paid %(span)s."),
        "corner": pgettext_lazy("path", "Contacts, then the order"),
        "count": gettext_lazy("Orders"),
    },
    "channels": {
        "question": gettext_lazy("Where do members buy the first, second and third time?"),
        "finding": gettext_lazy("Most new buyers of a year went: %(path)s (%(share)s)"),
        "subtitle": gettext_lazy("Channels of the first three orders of members who first bought within a year."),
        "corner": pgettext_lazy("path", "Channels"),
        "count": gettext_lazy("Members"),
    },
    "categories": {
        "question": gettext_lazy("What do members buy first, second and third?"),
        "finding": gettext_lazy("Most new buyers of a year went: %(path)s (%(share)s)"),
        "subtitle": gettext_lazy(
            "Categories of the first three orders, by their dearest line, of members who first bought within a year."
        ),
        "corner": pgettext_lazy("path", "Categories"),
        "count": gettext_lazy("Members"),
    },
}  # fmt: skip


def _said(name: str, found: list[str]) -> dict[str, str]:
    """Paths in words."""
    steps = {step for path in found for step in path.split(paths.BREAK)}
    if name == "contacts":
        told = {step: way(*step.split(":", 1)) for step in steps if ":" in step}
    elif name == "categories":
        keys = [int(step) for step in steps if step.isdigit()]
        told = {str(key): text for key, text in Category.objects.filter(pk__in=keys).values_list("pk", "name")}
        told["0"] = _("no category")
    else:
        told = {step: str(words.CHANNELS.get(step, step)) or _("not known") for step in steps}
    return {path: " → ".join(told.get(step, step) for step in path.split(paths.BREAK)) for path in found}


def gone(name: str, view: View, *, csv_url: str = "") -> Matrix:
    first, last = view.period if name == "contacts" else (None, None)
    found = paths.found(name, store_ids=view.where.ids, first=first, last=last)
    kept = sorted(found, key=lambda path: (-found[path][0], path))[:MOST]
    said, told = _said(name, kept), PATH_WORDS[name]
    whole = sum(count for count, _cents in found.values())
    most = found[kept[0]][0] if kept else 0
    rows = []
    for path in kept:
        count, cents = found[path]
        href = view.rows_url("path", of=name, path=path)
        boxes = (
            Box(text=figure_words.number(count), weight=count / most, href=href), Box(text=figure_words.percent(count / whole)),
            Box(text=money.show(cents)),
        )  # fmt: skip
        rows.append((said[path], (), boxes))
    title = str(told["question"])
    if kept:
        title = str(told["finding"]) % {"path": said[kept[0]], "share": figure_words.percent(most / whole)}
    return Matrix(
        key=f"path-{name}", title=title, size="l", corner=str(told["corner"]), csv_url=csv_url, rows=tuple(rows), colour="back",
        columns=(str(told["count"]), _("Share"), _("Net spent")),
        subtitle=str(told["subtitle"]) % {"span": words.span(*view.period)} if first else str(told["subtitle"]),
        note=_("The %(n)s largest are shown.") % {"n": MOST} if len(found) > MOST else "",
        as_of=counting.as_of(paths.NAME), empty_title=_("Nobody came this way in these days"),
        empty_text=_("Choose more days, or another store."),
    )  # fmt: skip


def _spread_rows(request: HttpRequest, view: View) -> dict[str, Any]:
    """`of`: "value", "orders", "gap", "rfm"; `x`, and `y` for the last."""
    name, x, y = request.GET.get("of", ""), asked.a_key(request, name="x"), asked.a_key(request, name="y") or 0
    as_of, cursor = counting.as_of(counted.NAME), request.GET.get("at", "")
    across = {"value": "value", "orders": "orders", "gap": "gap", "rfm": "recency"}.get(name)
    if across is None or as_of is None or x is None or x >= len(EDGES[across]) or y >= len(EDGES["orders"]):
        raise NotFound
    first, last = view.period
    if name == "value":
        page = counted.orders(x=x, first=first, last=last, store_ids=view.where.ids, as_of=as_of, cursor=cursor)
        found = counted.found(name, store_ids=view.where.ids, first=first, last=last)
        title = _("Orders of %(class)s, %(span)s") % {
            "class": classes("value", say=_yuan)[x],
            "span": words.span(first, last),
        }
    else:
        page = counted.members(name, x=x, y=y, store_ids=view.where.ids, as_of=as_of, cursor=cursor)
        found = counted.found(name, store_ids=view.where.ids)
        facts = {"class": classes(across)[x], "orders": classes("orders")[y]}
        title = {
            "orders": _("Members with %(class)s orders"), "gap": _("Members with %(class)s days from order to order"),
            "rfm": _("Members with %(orders)s orders, the last %(class)s days ago"),
        }[name] % facts  # fmt: skip
    return {
        "title": title, "count": found.get((x, y), (0, 0))[0], "rows": page.rows, "of": "orders" if name == "value" else "members",
        "at_label": _("Last order"), **asked.pager(request, page),
    }  # fmt: skip


def _path_rows(request: HttpRequest, view: View) -> dict[str, Any]:
    """`of`, `path`; `on`: one of the days, else the newest."""
    name, path = request.GET.get("of", ""), request.GET.get("path", "")
    as_of = counting.as_of(paths.NAME)
    if name not in paths.WAYS or as_of is None:
        raise NotFound
    first, last = view.period if name == "contacts" else (None, None)
    days = paths.days(name, path=path, store_ids=view.where.ids, first=first, last=last)
    on = asked.a_date(request, name="on")
    on = on if on in days else next(iter(days), None)
    found = []
    if on is not None:
        found = paths.listed(name, path=path, on=on, store_ids=view.where.ids, moment=as_of, most=view.most)
    return {
        "title": _said(name, [path])[path], "count": sum(days.values()), "rows": found,
        "days": [(day.isoformat(), f"{words.day(day)}: {figure_words.number(n)}", day == on) for day, n in days.items()],
        "asked": {"store": view.where.chosen or "", "days": view.days, "of": name, "path": path},
        "most": view.most if len(found) == view.most else 0, "template": "console/analysis_funnel.html",
    }  # fmt: skip


STUDY = Study(
    url_name="console:analysis_spreads",
    label=gettext_lazy("Spread and paths"),
    heading=gettext_lazy("How orders and members are spread, and which ways they go"),
    lede=gettext_lazy("Counted each night. Each figure leads to its orders or members."),
    draws={
        "value": values, "orders": numbers, "gap": gaps, "rfm": scatter, "active": activity,
        **{f"path-{name}": partial(gone, name) for name in paths.WAYS},
    },
    rows={"spread": _spread_rows, "path": _path_rows},
    days_label=gettext_lazy("Orders of"),
)  # fmt: skip
