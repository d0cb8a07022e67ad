"""Bookings and live streams by the API: what a repeat, a full time and a late change answer; nothing is taken twice."""

from datetime import timedelta

import pytest

from apps.bookings.models import Booking, Slot
from apps.core import clock as house
from apps.core import ids
from apps.livestream.models import Product, Reservation, Subscription
from tests.api.visits import Visits

pytestmark = pytest.mark.django_db


@pytest.fixture
def visits(new_member) -> Visits:
    self = new_member("阿青", number=1)
    made = Visits(self.member.pk)
    made.me = self  # the caller beside their things
    return made


def test_a_time_is_booked_once_moved_and_cancelled(visits):
    me, offer = visits.me, ids.encode("bko", visits.offer.pk)
    day = house.local_date(house.now()) + timedelta(days=3)
    times = me.get(f"me/booking-offers/{offer}/times/{day}").data["times"]
    wanted = {"offer": offer, "starts_at": times[20]["starts_at"]}

    first = me.post("me/bookings", wanted, Idempotency_Key="b-1")
    again = me.post("me/bookings", wanted, Idempotency_Key="b-1")
    other = me.post("me/bookings", wanted, Idempotency_Key="b-2")

    assert (first.status_code, again.status_code, again.data) == (201, 201, first.data)
    assert (other.status_code, other.data["code"]) == (409, "booking_already")
    left = me.get(f"me/booking-offers/{offer}/times/{day}").data["times"][20]["left"]
    assert (times[20]["left"], left) == (9, 8)

    moved = me.post(
        f"me/bookings/{first.data['id']}:move", {"starts_at": times[21]["starts_at"]}, Idempotency_Key="b-3"
    )
    off = me.post(f"me/bookings/{moved.data['id']}:cancel")
    over = me.post(f"me/bookings/{first.data['id']}:move", {"starts_at": times[22]["starts_at"]}, Idempotency_Key="b-4")

    assert (moved.status_code, off.data["state"]) == (200, "cancelled")
    assert (over.status_code, over.data["code"]) == (409, "booking_settled")
    newest, oldest = (one["id"] for one in me.get("me/bookings").data["data"])
    page = me.get("me/bookings?limit=1").data
    assert ([one["id"] for one in page["data"]], page["has_more"]) == ([newest], True)
    page = me.get(f"me/bookings?limit=1&cursor={page['next_cursor']}").data
    assert ([one["id"] for one in page["data"]], page["has_more"]) == ([oldest], False)
    assert [one["state"] for one in me.get("me/bookings").data["data"]] == ["cancelled", "cancelled"]
    assert set(Slot.objects.values_list("taken", flat=True)) == {0}


def test_a_full_time_is_refused_or_waited_for(visits):
    starts_at = visits._time()
    Slot.objects.create(
        offer=visits.offer, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=30), capacity=1, taken=1
    )
    wanted = {"offer": ids.encode("bko", visits.offer.pk), "starts_at": starts_at.isoformat()}

    refused = visits.me.post("me/bookings", wanted, Idempotency_Key="w-1")
    assert (refused.status_code, refused.data["code"], Booking.objects.count()) == (409, "booking_full", 0)
    waits = visits.me.post("me/bookings", wanted | {"may_wait": True}, Idempotency_Key="w-2")
    assert (waits.status_code, waits.data["state"], Slot.objects.get().taken) == (201, "waiting", 1)
    no_time = wanted | {"starts_at": (starts_at + timedelta(minutes=7)).isoformat()}
    wrong = visits.me.post("me/bookings", no_time, Idempotency_Key="w-3")
    assert (wrong.status_code, wrong.data["code"]) == (422, "booking_no_such_slot")
    for day in ("2026-02-30", "soon", "9999-12-31"):
        assert visits.me.get(f"me/booking-offers/{wanted['offer']}/times/{day}").status_code == 404


def test_reminders_are_asked_for_and_a_piece_is_put_aside_once(visits):
    me, stream = visits.me, ids.encode("liv", visits.stream.pk)
    assert [one["is_reminded"] for one in me.get("me/streams").data] == [False]
    assert (
        me.put(f"me/streams/{stream}/reminder").status_code,
        me.put(f"me/streams/{stream}/reminder").status_code,
    ) == (204, 204)
    [shown] = me.get("me/streams").data
    assert (shown["is_reminded"], shown["products"][0]["left"], Subscription.objects.count()) == (True, 900, 1)

    wanted = visits.body("my_pieces_post", {})
    first = me.post("me/pieces", wanted, Idempotency_Key="p-1")
    again = me.post("me/pieces", wanted, Idempotency_Key="p-1")
    other = me.post("me/pieces", wanted, Idempotency_Key="p-2")
    assert (first.status_code, again.data, other.data["code"]) == (201, first.data, "livestream_already_reserved")
    assert Product.objects.get().reserved == 1
    back = me.post(f"me/pieces/{first.data['id']}:give-back")
    assert (back.data["state"], Product.objects.get().reserved, Reservation.objects.count()) == ("cancelled", 0, 1)

    assert me.delete(f"me/streams/{stream}/reminder").status_code == 204
    assert [one["is_reminded"] for one in me.get("me/streams").data] == [False]
