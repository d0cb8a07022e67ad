"""Members book, move and cancel in their pages; the counter notes who came, within its own stores."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.bookings import services
from apps.bookings.models import Booking, Offer
from apps.core import ids
from apps.core.models import User
from apps.stores.models import Staff, Store
from tests.bookings.test_bookings import NOW, TEN, book, member, offer
from tests.console.world import enter
from tests.portal.doors import browser_of

pytestmark = pytest.mark.django_db


def test_a_member_books_once_waits_moves_and_cancels_only_their_own(clock: object) -> None:
    clock(NOW)  # type: ignore[operator]
    of, (one, two) = offer(), (member(1), member(2))
    mine, theirs = browser_of(one), browser_of(two)
    page = reverse("portal:booking_times", args=[ids.encode("bko", of.pk)])
    form = {"day": "2026-03-10", "at": "2026-03-10T10:00:00+08:00", "token": "a" * 32}
    assert "10:00" in mine.get(page, {"day": "2026-03-10"}).content.decode()
    assert [mine.post(page, form).status_code for _n in range(2)] == [302, 302]
    assert theirs.post(page, form).status_code == 409
    assert "候补" in theirs.get(page, {"day": "2026-03-10"}).content.decode()
    theirs.post(page, form | {"at": form["at"] + "|wait"})
    first = Booking.objects.get(member=one)
    theirs.post(reverse("portal:booking_cancel", args=[ids.encode("bkg", first.pk)]))
    assert list(Booking.objects.order_by("pk").values_list("state", flat=True)) == ["booked", "waiting"]
    moved = {"move": ids.encode("bkg", first.pk), "at": "2026-03-10T11:00:00+08:00", "token": "b" * 32}
    assert mine.post(page, form | moved).status_code == 302
    states = list(Booking.objects.order_by("pk").values_list("member", "state"))
    assert states == [(one, "cancelled"), (two, "booked"), (one, "booked")]
    assert "皮肤测试" in mine.get(reverse("portal:bookings")).content.decode()


def test_the_counter_notes_who_came_in_its_own_store_alone(client: Client, clock: object) -> None:
    clock(NOW)  # type: ignore[operator]
    of, one = offer(), member(1)
    row = book(of, one)
    act = reverse("console:booking_act", args=[ids.encode("bkg", row.pk)])
    elsewhere = Store.objects.create(code="S2", name="二店")
    for store, status, state in ((elsewhere, 404, "booked"), (of.store, 302, "arrived")):
        user = User.objects.create_user(store.code)
        Staff.objects.create(user=user, code=store.code, name="店员", role="clerk", store=store)
        enter(client, user)
        assert client.post(act, {"do": "arrived"}).status_code == status
        row.refresh_from_db()
        assert row.state == state
    page = client.get(reverse("console:bookings"), {"day": "2026-03-10"}).content.decode()
    assert ("皮肤测试" in page, "已到店" in page) == (True, True)


def test_head_office_offers_a_service_and_gives_an_event_its_times(client: Client, clock: object) -> None:
    clock(NOW)  # type: ignore[operator]
    user = User.objects.create_user("office")
    Staff.objects.create(user=user, code="O1", name="总部", role="admin")
    enter(client, user)
    store, page = Store.objects.create(code="S1", name="一店"), reverse("console:booking_services")
    form = {"do": "service", "name": "品茶会", "kind": "event", "minutes": 90, "days_ahead": 30, "notice_minutes": 0}
    assert client.post(page, form | {"minutes": 3}).status_code == 422
    assert client.post(page, form).status_code == 302
    assert client.get(page).status_code == 200
    service = services.Service.objects.get().pk
    at = {"service": service, "store": store.pk, "capacity": 12, "at": "2026-03-14T19:00"}
    client.post(page, at)
    made = Offer.objects.select_related("service", "store").get()
    row = book(made, member(1), at=TEN.replace(day=14, hour=11))
    assert (row.slot.capacity, row.slot.taken + 1) == (12, 1)
