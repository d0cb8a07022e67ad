"""Bookings of a member: what stores offer, the times of a day, one's own."""

from contextlib import suppress
from datetime import date
from typing import Any

from django.http import HttpResponse
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import shapes
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import Paged, operation
from apps.bookings import selectors, services, slots
from apps.bookings.models import Booking, Offer
from apps.core import clock, ids
from apps.core.errors import NotFound
from apps.stores.models import Staff

OFFER, BOOKING, STORE, STAFF = "bko", "bkg", "sto", "stf"
_FREE = ["not_found", "booking_no_such_slot", "booking_already", "booking_full"]


class BookingStoreOut(f.Serializer[Any]):
    id = f.CharField()
    name = f.CharField()


class BookingOfferOut(f.Serializer[Any]):
    id = f.CharField()
    kind = f.CharField(help_text="service (times out of the opening hours) or event (times that the store gave it)")
    name = f.CharField()
    note = f.CharField(allow_blank=True)
    store = BookingStoreOut()
    minutes = f.IntegerField()
    days_ahead = f.IntegerField(help_text="how far ahead it can be booked")
    notice_minutes = f.IntegerField(help_text="booked, moved and cancelled not later than so long before")


_STORE = {"id": "sto_3f8k2m9pq7wxz", "name": "武康路店"}
OFFER_EXAMPLE = {
    "id": "bko_3f8k2m9pq7wxz", "kind": "service", "name": "皮肤测试", "note": "", "store": _STORE, "minutes": 30, "days_ahead": 14,
    "notice_minutes": 60,
}  # fmt: skip


class BookingPersonOut(f.Serializer[Any]):
    id = f.CharField()
    name = f.CharField()


class BookingTimeOut(f.Serializer[Any]):
    starts_at = f.DateTimeField()
    ends_at = f.DateTimeField()
    left = f.IntegerField(help_text="0: only the waiting list is left")
    people = BookingPersonOut(many=True, help_text="who is free then, where the offer names somebody")


class BookingTimesOut(f.Serializer[Any]):
    day = f.DateField()
    times = BookingTimeOut(many=True)


TIMES_EXAMPLE = {
    "day": "2026-11-23",
    "times": [
        {
            "starts_at": "2026-11-23T10:00:00+08:00",
            "ends_at": "2026-11-23T10:30:00+08:00",
            "left": 2,
            "people": [{"id": "stf_3f8k2m9pq7wxz", "name": "何青"}],
        }
    ],
}


class BookingOut(f.Serializer[Any]):
    id = f.CharField()
    offer = f.CharField()
    name = f.CharField()
    store = BookingStoreOut()
    state = f.CharField(help_text="open list: booked, waiting (on the waiting list), arrived, missed, cancelled")
    starts_at = f.DateTimeField()
    ends_at = f.DateTimeField()
    made_at = f.DateTimeField()
    filled_at = f.DateTimeField(allow_null=True, help_text="when a place came free for who waited")
    person = BookingPersonOut(allow_null=True, help_text="who has you then, where the offer names somebody")


BOOKING_EXAMPLE = {
    "id": "bkg_3f8k2m9pq7wxz", "offer": "bko_3f8k2m9pq7wxz", "name": "皮肤测试", "store": _STORE, "state": "booked",
    "starts_at": "2026-11-23T10:00:00+08:00", "ends_at": "2026-11-23T10:30:00+08:00", "made_at": "2026-11-22T10:32:05+08:00",
    "filled_at": None, "person": {"id": "stf_3f8k2m9pq7wxz", "name": "何青"},
}  # fmt: skip


class NewBookingInput(Input):
    offer = shapes.Id(OFFER)
    starts_at = f.DateTimeField(help_text="one of the offer's times")
    may_wait = f.BooleanField(required=False, default=False, help_text="when it is full: onto the waiting list")
    person = shapes.Id(STAFF, required=False, help_text="one of those who are free then; without: whoever is")


class BookingMoveInput(Input):
    starts_at = f.DateTimeField(help_text="another time of the same offer")


