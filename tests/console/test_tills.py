"""Tills and PINs in the back office: who may make a browser a till, whose PIN may be set, what a revoked till is worth."""

from collections.abc import Callable

from django.test import Client

from apps.core import ids
from apps.flows import own_cards
from apps.stores import pins, tills
from apps.stores.models import Device, Pin, Role, Staff
from tests.console.world import House

URL = "/console/tills/"
At = Callable[..., Client]


def test_a_manager_makes_the_browser_a_till_and_ends_it(house: House, at: At):
    manager = at(Role.MANAGER)
    made = manager.post(f"{URL}bind/", {"name": "2号台", "store": house.stores["mine"].pk})

    assert (made.status_code, made["Location"]) == (302, "/counter/")
    cookie = made.cookies[tills.COOKIE]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/counter/", True, "Strict")
    assert Device.objects.get().scopes == ["counter"]
    assert "2号台" in manager.get(URL).content.decode()
    assert "2号台" in manager.get("/counter/").content.decode()

    till = ids.encode("dev", Device.objects.get().pk)
    assert manager.post(f"{URL}{till}/revoke/").status_code == 302
    assert manager.get("/counter/").status_code == 403


def test_other_stores_and_their_people_are_out_of_reach(house: House, at: At):
    manager, clerk = at(Role.MANAGER), at(Role.CLERK)
    other = Staff.objects.create(code="N-1", name="许", role=Role.CLERK, store=house.stores["near"])
    far = tills.bind(name="远台", store_id=house.stores["far"].pk, staff_id=None)

    assert manager.post(f"{URL}bind/", {"name": "2号台", "store": house.stores["near"].pk}).status_code == 404
    assert manager.post(f"{URL}pin/", {"staff": other.pk, "pin": "2580"}).status_code == 404
    assert manager.post(f"{URL}{ids.encode('dev', far.id)}/revoke/").status_code == 404
    assert clerk.post(f"{URL}bind/", {"name": "2号台", "store": house.stores["mine"].pk}).status_code == 403
    assert clerk.post(f"{URL}pin/", {"staff": other.pk, "pin": "2580"}).status_code == 403
    assert "远台" not in manager.get(URL).content.decode()
    assert (Device.objects.filter(revoked_at=None).count(), Pin.objects.count()) == (1, 0)


def test_a_clerk_sets_the_own_pin_and_phone_and_a_manager_sets_one_for_them(house: House, at: At):
    clerk = Staff.objects.get(code="C-clerk")
    till = tills.bind(name="2号台", store_id=house.stores["mine"].pk, staff_id=None)
    where = {"device_id": till.id, "store_id": house.stores["mine"].pk}

    at(Role.CLERK).post(f"{URL}pin/", {"pin": "2580", "phone": "19900000001"})
    assert pins.check(staff_id=clerk.pk, pin="2580", **where) == clerk
    assert own_cards.is_own(staff_id=clerk.pk, member_id=house.members["mine"].pk)
    at(Role.CLERK).post(f"{URL}pin/", {"pin": "1111"})
    at(Role.MANAGER).post(f"{URL}pin/", {"staff": clerk.pk, "pin": "147036"})

    assert pins.check(staff_id=clerk.pk, pin="147036", **where) == clerk
    assert own_cards.known([clerk.pk]) == {clerk.pk}
