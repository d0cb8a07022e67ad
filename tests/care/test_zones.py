"""By whose clock: a member's own zone, else their store's, else the journey's, else the shop's. Hours, nights, days of caps, waits."""

import time
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.care import dispatch, preview, services, zones
from apps.care.journeys import entering
from apps.care.journeys import graph as graphs
from apps.care.models import Touch, Version
from apps.core import clock as house_clock
from apps.core.errors import ValidationFailed
from apps.members.models import Attribute, Member
from apps.stores import nearby
from apps.stores.models import Store
from tests.care.conftest import NOON, Shop
from tests.care.test_triggers import due
from tests.care.walks import journey, rest, sms, standing, tick

pytestmark = pytest.mark.django_db
SHOP, TOKYO = house_clock.SHOP_ZONE, ZoneInfo("Asia/Tokyo")
YORK, AUCKLAND = ZoneInfo("America/New_York"), ZoneInfo("Pacific/Auckland")
INBOX: dict[str, Any] = {"channel": "inbox", "template": "{{ nickname }}，好久不见"}


def at(zone: ZoneInfo, day: int, hour: int) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=zone)


@pytest.fixture
def world(shop: Shop, noon: datetime) -> dict[str, Member]:
    """One lives by the shop's clock, one in Tokyo by their own word, one by their store in New York, one has both."""
    Attribute.objects.create(
        key="time_zone", label="时区", type="choice", choices=["Asia/Tokyo", "Mars/Olympus", "Pacific/Auckland"]
    )
    store = Store.objects.create(code="NY", name="NY")
    nearby.save(
        store_id=store.pk, address="", phone="", latitude=None, longitude=None, week=[], time_zone="America/New_York"
    )
    found = {name: shop.lapsing_member(birthday=date(1990, 3, 12)) for name in ("home", "tokyo", "york", "both")}
    for name, zone in {"home": "Mars/Olympus", "tokyo": "Asia/Tokyo", "both": "Pacific/Auckland"}.items():
        Member.objects.filter(pk=found[name].pk).update(attributes={"time_zone": zone})
    for name in ("york", "both"):
        Member.objects.filter(pk=found[name].pk).update(home_store=store)
    return found


def test_own_word_then_the_store_then_the_journey_then_the_shop(world: dict[str, Member]) -> None:
    assert {name: zones.of_member(one.pk) for name, one in world.items()} == {
        "home": "Asia/Shanghai", "tokyo": "Asia/Tokyo", "york": "America/New_York", "both": "Pacific/Auckland",
    }  # fmt: skip
    assert zones.of_member(world["home"].pk, otherwise="Europe/Paris") == "Europe/Paris"
    assert zones.of_member(world["york"].pk, otherwise="Europe/Paris") == "America/New_York"
    place = {"address": "", "phone": "", "latitude": None, "longitude": None, "week": [], "time_zone": "Mars/Olympus"}
    with pytest.raises(ValidationFailed) as wrong:
        nearby.save(store_id=Store.objects.get().pk, **place)
    assert wrong.value.facts["errors"][0]["pointer"] == "/time_zone"


def test_messages_go_at_the_hour_of_who_gets_them_and_hold_a_slot_of_their_day(world: dict[str, Member]) -> None:
    """Noon of the tenth in the shop is midnight in New York and five in the afternoon in Auckland."""
    Shop().policy("hello", send_hour=14, **INBOX)
    services.plan(moment=NOON)
    rows = {t.member_id: (t.send_at, t.zone, t.slot_on) for t in Touch.objects.all()}
    day = date(2026, 3, 10)
    assert {name: rows[one.pk] for name, one in world.items()} == {
        "home": (at(SHOP, 10, 14), "", day), "tokyo": (at(TOKYO, 10, 14), "Asia/Tokyo", day),
        "york": (at(YORK, 10, 14), "America/New_York", day), "both": (NOON, "Pacific/Auckland", day),
    }  # fmt: skip
    seen = preview.preview(Version.objects.get(), member_id=world["york"].pk, moment=NOON)
    assert seen.send_at == at(YORK, 10, 14)


