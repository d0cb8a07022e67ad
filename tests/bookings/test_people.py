"""Named staff: whom members may choose, on which weekdays, one member at a time whatever the service."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from apps.bookings import people, services, slots
from apps.bookings.errors import PersonTaken, SlotFull
from apps.bookings.models import Booking, Offer, Person, Service
from apps.core import clock, ids
from apps.core.errors import DomainError, NotFound
from apps.core.models import User
from apps.stores.models import Staff
from tests.bookings.test_bookings import HOUR, NOW, TEN, book, member, offer
from tests.console.world import enter
from tests.portal.doors import browser_of

pytestmark = pytest.mark.django_db
TUESDAY, WHOLE_WEEK = [2], [1, 2, 3, 4, 5, 6, 7]


def staff(name: str, of: Offer) -> Staff:
    return Staff.objects.create(code=name, name=name, role="clerk", store=of.store)


def named(of: Offer, **weekdays: list[int]) -> dict[str, Staff]:
    who = {name: staff(name, of) for name in weekdays}
    people.name(offer_id=of.pk, people={who[name].pk: days for name, days in weekdays.items()})
    return who


def with_whom(of: Offer, number: int, **more: object) -> str:
    with clock.frozen(NOW):
        made = services.book(offer_id=of.pk, starts_at=TEN, member_id=member(number), source=f"p{number}", **more)
    return f"{made.state} {made.staff.name if made.staff else '–'}"


def test_places_are_as_many_as_people_who_work_that_day_and_are_free() -> None:
    of = offer(capacity=5)
    lin = named(of, 林=WHOLE_WEEK, 陈=TUESDAY)["林"]
    left = {day: [one.left for one in slots.of_day(of, day=date(2026, 3, day), moment=NOW)][:1] for day in (10, 11)}
    assert left == {10: [2], 11: [1]}
    people.name(offer_id=of.pk, people={lin.pk: TUESDAY})
    assert slots.of_day(of, day=date(2026, 3, 11), moment=NOW) == [], "nobody who does it works on Wednesday"

    assert with_whom(of, 1) == "booked 林"
    with pytest.raises(SlotFull):
        with_whom(of, 2)
    assert with_whom(of, 3, may_wait=True) == "waiting –"
    with clock.frozen(NOW):
        services.cancel(booking_id=Booking.objects.get(source="p1").pk)
    waited = Booking.objects.get(source="p3")
    assert (waited.state, waited.staff) == ("booked", lin)


def test_whom_a_member_chooses_has_them_or_the_choice_is_refused_and_nothing_is_written() -> None:
    of = offer(capacity=5)
    who = named(of, 林=WHOLE_WEEK, 陈=WHOLE_WEEK)
    assert with_whom(of, 1, staff_id=who["陈"].pk) == "booked 陈"
    with pytest.raises(PersonTaken):
        with_whom(of, 2, staff_id=who["陈"].pk, may_wait=True)
    assert Booking.objects.count() == 1
    assert with_whom(of, 3) == "booked 林"
    with clock.frozen(NOW):
        mine = Booking.objects.get(source="p1")
        moved = services.move(booking_id=mine.pk, starts_at=TEN + HOUR, source="m")
        assert moved.staff == who["陈"], "the same person where they are free"
        again = services.move(booking_id=Booking.objects.get(source="p3").pk, starts_at=TEN + HOUR, source="n")
    assert again.staff == who["林"]
    with pytest.raises(NotFound):
        people.name(offer_id=of.pk, people={Staff.objects.create(code="x", name="别店").pk: TUESDAY})
    assert Person.objects.count() == 2


def test_one_person_has_one_member_at_a_time_in_whatever_service() -> None:
    of = offer(capacity=5)
    lin = named(of, 林=WHOLE_WEEK)["林"]
    longer = services.save_service(name="量体", minutes=60, notice_minutes=60)
    other = services.offer(service_id=longer.pk, store_id=of.store_id, capacity=5)
    people.name(offer_id=other.pk, people={lin.pk: WHOLE_WEEK})
    with_whom(of, 1)
    with pytest.raises(SlotFull):
        book(other, member(2), source="other")
    row = Booking.objects.get()
    with pytest.raises(IntegrityError, match="bookings_person_one_at_a_time"), transaction.atomic():
        Booking.objects.create(
            slot=row.slot, member_id=member(3), state="booked", source="past the rules", staff=lin,
            staff_from=TEN + HOUR / 4, staff_until=TEN + HOUR,
        )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_of_four_who_want_one_person_in_two_services_at_once_one_gets_them() -> None:
    of = offer(capacity=5)
    lin = named(of, 林=WHOLE_WEEK)["林"]
    second = services.offer(
        service_id=services.save_service(name="量体", minutes=30).pk, store_id=of.store_id, capacity=5
    )
    people.name(offer_id=second.pk, people={lin.pk: WHOLE_WEEK})
    members, start = [member(n) for n in range(4)], Barrier(4)

    def want(number: int) -> str:
        try:
            start.wait()
            book((of, second)[number % 2], members[number], source=f"r{number}")
        except DomainError as refusal:
            return refusal.code
        finally:
            connection.close()
        return "booked"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(want, range(4))) == ["booked", "booking_full", "booking_full", "booking_full"]
    assert Booking.objects.filter(staff=lin, state="booked").count() == 1


def test_head_office_edits_a_service_and_names_who_does_it_and_members_choose(client: Client, clock: object) -> None:
    clock(NOW)  # type: ignore[operator]
    of = offer(capacity=2)
    lin = staff("林青", of)
    user = User.objects.create_user("office")
    Staff.objects.create(user=user, code="O1", name="总部", role="admin")
    enter(client, user)
    page = reverse("console:booking_service", args=[ids.encode("bks", of.service_id)])
    form = {
        "name": "皮肤测试",
        "kind": "service",
        "minutes": 60,
        "days_ahead": 7,
        "notice_minutes": 30,
        "is_active": "on",
    }
    assert client.post(page, form | {"minutes": 3}).status_code == 422
    assert client.post(page, form).status_code == 302
    assert Service.objects.values_list("minutes", "days_ahead").get() == (60, 7)
    client.post(page, {"do": "people", "offer": of.pk, f"days-{lin.pk}": ["2", "4", "9"]})
    assert Person.objects.values_list("staff", "weekdays").get() == (lin.pk, [2, 4])
    assert client.post(page, {"do": "people", "offer": of.pk, "days-999": ["2"]}).status_code == 404
    assert "林青" in client.get(page).content.decode()

    mine = browser_of(member(7))
    times, wish = reverse("portal:booking_times", args=[ids.encode("bko", of.pk)]), ids.encode("stf", lin.pk)
    assert "林青" in mine.get(times, {"day": "2026-03-10"}).content.decode()
    at = {"day": "2026-03-10", "at": "2026-03-10T10:00:00+08:00", "token": "a" * 32, "with": wish}
    assert mine.post(times, at).status_code == 302
    assert Booking.objects.get().staff == lin
    assert "林青" in mine.get(reverse("portal:bookings")).content.decode()
    client.post(page, form | {"is_active": ""})
    assert mine.get(times).status_code == 404
