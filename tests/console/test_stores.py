"""Staff say where their stores are and when they are open; members see it."""

import pytest
from django.test import Client

from apps.core import ids
from apps.stores.models import Role
from apps.stores.places import StorePlace
from tests.console import world
from tests.portal.doors import browser_of

pytestmark = pytest.mark.django_db
DAYS = {f"{name}_{day}": at for day in range(6) for name, at in (("from", "10:00"), ("until", "22:00"))}


def test_a_manager_keeps_their_own_store_and_members_find_it(client: Client):
    house = world.build()
    world.enter(client, house.users[Role.MANAGER])
    mine, near = (f"/console/stores/{ids.encode('sto', house.stores[key].pk)}/" for key in ("mine", "near"))
    said = {"address": "武康路 376 号", "phone": "021 5550", "latitude": "31.2109", "longitude": "121.4389", **DAYS}

    half = client.post(mine, said | {"until_0": ""})
    lost = client.post(mine, said | {"latitude": ""})
    others = client.post(near, said)
    assert (half.status_code, lost.status_code, others.status_code) == (422, 422, 404)
    assert not StorePlace.objects.exists()

    assert client.post(mine, said).status_code == 302
    row = StorePlace.objects.get()
    assert (row.address, row.latitude, row.hours) == ("武康路 376 号", 31.2109, [["10:00", "22:00"]] * 6 + [None])
    assert "376" in client.get("/console/stores/").content.decode()
    assert 'value="10:00"' in client.get(mine).content.decode()

    member = browser_of(house.members["mine"].pk)
    by_name = member.get("/my/stores/").content.decode()
    near_me = member.post("/my/stores/", {"latitude": "31.2209", "longitude": "121.4389"}).content.decode()
    nowhere = member.post("/my/stores/", {"latitude": "nan", "longitude": "400"})
    assert near_me.index("武康路店") < near_me.index("春熙路店")
    assert ("1.1 km" in near_me or "1.1公里" in near_me, "km" in by_name or "公里" in by_name) == (True, False)
    assert nowhere.status_code == 200
