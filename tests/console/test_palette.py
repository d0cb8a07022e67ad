"""⌘K: pages by name in both languages and by first letters, and of everything only what the reader may open."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from apps.console import palette
from apps.stores.models import Role
from tests.console.world import House

pytestmark = pytest.mark.django_db
At = Callable[..., Client]


def found(client: Client, text: str, kind: str = "pages") -> list:
    answer = client.post(reverse("console:find"), {"q": text})
    assert answer.status_code == 200
    return list(answer.context.get(kind) or ())


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("积分规则", "jfgz"),
        ("总部", "zb"),
        ("啊", "a"),
        ("座", "z"),
        ("API密钥", "apimy"),
        ("会员 360", "hy360"),
        ("囍", ""),
    ],
)
def test_first_letters_are_those_one_says(text: str, letters: str) -> None:
    assert palette.initials(text) == letters


def test_a_page_is_found_by_either_language_and_by_its_first_letters(at: At) -> None:
    client = at(Role.ADMIN)
    address = reverse("console:headquarters")
    for text in ("总部", "headq", "HeadQuarters", "zb", "总"):
        assert address in [place.href for place in found(client, text)], text
    assert found(client, "总部")[0].href == address
    # A name that begins with it stands before one that comes earlier and only has it inside.
    members = [place.href for place in found(client, "members")]
    assert members.index(reverse("console:members")) < members.index(reverse("console:dashboard"))
    assert found(client, "没有这样的页面") == []
    assert found(client, " ") == []


def test_only_pages_the_reader_may_open_are_offered(at: At) -> None:
    assert [place.href for place in found(at(Role.ADMIN), "api")] == [reverse("console:keys")]
    assert found(at(Role.MANAGER), "api") == []
    assert found(at(Role.CLERK), "headquarters") == []


def test_members_are_masked_and_of_the_readers_stores(house: House, at: At) -> None:
    manager, tail = at(Role.MANAGER), "0001"
    (member,) = found(manager, tail, "members")
    answer = manager.post(reverse("console:find"), {"q": tail})
    assert member["member_no"] == "NO-mine"
    assert "19900000001" not in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    for foreign in ("0002", "0003", "NO-far", "ORDER-far", "ORDER-near"):
        assert [found(manager, foreign, kind) for kind in ("members", "orders", "tickets")] == [[], [], []], foreign
    assert [row["order_no"] for row in found(at(Role.ADMIN), "ORDER-far", "orders")] == ["ORDER-far"]


def test_what_is_found_can_be_chosen_with_the_keyboard_and_is_told(at: At) -> None:
    body = at(Role.ADMIN).post(reverse("console:find"), {"q": "zb"}).content.decode()
    assert 'role="listbox"' in body
    assert 'role="option"' in body
    assert 'role="status"' in body
    field = at(Role.ADMIN).get(reverse("console:style")).content.decode()
    assert 'role="combobox"' in field
    assert 'aria-controls="found"' in field
