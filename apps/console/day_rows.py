"""The rows behind a figure of a day or a month: what each is called and leads to, as a page and as a file."""

from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.analytics.day import listing, sources
from apps.analytics.day.listing import Wanted
from apps.analytics.house import figures
from apps.bookings.models import Service
from apps.care.models import Channel
from apps.console import asked
from apps.core import clock, csv_files, ids
from apps.coupons.models import Template
from apps.flows import source_words
from apps.points.models import Entry
from apps.stores.models import Staff
from apps.tickets.models import Ticket

Named = list[tuple[str, str]]


def facts(request: HttpRequest, wanted: Wanted, *, counted: int | None) -> dict[str, Any]:
    """For the page of rows. `counted`: what the figure was when it was counted; said where its rows come to something else by now."""
    found = listing.find(wanted=wanted, cursor=request.GET.get("at", ""))
    total = listing.total(wanted=wanted)
    is_other = counted is not None and counted != total.value
    return {
        "words": figures.worded(wanted.name),
        "person": Staff.objects.filter(pk=wanted.staff_id).first() if wanted.staff_id else None,
        "sum": figures.shown(wanted.name, total.value),
        "count": total.rows,
        "counted": figures.shown(wanted.name, counted) if is_other else "",
        "rows": [
            row | {"what": what, "href": href, "shown": figures.shown(wanted.name, row["n"])}
            for row, (what, href) in zip(found.rows, _named(wanted, found.rows), strict=True)
        ],
        "most": listing.MOST_IN_FILE if total.rows > listing.MOST_IN_FILE else 0,
        **asked.pager(request, found),
    }


def file(wanted: Wanted, *, name: str) -> HttpResponse:
    """Without names: members by number."""
    found = list(listing.every(wanted=wanted))
    heads = [_("When"), _("What"), _("Member"), _("Store"), _("Staff"), str(figures.worded(wanted.name).label)]
    lines = [
        (f"{clock.local(row['at']):%Y-%m-%d %H:%M:%S}", what, row["member_no"], row["store"], row["staff"],
         figures.plain(wanted.name, row["n"]))
        for row, (what, _href) in zip(found, _named(wanted, found), strict=True)
    ]  # fmt: skip
    return csv_files.response(name=f"{wanted.name}-{name}.csv", headers=heads, rows=lines)


def _named(wanted: Wanted, rows: Sequence[dict[str, Any]]) -> Named:
    return named(sources.LISTED[wanted.name][0].key, rows)


def named(key: str, rows: Sequence[dict[str, Any]]) -> Named:
    """Of each row of a source: what it is, and where it leads."""
    return _NAMED[key](rows)


def _orders(rows: Sequence[dict[str, Any]]) -> Named:
    return [(row["said"], reverse("console:order", args=[ids.encode("ord", row["ref_id"])])) for row in rows]


def _members(rows: Sequence[dict[str, Any]]) -> Named:
    return [
        (source_words.said(row["said"]), reverse("console:member", args=[ids.encode("mem", row["id"])])) for row in rows
    ]


def _coupons(rows: Sequence[dict[str, Any]]) -> Named:
    found = Template.objects.in_bulk({row["ref_id"] for row in rows})
    return [
        (found[row["ref_id"]].shown_name, reverse("console:coupon", args=[ids.encode("cpt", row["ref_id"])]))
        for row in rows
    ]


def _points(rows: Sequence[dict[str, Any]]) -> Named:
    kinds = dict(Entry.Kind.choices)
    return [
        (str(kinds[row["said"]]), reverse("console:member_points", args=[ids.encode("mem", row["member_id"])]))
        for row in rows
    ]


def _bookings(rows: Sequence[dict[str, Any]]) -> Named:
    found = Service.objects.in_bulk({row["ref_id"] for row in rows})
    url = reverse("console:bookings")
    return [(str(found[row["ref_id"]]), f"{url}?day={clock.local_date(row['at'])}") for row in rows]


def _tickets(rows: Sequence[dict[str, Any]]) -> Named:
    found = Ticket.objects.in_bulk([row["id"] for row in rows])
    return [
        (f"{found[row['id']]} {found[row['id']].get_kind_display()}", reverse("console:ticket", args=[ids.encode("tkt", row["id"])]))
        for row in rows
    ]  # fmt: skip


def _messages(rows: Sequence[dict[str, Any]]) -> Named:
    channels = dict(Channel.choices)
    return [
        (str(channels[row["said"]]), reverse("console:member", args=[ids.encode("mem", row["member_id"])]))
        for row in rows
    ]


_NAMED: dict[str, Callable[[Sequence[dict[str, Any]]], Named]] = {
    "orders": _orders,
    "refunds": _orders,
    "members": _members,
    "coupons": _coupons,
    "points": _points,
    "bookings": _bookings,
    "tickets_opened": _tickets,
    "tickets_ended": _tickets,
    "messages": _messages,
}
