"""A store with one till, a clerk and a manager with PINs, and members who come there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.core import signing
from django.test import Client

from apps.core import requests
from apps.events.models import Event
from apps.flows.bought import Bought
from apps.flows.checkout import Desk, Sale
from apps.points import defaults
from apps.points import services as points
from apps.points.models import Currency
from apps.stores import pins, shifts, tills
from apps.stores.models import Role, Staff
from tests import ready
from tests.console import world
from tests.console.world import House

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
PIN, MANAGER_PIN = "2580", "147036"


@dataclass
class Shop:
    """`desk` is the clerk at the till of the store "mine"; `secret` is what stands in the till's cookie."""

    house: House
    desk: Desk
    secret: str
    clerk: Staff
    manager: Staff

    def browser(self, *, secret: str = "", **more: object) -> Client:
        client = Client(**more)  # type: ignore[arg-type]
        client.cookies[tills.COOKIE] = signing.dumps(secret or self.secret, salt=tills.SALT)
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
        return client

    def rich(self, where: str, amount: int) -> int:
        member_id = self.house.members[where].pk
        points.earn(member_id=member_id, amount=amount, source=f"gift:{where}:{amount}", moment=self.house.moment)
        return member_id

    def sale(self, receipt: str = "R-1001", **more: object) -> Sale:
        given: dict[str, object] = {
            "key": f"test-key-{receipt}",
            "member_id": self.house.members["mine"].pk,
            "receipt": receipt,
        }
        bought = Bought(int(more.pop("gross_cents", 56_800)))  # type: ignore[call-overload]
        return Sale(**{**given, "bought": bought, "is_present": True, **more})  # type: ignore[arg-type]


@ready.once
def open_shop(moment: datetime, house: House | None = None) -> Shop:
    house = house or world.build(moment)
    with requests.acting(actor="test"):
        defaults.install()
    Event.objects.filter(finished_at=None).update(finished_at=moment)  # what the small house set off is over
    Currency.objects.filter(key="points").update(cents_per_hundred=100)
    clerk, manager = (Staff.objects.get(code=f"C-{role}") for role in (Role.CLERK, Role.MANAGER))
    pins.keep(staff_id=clerk.pk, pin=PIN)
    pins.keep(staff_id=manager.pk, pin=MANAGER_PIN)
    store = house.stores["mine"]
    issued = tills.bind(name="2号台", store_id=store.pk, staff_id=manager.pk)
    shift = shifts.begin(device_id=issued.id, staff_id=clerk.pk, moment=moment)
    desk = Desk(shift.pk, issued.id, store.pk, store.code, clerk.pk)
    return Shop(house, desk, issued.secret, clerk, manager)


@pytest.fixture
def shop(clock: Callable[[datetime], datetime], db: None) -> Shop:
    return open_shop(clock(NOON))
