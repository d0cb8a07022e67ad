"""What the rows behind a figure of the day are called, and where each leads."""

from collections.abc import Callable, Sequence
from typing import Any

from django.urls import reverse

from apps.bookings.models import Service
from apps.care.models import Channel
from apps.core import clock, ids
from apps.coupons.models import Template
from apps.flows import source_words
from apps.points.models import Entry
from apps.tickets.models import Ticket

Named = list[tuple[str, str]]


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
