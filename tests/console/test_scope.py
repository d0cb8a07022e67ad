"""What a store manager never meets: a row, a count, a suggestion, a file of another store. For sockets see `test_desk_sockets`."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from apps.analytics import rollup
from apps.members.models import Member
from apps.stores.models import Role, Staff
from tests.architecture.test_access import ROUTES, address, may, needs, samples
from tests.console import a_day
from tests.console.conftest import NOON
from tests.console.world import House

pytestmark = pytest.mark.django_db
# Lists, counts, suggestions and files, by how their routes are called; pages of one object are looked at by `test_access`.
KINDS = re.compile(
    r"csv|rows|export|count|find|search|figures|who|why|team|today|headquarters|incentives|targets|notices"
)
SEARCHED = ("console:find", "console:members", "console:merge_find", "console:segment_count")
# The brand's own, and open to stores: streams are held by the brand for all of them, and so are codes' files of the brand.
OF_BRAND = re.compile(r"console:(live|prices|price)")


@pytest.fixture
def marks(house: House) -> set[str]:
    """Everything in the far store that has a name, with something behind every figure of the day."""
    a_day.live(house, NOON)
    far = house.stores["far"]
    Staff.objects.create(code="C-far", name="远店员", role=Role.CLERK, store=far)
    rollup.roll_up(moment=NOON)
    told = {far.name, "远店员", "C-far", "DAY-far", "NEW-far", "ORDER-far", "NO-far", "沈far"}
    return told | {house.member_id("far"), house.order_id("far")}


def routes(house: House, role: str) -> list[tuple[str, str]]:
    given = samples(house)
    found = []
    for route, path in ROUTES:
        need = needs(route) or ""
        if (
            route.startswith("console:")
            and need not in {"", "public"}
            and may(role, need)
            and not OF_BRAND.match(route)
        ):
            found.append((route, address(route, path, given)))
    return found


def test_no_list_count_file_or_search_tells_a_manager_of_another_store(
    house: House, marks: set[str], at: Callable[[str], Client]
) -> None:
    manager, far = at(Role.MANAGER), house.stores["far"]
    asked = 0
    for route, url in routes(house, Role.MANAGER):
        if KINDS.search(route):  # a store beyond the reach counts as not chosen, so this asks for both
            answer = manager.get(url, {"store": far.pk, "place": f"store-{far.pk}"})
            if answer.status_code == 200:
                asked += 1
                said = b"".join(answer) if answer.streaming else answer.content
                assert not [mark for mark in marks if mark.encode() in said], route
        if route in SEARCHED:
            phone = Member.objects.get(pk=house.members["far"].pk).member_no
            for text in ("NO-far", "沈far", "0003", "19900000003", "ORDER-far", far.name, phone):
                answer = manager.post(url, {"q": text})
                told = answer.content.decode().replace(f'value="{text}"', "")
                assert house.member_id("far") not in told, (route, text)
                assert house.order_id("far") not in told, (route, text)
    assert asked > 25


def test_the_same_questions_find_the_far_store_for_head_office(
    house: House, marks: set[str], at: Callable[[str], Client]
) -> None:
    """Else the test above would pass on pages that are empty."""
    admin, region = at(Role.ADMIN), house.stores["far"].region_id
    paths = (
        "members/",
        "orders/",
        "today/orders.paid/",
        f"headquarters/?place=region-{region}",
        "headquarters/people/",
    )
    bodies = "".join(admin.get(f"/console/{path}").content.decode() for path in paths)
    assert len([mark for mark in marks if mark in bodies]) >= 6