def waiting(world: dict[str, Member]) -> set[str]:
    ids = set(Touch.objects.filter(state="planned").values_list("member_id", flat=True))
    assert Touch.objects.exclude(state__in=["planned", "sent", "delivered"]).count() == 0
    return {name for name, one in world.items() if one.pk in ids}


@pytest.mark.django_db(transaction=True)
def test_nobody_is_written_to_in_their_own_night(world: dict[str, Member], clock: Any) -> None:
    """At 23:30 of the shop it is 11:30 in New York, 00:30 in Tokyo and 04:30 in Auckland; at noon it was the other way round."""
    Shop().policy("hello", send_hour=0, **INBOX)
    services.plan(moment=NOON)
    Touch.objects.update(send_at=NOON)  # as if none had been put off
    dispatch.drain_channel("inbox", deadline=time.monotonic() + 20)
    assert waiting(world) == {"york"}
    assert Touch.objects.get(member=world["york"]).send_at == at(YORK, 10, 8), "put off to the end of their night"
    Touch.objects.update(state="planned", settled_at=None, slot_on=None, send_at=NOON)
    late = clock(NOON + timedelta(hours=11, minutes=30))
    dispatch.drain_channel("inbox", deadline=time.monotonic() + 20)
    assert waiting(world) == {"home", "tokyo", "both"}, "the shop sleeps, New York does not"
    assert Touch.objects.get(member=world["york"]).slot_on == date(2026, 3, 10)
    assert Touch.objects.get(member=world["home"]).send_at == late.astimezone(SHOP).replace(day=11, hour=8, minute=0)


def test_waits_end_by_the_walkers_clock_and_the_journeys_zone_is_for_who_has_none(world: dict[str, Member]) -> None:
    journey(rest("rest", "end", days=1, hour=10), key="own", time_zone="Europe/Paris", again={"kind": "never"})
    ids = [one.pk for one in world.values()]
    entering.put_in(journey_key="own", member_ids=ids, occurrence="x", moment=NOON)
    paris = ZoneInfo("Europe/Paris")
    assert {name: standing(one.pk) for name, one in world.items()} == {
        "home": ("rest", at(paris, 11, 10)), "tokyo": ("rest", at(TOKYO, 12, 10)),
        "york": ("rest", at(YORK, 11, 10)), "both": ("rest", at(AUCKLAND, 12, 10)),
    }  # fmt: skip


def test_a_journeys_zone_counts_for_its_messages(shop: Shop, noon: datetime) -> None:
    journey(sms("one", "end", send_hour=14), key="far", time_zone="Asia/Tokyo")
    member = shop.member()
    entering.put_in(journey_key="far", member_ids=[member.pk], occurrence="x", moment=NOON)
    tick(NOON)
    touch = Touch.objects.get()
    assert (touch.send_at, touch.zone) == (at(TOKYO, 10, 14), "Asia/Tokyo")


def test_a_birthday_begins_where_the_member_lives(world: dict[str, Member]) -> None:
    names = {one.member_no: name for name, one in world.items()}

    def born(moment: datetime) -> set[str]:
        return {names[number] for number, _, _ in due("birthday", at=moment, days_before=0)}

    assert born(at(AUCKLAND, 11, 23)) == set()
    assert born(at(AUCKLAND, 12, 0)) == {"both"}
    assert born(at(TOKYO, 12, 0)) == {"both", "tokyo"}
    assert born(at(SHOP, 12, 0)) == {"both", "tokyo", "home"}
    assert born(at(YORK, 11, 23)) == {"both", "tokyo", "home"}
    assert born(at(YORK, 12, 0)) == {"both", "tokyo", "home", "york"}


def test_a_zone_that_there_is_not_is_a_finding(db: None) -> None:
    draft = {"entry": {"kind": "call"}, "nodes": [{"key": "end", "kind": "exit"}], "time_zone": "Mars/Olympus"}
    with pytest.raises(ValidationFailed) as wrong:
        graphs.checked(draft)
    assert [(one["pointer"], one["code"]) for one in wrong.value.facts["errors"]] == [("/time_zone", "unknown_zone")]
