"""Bookings: times by the store's calendar, never too many, the waiting list, notices, what becomes of them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection

from apps.bookings import selectors, services, slots, upkeep
from apps.bookings.errors import (
    BookedAlready,
    BookingSettled,
    CapacityTooSmall,
    NoSuchSlot,
    SlotFull,
    TooLate,
)
from apps.bookings.models import Booking, Offer, Slot
from apps.care import claims
from apps.care.models import Touch
from apps.core import clock
from apps.core.errors import NotFound
from apps.events.models import Event
from apps.flows import services as flows
from apps.members import services as members
from apps.stores.models import Store
from apps.stores.places import PublicDay, StorePlace
from tests.care.conftest import Shop

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 9, 2, 0, tzinfo=UTC)  # Monday 10:00 in the shop
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
TEN = NOW + DAY  # Tuesday 10:00


def offer(*, capacity: int = 1, **more: object) -> Offer:
    store = Store.objects.create(code="S1", name="一店")
    StorePlace.objects.create(
        store=store, hours=[[["10:00", "12:15"], ["14:00", "15:00"]]] * 6 + [[]], keeps_public_days=True
    )
    fields = {"name": "皮肤测试", "minutes": 30, "notice_minutes": 60} | more
    service = services.save_service(service_id=None, **fields)
    made = services.offer(service_id=service.pk, store_id=store.pk, capacity=capacity)
    return Offer.objects.select_related("service", "store").get(pk=made.pk)


def member(number: int) -> int:
    return members.register(source="test", nickname="林溪", phone=f"1990004{number:04d}")


def book(of: Offer, who: int, *, at: datetime = TEN, source: str = "", may_wait: bool = False) -> Booking:
    with clock.frozen(NOW):
        return services.book(
            offer_id=of.pk, starts_at=at, member_id=who, source=source or f"t:{who}:{at}", may_wait=may_wait
        )


def times(of: Offer, day: date) -> list[str]:
    return [f"{clock.local(one.starts_at):%H:%M}" for one in slots.of_day(of, day=day, moment=NOW)]


def test_times_follow_the_opening_hours_with_holidays_and_worked_weekends() -> None:
    of = offer()
    PublicDay.objects.create(day=date(2026, 3, 11), is_working=False, name="假")
    PublicDay.objects.create(day=date(2026, 3, 15), is_working=True, name="班")
    whole = ["10:00", "10:30", "11:00", "11:30", "14:00", "14:30"]
    assert times(of, date(2026, 3, 10)) == whole
    assert times(of, date(2026, 3, 9)) == whole[2:], "not within the hour of notice"
    assert times(of, date(2026, 3, 11)) == []
    assert times(of, date(2026, 3, 15)) == whole, "a Sunday that is worked has Monday's hours"
    assert times(of, date(2026, 3, 22)) == []
    for wrong in (TEN + MINUTE, TEN + 2 * HOUR, NOW + 30 * MINUTE, TEN + 30 * DAY):
        with pytest.raises(NoSuchSlot):
            book(of, 1, at=wrong, source="x")
        assert Slot.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_of_six_who_want_two_places_at_once_two_get_them() -> None:
    of = offer(capacity=2)
    people, start = [member(number) for number in range(6)], Barrier(6)

    def take(who: int) -> str:
        try:
            start.wait()
            return book(of, who).state
        except SlotFull:
            return "full"
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(take, people)) == ["booked", "booked", "full", "full", "full", "full"]
    assert (Slot.objects.get().taken, Booking.objects.count()) == (2, 2)


def test_the_waiting_list_fills_by_itself_in_its_order_and_one_fact_tells_it() -> None:
    of, (one, two, three) = offer(), (member(1), member(2), member(3))
    first = book(of, one)
    assert book(of, one).pk == first.pk, "the same source is the same booking"
    with pytest.raises(BookedAlready):
        book(of, one, source="again")
    with pytest.raises(SlotFull):
        book(of, two)
    waits = [book(of, who, may_wait=True, source=f"w{who}") for who in (two, three)]
    assert [row.state for row in waits] == ["waiting", "waiting"]
    with clock.frozen(NOW):
        with pytest.raises(NotFound):
            services.cancel(booking_id=first.pk, member_id=two)
        services.cancel(booking_id=first.pk, member_id=one)
        services.cancel(booking_id=first.pk, member_id=one)
    assert list(Booking.objects.order_by("pk").values_list("state", flat=True)) == ["cancelled", "booked", "waiting"]
    assert Slot.objects.get().taken == 1
    assert list(Event.objects.filter(name="booking.notice_due").values_list("payload__kind", flat=True)) == ["filled"]

    with clock.frozen(NOW):
        services.offer(service_id=of.service_id, store_id=of.store_id, capacity=2)
        with pytest.raises(CapacityTooSmall):
            services.offer(service_id=of.service_id, store_id=of.store_id, capacity=1)
    assert Booking.objects.filter(state="booked").count() == Slot.objects.get().taken == 2


def test_moving_takes_the_new_place_first_and_a_full_time_leaves_the_old_one() -> None:
    of, (one, two) = offer(), (member(1), member(2))
    mine = book(of, one)
    book(of, two, at=TEN + HOUR)
    with clock.frozen(NOW):
        with pytest.raises(SlotFull):
            services.move(booking_id=mine.pk, starts_at=TEN + HOUR, member_id=one, source="m1")
        mine.refresh_from_db()
        assert mine.state == "booked"
        moved = services.move(booking_id=mine.pk, starts_at=TEN + HOUR / 2, member_id=one, source="m2")
    mine.refresh_from_db()
    assert (mine.state, moved.state) == ("cancelled", "booked")
    assert dict(Slot.objects.values_list("starts_at", "taken")) == {TEN: 0, TEN + HOUR: 1, TEN + HOUR / 2: 1}


def test_too_late_to_cancel_then_come_or_missed_and_the_share_of_those_who_keep_away() -> None:
    of, (one, two) = offer(capacity=2), (member(1), member(2))
    came, gone = book(of, one), book(of, two)
    with clock.frozen(TEN - 59 * MINUTE), pytest.raises(TooLate):
        services.cancel(booking_id=came.pk, member_id=one)
    with clock.frozen(TEN):
        services.arrive(booking_id=came.pk)
        services.arrive(booking_id=came.pk)
        with pytest.raises(BookingSettled):
            services.cancel(booking_id=came.pk)
    with clock.frozen(TEN + 13 * HOUR):
        assert upkeep.sweep()["missed"] == 1
    gone.refresh_from_db()
    assert gone.state == "missed"
    kept = Event.objects.filter(name="booking.kept").values_list("key", "payload")
    assert list(kept) == [(f"booking.kept:{came.pk}", {"booking_id": came.pk, "member_id": one})]
    assert selectors.no_shows(moment=TEN + DAY, store_ids=None) == {"came": 1, "missed": 1, "share": 0.5}


def passes(at: datetime) -> None:
    with clock.frozen(at):
        upkeep.sweep()
    for event in Event.objects.filter(finished_at=None).order_by("pk"):
        with clock.frozen(at):
            flows.deliver(event_id=event.pk)


def texts(at: datetime) -> list[tuple[str, ...]]:
    taken, _skipped = claims.Desk("inbox").take(limit=10, moment=at, brand="B")
    Touch.objects.filter(pk__in=[one.claim.touch_id for one in taken]).update(state="sent", settled_at=at)
    return [tuple(one.values) for one in taken]


def test_who_booked_is_told_a_day_and_two_hours_before_once_and_who_cancelled_is_not() -> None:
    shop, of = Shop(), offer(capacity=2)
    for kind in ("day", "hours", "filled"):
        shop.policy(
            kind, trigger="booking_notice", params={"notice": kind}, channel="inbox", send_hour=0, missing={},
            template="{{ booking_service }} {{ booking_time }} {{ booking_store }}见", is_transactional=True,
        )  # fmt: skip
    at = TEN + DAY
    one, two, three = (shop.member().pk for _n in range(3))
    rows = [book(of, who, at=at) for who in (one, two)]
    book(of, three, at=at, may_wait=True)
    passes(at - DAY - MINUTE)
    assert texts(at - DAY) == []
    passes(at - DAY)
    passes(at - DAY + MINUTE)
    with clock.frozen(at - DAY + MINUTE):
        services.cancel(booking_id=rows[1].pk)
    assert texts(at - DAY + 2 * MINUTE) == [("皮肤测试", "03-11 10:00", "一店")]
    assert Touch.objects.get(member=two).reason == "booking_gone"
    passes(at - DAY + 3 * MINUTE)
    assert texts(at - DAY + 3 * MINUTE) == [("皮肤测试", "03-11 10:00", "一店")], "who waited has a place"
    passes(at - 2 * HOUR)
    assert len(texts(at - 2 * HOUR)) == 2
    assert Touch.objects.filter(member=one, state="sent").count() == 2
