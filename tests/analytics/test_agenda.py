"""The calendar of the coming days: what each holds, of the reader's stores where it is a store's, in the shop's days."""

from datetime import date, timedelta

import pytest

from apps.analytics.day import agenda
from apps.bookings.models import Booking, Offer, Service, Slot
from apps.care.models import Campaign, Journey
from apps.core import clock as house_clock
from apps.livestream.models import Stream
from apps.stores.places import PublicDay, SpecialDay
from tests.console import world
from tests.console.conftest import NOON
from tests.livestream import making

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 22)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def test_each_day_holds_what_is_planned_for_it_in_the_readers_stores(clock) -> None:
    clock(NOON)
    house = world.build(NOON)
    midnight = house_clock.day_start(TODAY + DAY)  # of the shop
    PublicDay.objects.create(day=TODAY + DAY, name="店庆")
    PublicDay.objects.create(day=TODAY + 2 * DAY, name="调休", is_working=True)
    for where, day in (("mine", 1), ("far", 1), (None, 2), (None, 7)):
        store = house.stores[where] if where else None
        SpecialDay.objects.create(store=store, day=TODAY + day * DAY, kind="closed", name=f"{where}{day}")
    offer = Service.objects.create(name="试穿", name_en="Fitting")
    for where, at, state in (
        ("mine", midnight - timedelta(seconds=1), "booked"), ("mine", midnight, "arrived"), ("mine", midnight + HOUR, "cancelled"),
        ("far", midnight + HOUR, "booked"), ("mine", midnight + 6 * DAY, "booked"),
    ):  # fmt: skip
        held = Offer.objects.get_or_create(service=offer, store=house.stores[where])[0]
        slot = Slot.objects.create(offer=held, starts_at=at, ends_at=at + HOUR, capacity=5, taken=1)
        Booking.objects.create(
            slot=slot,
            member=house.members[where],
            state=state,
            source=f"b:{where}:{at}",
            settled_at=None if state == "booked" else at,
        )
    for title, at in (("早场", midnight), ("取消的", midnight + 3 * HOUR), ("下周", midnight + 6 * DAY)):
        making.stream(title, at=at, room_id=making.room(title).pk, host_id=making.host(title).pk)
    Stream.objects.filter(title="取消的").update(state="cancelled", finished_at=NOON)
    plan = {"variants": [{"channel": "sms"}]}
    for name, at, status in (("双十二", midnight - HOUR, "live"), ("没了的", midnight, "ended")):
        journey = Journey.objects.create(key=f"j{status}", name=name, status=status)
        Campaign.objects.create(journey=journey, plan=plan, started_at=NOON, starts_at=at)

    def told(where: str | None) -> list[tuple[object, ...]]:
        stores = [house.stores[where].pk] if where else None
        return [
            (
                one.holiday, one.is_worked, [row.name for row in one.special], one.bookings, [row.title for row in one.streams],
                [row.name for row in one.sendings],
            )
            for one in agenda.days(first=TODAY, store_ids=stores)
        ]  # fmt: skip

    nothing = ("", False, [], 0, [], [])
    today, tomorrow = ("", False, [], 1, [], ["双十二"]), ("店庆", False, ["mine1"], 1, ["早场"], [])
    later = ("调休", True, ["None2"], 0, [], [])
    assert told("mine") == [today, tomorrow, later, *[nothing] * 4]
    assert told(None)[1] == ("店庆", False, ["far1", "mine1"], 2, ["早场"], [])
    assert [one.is_plain for one in agenda.days(first=TODAY, store_ids=[house.stores["near"].pk])] == [False] * 3 + [
        True
    ] * 4
