"""Staff say where their stores are and when they are open; members see it."""

from datetime import UTC, date, datetime

import pytest
from django.test import Client

from apps.core import ids
from apps.stores import calendars
from apps.stores.models import Role
from apps.stores.places import PublicDay, SpecialDay, StorePlace
from tests.console import world
from tests.portal.doors import browser_of

pytestmark = pytest.mark.django_db
DAYS = {f"day_{day}": "10:00-12:30，14:00 至 22:00" for day in range(6)}


def test_a_manager_keeps_their_own_store_and_members_find_it(client: Client):
    house = world.build()
    world.enter(client, house.users[Role.MANAGER])
    mine, near = (f"/console/stores/{ids.encode('sto', house.stores[key].pk)}/" for key in ("mine", "near"))
    said = {"address": "武康路 376 号", "phone": "021 5550", "latitude": "31.2109", "longitude": "121.4389",
            "time_zone": "Asia/Tokyo", **DAYS}  # fmt: skip

    half = client.post(mine, said | {"day_0": "10:00-12:30, 12:00-22:00"})
    lost = client.post(mine, said | {"latitude": ""})
    others = client.post(near, said)
    nowhere = client.post(mine, said | {"time_zone": "Mars/Olympus"})
    assert (half.status_code, lost.status_code, others.status_code, nowhere.status_code) == (422, 422, 404, 422)
    assert not StorePlace.objects.exists()

    assert client.post(mine, said).status_code == 302
    row = StorePlace.objects.get()
    assert (row.address, row.latitude, row.time_zone, row.hours) == (
        "武康路 376 号",
        31.2109,
        "Asia/Tokyo",
        [[["10:00", "12:30"], ["14:00", "22:00"]]] * 6 + [[]],
    )
    assert "376" in client.get("/console/stores/").content.decode()
    assert 'value="10:00–12:30, 14:00–22:00"' in client.get(mine).content.decode()

    member = browser_of(house.members["mine"].pk)
    by_name = member.get("/my/stores/").content.decode()
    near_me = member.post("/my/stores/", {"latitude": "31.2209", "longitude": "121.4389"}).content.decode()
    nowhere = member.post("/my/stores/", {"latitude": "nan", "longitude": "400"})
    assert near_me.index("武康路店") < near_me.index("春熙路店")
    assert ("1.1 km" in near_me or "1.1公里" in near_me, "km" in by_name or "公里" in by_name) == (True, False)
    assert nowhere.status_code == 200


def test_special_days_and_the_brands_hours_are_kept_on_pages(client: Client):
    house = world.build()
    world.enter(client, house.users[Role.MANAGER])
    mine, near = (f"/console/stores/{ids.encode('sto', house.stores[key].pk)}/days/" for key in ("mine", "near"))
    wrong = client.post(mine, {"day": "2026-12-24", "kind": "hours", "weekday": "0", "spans": ""})
    closed = {"day": "2026-12-24", "kind": "closed", "weekday": "0", "spans": "", "name": "盘点"}
    refused = [client.post(path, closed).status_code for path in (near, "/console/stores/all/days/")]
    assert ([wrong.status_code, *refused], SpecialDay.objects.count()) == ([422, 404, 403], 0)
    assert client.get("/console/stores/hours/").status_code == 403

    assert client.post(mine, closed).status_code == 302
    noon = datetime(2026, 12, 24, 4, tzinfo=UTC)
    assert not calendars.is_open(house.stores["mine"].pk, noon)
    assert calendars.is_open(house.stores["near"].pk, noon)
    assert client.post(f"{mine}2026-12-24/remove/").status_code == 302
    assert calendars.is_open(house.stores["mine"].pk, noon)

    world.enter(client, house.users[Role.ADMIN])
    week = {f"day_{day}": "09:00-12:00, 13:00-18:00" for day in range(5)}
    half = client.post("/console/stores/hours/public/", {"text": "2027-02-04,off,春节\n2027-02-30,off,春节"})
    assert (half.status_code, PublicDay.objects.count()) == (422, 0)
    client.post("/console/stores/hours/public/", {"text": "2027-02-20,worked,春节"})
    assert client.post("/console/stores/hours/", week | {"keeps_public_days": "on"}).status_code == 302
    spring = calendars.of_store(None)
    assert [len(spring.intervals(date(2027, 2, day))) for day in (5, 8, 9, 20, 21)] == [0, 0, 2, 2, 0]
    assert "春节" in client.get("/console/stores/hours/").content.decode()