class BookingOffers(ApiView):
    route = "my_booking_offers"

    @operation(
        "What can be booked, by store", answer=BookingOfferOut(many=True), example=[OFFER_EXAMPLE], is_tagged=True
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        return self.tagged([_offer(row) for row in selectors.offers()])


class BookingTimes(ApiView):
    route = "my_booking_times"

    @operation(
        "The times of a day that can be booked now",
        answer=BookingTimesOut,
        example=TIMES_EXAMPLE,
        problems=["not_found"],
    )
    def get(self, request: Request, booking_offer: str, day: str) -> Response:
        offer = selectors.offers().filter(pk=ids.decode(OFFER, booking_offer)).first()
        wanted = None
        with suppress(ValueError):
            wanted = date.fromisoformat(day)
        if offer is None or wanted is None or not 2000 <= wanted.year <= 2100:
            raise NotFound
        free = slots.of_day(offer, day=wanted, moment=clock.now())
        times = [
            {
                "starts_at": shapes.at(one.starts_at),
                "ends_at": shapes.at(one.ends_at),
                "left": one.left,
                "people": [_person(who) for who in one.people],
            }
            for one in free
        ]
        return Response({"day": wanted.isoformat(), "times": times})


class Bookings(ApiView):
    route = "my_bookings"
    key_required = ("POST",)

    @operation(
        "Your bookings, the last made first", answer=Paged(BookingOut), example=BOOKING_EXAMPLE, is_tagged=True
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        return self.newest_first(selectors.of_member(self.member_id), of="bookings", shown=_booking)

    @operation(
        "Book a time; the Idempotency-Key is also its source: for good, not for a day",
        form=NewBookingInput,
        asks={"offer": "bko_3f8k2m9pq7wxz", "starts_at": "2026-11-23T10:00:00+08:00", "may_wait": False},
        answer=BookingOut,
        example=BOOKING_EXAMPLE,
        status=201,
        problems=[*_FREE, "booking_person_taken"],
    )
    def post(self, request: Request) -> Response:
        wanted = self.read(NewBookingInput)
        made = services.book(
            offer_id=wanted["offer"], starts_at=wanted["starts_at"], member_id=self.member_id, source=self.source("booking"),
            may_wait=wanted["may_wait"], staff_id=wanted.get("person"),
        )  # fmt: skip
        return Response(_one(self.member_id, made.pk), status=201)


class BookingMove(ApiView):
    route = "my_booking_move"
    key_required = ("POST",)

    @operation(
        "Move a booking: the new place is taken before the old one is free; it is a booking of its own",
        form=BookingMoveInput,
        asks={"starts_at": "2026-11-23T10:30:00+08:00"},
        answer=BookingOut,
        example=BOOKING_EXAMPLE | {"starts_at": "2026-11-23T10:30:00+08:00", "ends_at": "2026-11-23T11:00:00+08:00"},
        problems=[*_FREE, "booking_settled", "booking_too_late"],
    )
    def post(self, request: Request, booking: str) -> Response:
        key = ids.decode(BOOKING, booking)
        if not selectors.of_member(self.member_id).filter(pk=key).exists():
            raise NotFound
        starts_at = self.read(BookingMoveInput)["starts_at"]
        made = services.move(
            booking_id=key, starts_at=starts_at, member_id=self.member_id, source=self.source("booking")
        )
        return Response(_one(self.member_id, made.pk))


class BookingCancel(ApiView):
    route = "my_booking_cancel"

    @operation(
        "Cancel a booking; the next who waits gets the place. Cancelled already: nothing changes",
        answer=BookingOut,
        example=BOOKING_EXAMPLE | {"state": "cancelled"},
        problems=["not_found", "booking_settled", "booking_too_late"],
    )
    def post(self, request: Request, booking: str) -> Response:
        key = ids.decode(BOOKING, booking)
        services.cancel(booking_id=key, member_id=self.member_id)
        return Response(_one(self.member_id, key))


def _one(member_id: int, booking_id: int) -> dict[str, Any]:
    return _booking(selectors.of_member(member_id).get(pk=booking_id))


def _offer(row: Offer) -> dict[str, Any]:
    return {
        "id": ids.encode(OFFER, row.pk),
        "kind": row.service.kind,
        "name": str(row.service),
        "note": row.service.note,
        "store": _store(row),
        "minutes": row.service.minutes,
        "days_ahead": row.service.days_ahead,
        "notice_minutes": row.service.notice_minutes,
    }


def _store(row: Offer) -> dict[str, str]:
    return {"id": ids.encode(STORE, row.store_id), "name": row.store.name}


def _person(row: Staff) -> dict[str, str]:
    return {"id": ids.encode(STAFF, row.pk), "name": row.name}


def _booking(row: Booking) -> dict[str, Any]:
    offer = row.slot.offer
    return {
        "id": ids.encode(BOOKING, row.pk),
        "offer": ids.encode(OFFER, offer.pk),
        "name": str(offer.service),
        "store": _store(offer),
        "state": row.state,
        "starts_at": shapes.at(row.slot.starts_at),
        "ends_at": shapes.at(row.slot.ends_at),
        "made_at": shapes.at(row.made_at),
        "filled_at": shapes.at(row.filled_at),
        "person": _person(row.staff) if row.staff else None,
    }
