"""Handing gifts over at the counter: a code is looked at, then given out, once; each refusal has a sentence of its own."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from apps.points import mall, pick_up
from apps.points.models import Exchange, StoreStock
from apps.stores.models import Role
from tests.console.world import House
from tests.points.gifts import Took, gift, rich, take

URL = "/console/points/hand-over/"
At = Callable[..., Client]


@pytest.fixture
def taken(house: House) -> Took:
    rich(house.members["far"], 1000)
    return take(house.members["far"], gift(name="茉莉花茶"), "a", moment=house.moment)


def look(client: Client, code: str, **more: str):
    return client.post(URL, {"code": code, **more})


def state() -> tuple[str, str | None]:
    row = Exchange.objects.get()
    return row.state, row.handed_by.code if row.handed_by else None


def test_a_look_shows_what_and_for_whom_and_gives_nothing_out(at: At, taken: Took):
    answer = look(at(Role.CLERK), f" {taken.code[:6].lower()} {taken.code[6:]}")

    page = answer.content.decode()
    assert "茉莉花茶" in page
    assert "沈*r" in page
    assert "199****0003" in page
    assert "沈far" not in page
    assert answer["Cache-Control"] == "no-store"
    assert state() == ("ready", None)


def test_an_empty_field_hands_over_what_was_seen_and_a_second_time_shows_the_first_receipt(
    house: House, at: At, taken: Took
):
    clerk, manager = at(Role.CLERK), at(Role.MANAGER)
    ticket = look(clerk, taken.code).context["ticket"]

    done = clerk.post(URL, {"code": "", "ticket": ticket}).content.decode()
    row = Exchange.objects.get()
    again = clerk.post(URL, {"code": "", "ticket": ticket}).content.decode()
    scanned = look(manager, taken.code).content.decode()

    assert "已发放" in done
    assert (state(), row.handed_store_id) == (("done", "C-clerk"), house.stores["mine"].pk)
    for page in (again, scanned):
        assert "已经领取过" in page
        assert "11月22日 12:00 · 武康路店 · 何青" in page


def test_a_scanned_code_is_looked_up_and_never_hands_over_what_the_screen_shows(house: House, at: At, taken: Took):
    other = take(house.members["far"], gift("b", name="马克杯"), "b", moment=house.moment)
    clerk = at(Role.CLERK)
    ticket = look(clerk, taken.code).context["ticket"]

    page = look(clerk, other.code, ticket=ticket).content.decode()

    assert "马克杯" in page
    assert set(Exchange.objects.values_list("state", flat=True)) == {"ready"}


def test_what_one_person_saw_nobody_else_hands_over(at: At, taken: Took):
    ticket = look(at(Role.CLERK), taken.code).context["ticket"]

    for client, forged in ((at(Role.MANAGER), ticket), (at(Role.CLERK), ticket[:-2] + "xx")):
        answer = client.post(URL, {"ticket": forged})
        assert (answer.status_code, "重新扫码" in answer.content.decode()) == (409, True)
    assert state() == ("ready", None)


@pytest.mark.parametrize(
    ("case", "status", "words"),
    [
        ("wrong", 404, ("没有这个码", "pick_up_code_unknown")),
        ("late", 409, ("已过期", "应在 12月22日 前领取", "积分退回给会员")),
        ("cancelled", 409, ("已取消", "可以重新兑换")),
        ("elsewhere", 409, ("不在本店", "春熙路店")),
        ("guesses", 429, ("尝试次数过多", "分钟后再试")),
    ],
)
def test_each_refusal_says_what_is_the_matter(
    house: House, at: At, taken: Took, clock, monkeypatch, case, status, words
):
    monkeypatch.setattr(pick_up, "TRIES", 3)
    code, clerk = taken.code, at(Role.CLERK)
    if case == "wrong":
        code = "2222 2222 2222"
    elif case == "late":
        clock(house.moment + timedelta(days=35))
        clerk = at(Role.CLERK)
    elif case == "cancelled":
        mall.cancel(exchange_id=taken.exchange.pk)
    elif case == "elsewhere":
        reward = gift("far", is_store_limited=True, left=None)
        StoreStock.objects.create(reward=reward, store=house.stores["far"], left=1)
        code = take(house.members["far"], reward, "b", store_id=house.stores["far"].pk, moment=house.moment).code
    elif case == "guesses":
        for _ in range(3):
            look(clerk, "2222 2222 2222")

    answer = look(clerk, code)

    page = answer.content.decode()
    assert answer.status_code == status
    assert [word for word in words if word not in page] == []
    assert 'name="ticket"' not in page
    assert not Exchange.objects.filter(state="done").exists()


def test_headquarters_may_stand_in_a_store_and_a_clerk_may_not_choose(house: House, at: At, taken: Took):
    far = house.stores["far"].pk
    admin, clerk = at(Role.ADMIN), at(Role.CLERK)
    ticket = admin.post(f"{URL}?store={far}", {"code": taken.code}).context["ticket"]
    admin.post(f"{URL}?store={far}", {"ticket": ticket})
    other = take(house.members["far"], gift("b"), "b", moment=house.moment)
    ticket = clerk.post(f"{URL}?store={far}", {"code": other.code}).context["ticket"]
    clerk.post(f"{URL}?store={far}", {"ticket": ticket})

    assert dict(Exchange.objects.values_list("source", "handed_store__code")) == {"a": "FAR", "b": "MINE"}
