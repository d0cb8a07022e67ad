"""A member's bookings: what can be booked where, the times of a day, one's own."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.bookings import people, selectors, services, slots
from apps.bookings.models import Booking, Offer
from apps.core import clock, ids
from apps.core.errors import DomainError, NotFound
from apps.portal import sessions, shell
from apps.portal.shell import Facts

OFFER, BOOKING, STAFF = "bko", "bkg", "stf"
DAYS_SHOWN = 14
LONGEST_TOKEN = 40
_STANDING = (Booking.State.BOOKED, Booking.State.WAITING)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Mine, then what can be booked, by store."""
    moment = clock.now()
    mine = [
        {"row": row, "id": ids.encode(BOOKING, row.pk), "may_act": row.state in _STANDING and row.slot.starts_at > moment}
        for row in selectors.of_member(_me(request))[:20]
    ]  # fmt: skip
    stores: dict[str, list[dict[str, Any]]] = {}
    for row in selectors.offers():
        stores.setdefault(row.store.name, []).append({"row": row, "id": ids.encode(OFFER, row.pk)})
    facts: Facts = {"mine": mine, "stores": list(stores.items())}
    return shell.page(request, "portal/bookings.html", facts, at="home")


@require_http_methods(["GET", "HEAD", "POST"])
def times(request: HttpRequest, offer: str) -> HttpResponse:
    """`?day=`: its times. `?move=`: of a booking that goes to another time. The form's token is the booking's source."""
    row = selectors.offers().filter(pk=ids.decode(OFFER, offer)).first()
    if row is None:
        raise NotFound
    given = request.POST if request.method == "POST" else request.GET
    moment = clock.now()
    today = clock.local_date(moment)
    day = _day(given.get("day", "")) or _first_day(row, today)
    facts: Facts = {
        "row": row, "day": day, "move": given.get("move", ""), **_free(row, day, moment, given.get("with", "")),
        "days": [today + timedelta(days=n) for n in range(min(row.service.days_ahead, DAYS_SHOWN) + 1)],
        "token": given.get("token", "")[:LONGEST_TOKEN] or uuid4().hex,
    }  # fmt: skip
    status = 200
    if request.method == "POST":
        try:
            made = _booked(request, row, facts)
        except DomainError as refusal:
            facts |= {"problem": str(refusal), **_free(row, day, moment, given.get("with", ""))}
            status = refusal.status
        else:
            is_waiting = made.state == Booking.State.WAITING
            sessions.say(request, _("You are on the waiting list.") if is_waiting else _("Booked. See you then."))
            return redirect("portal:bookings")
    return shell.page(request, "portal/booking_times.html", facts, at="home", status=status)


@require_POST
def cancel(request: HttpRequest, booking: str) -> HttpResponse:
    try:
        services.cancel(booking_id=ids.decode(BOOKING, booking), member_id=_me(request))
    except DomainError as refusal:
        sessions.say(request, str(refusal))
    else:
        sessions.say(request, _("The booking is cancelled."))
    return redirect("portal:bookings")


def _booked(request: HttpRequest, row: Offer, facts: Facts) -> Booking:
    source = f"portal:{_me(request)}:{facts['token']}"
    text, _colon, wish = request.POST.get("at", "").partition("|")
    try:
        starts_at = clock.start_of(text)
    except ValueError:
        raise NotFound from None
    if facts["move"]:
        old = ids.decode(BOOKING, facts["move"])
        return services.move(booking_id=old, starts_at=starts_at, member_id=_me(request), source=source)
    return services.book(
        offer_id=row.pk, starts_at=starts_at, member_id=_me(request), source=source, may_wait=wish == "wait",
        staff_id=_staff(facts["with"]),
    )  # fmt: skip


def _free(row: Offer, day: date, moment: datetime, wish: str) -> Facts:
    """Times of the day, of one person where one is chosen; with whom one may choose."""
    times, staff_id = slots.of_day(row, day=day, moment=moment), _staff(wish)
    named = [(ids.encode(STAFF, one.pk), one.name) for one in people.named(row.pk)]
    if staff_id is not None:
        times = [one for one in times if any(who.pk == staff_id for who in one.people)]
    return {"free": times, "people": named, "with": wish}


def _staff(public_id: str) -> int | None:
    return ids.decode(STAFF, public_id) if public_id else None


def _first_day(row: Offer, today: date) -> date:
    """The first with a free time within a week, else today."""
    moment = clock.now()
    days = [today + timedelta(days=n) for n in range(min(row.service.days_ahead, 7) + 1)]
    return next((day for day in days if any(one.left for one in slots.of_day(row, day=day, moment=moment))), today)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if date(2000, 1, 1) <= day <= date(2100, 1, 1) else None


def _me(request: HttpRequest) -> int:
    return int(request.member.member_id)  # type: ignore[attr-defined]
