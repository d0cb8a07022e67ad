"""The points mall over the API: keys, reasons, codes of others, tills."""

from typing import Any

import pytest
from django.test import Client

from apps.core import ids
from apps.members.models import Member
from apps.points import stocking
from apps.points.models import Account, Exchange, Reward, RewardPicture
from apps.stores import credentials
from apps.stores.models import Store
from tests.api.conftest import Caller
from tests.points.gifts import gift, rich, shop, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def me(new_member: Any) -> Caller:
    caller: Caller = new_member("沈静", number=1)
    rich(owner(caller), 100)
    return caller


def owner(caller: Caller) -> Member:
    assert caller.member
    return caller.member


def till(store: Store) -> Caller:
    return Caller(secret=credentials.issue_device(name="till", store_id=store.pk, scopes=["exchanges.write"]).secret)


def program() -> Caller:
    return Caller(secret=credentials.issue_client(name="pay", scopes=["exchanges.write"]).secret)


def wish(reward: Reward, **more: str) -> dict[str, str]:
    return {"reward": ids.encode("rwd", reward.pk)} | more


def test_rewards_come_with_reasons(me: Caller):
    drawn = RewardPicture.objects.create(digest="ab" * 32, content=b"drawn", width=2, height=1)
    gift("dear", points=300)
    gift("cheap", points=60, left=3, picture=drawn)

    found = me.get("me/rewards").data

    assert [(one["name"], one["is_available"], one["short_by"], one["left"]) for one in found] == [
        ("Gift cheap", True, 0, 3), ("Gift dear", False, 200, None),
    ]  # fmt: skip
    assert [one["picture"] for one in found] == [f"/my/mall/pictures/{'ab' * 32}.jpg", None]
    assert Client().get(found[0]["picture"]).content == b"drawn"
    assert found[1]["reasons"] == [{"code": "insufficient_balance", "message": "You have not enough points yet."}]
    assert me.get(f"me/rewards/{found[1]['id']}").data == found[1]


def test_an_exchange_needs_a_key_and_happens_once_per_key(me: Caller):
    reward = gift(points=60, left=3)

    without = me.post("me/exchanges", wish(reward))
    first = me.post("me/exchanges", wish(reward), Idempotency_Key="k-1")
    again = me.post("me/exchanges", wish(reward), Idempotency_Key="k-1")

    assert (without.status_code, without.data["code"]) == (400, "idempotency_key_required")
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.data["id"], len(first.data["pick_up_code"]), first.data["state"]) == (first.data["id"], 12, "ready")
    assert (Account.objects.get().balance, Reward.objects.get().left, Exchange.objects.count()) == (40, 2, 1)
    assert [one["id"] for one in me.get("me/exchanges").data["data"]] == [first.data["id"]]


def test_refusals_have_their_codes_and_take_nothing(me: Caller):
    dear, gone = gift("dear", points=300), gift("gone", points=10, left=0)

    short = me.post("me/exchanges", wish(dear), Idempotency_Key="k-1")
    empty = me.post("me/exchanges", wish(gone), Idempotency_Key="k-2")

    assert (short.status_code, short.data["code"]) == (409, "points_insufficient")
    assert (empty.status_code, empty.data["code"], empty.data["reason"]) == (409, "reward_unavailable", "out_of_stock")
    assert (Account.objects.get().balance, Exchange.objects.count()) == (100, 0)


def test_cancelling_is_for_the_owner(me: Caller, new_member):
    taken = take(owner(me), gift(points=60), "a")
    address = f"me/exchanges/{ids.encode('exg', taken.exchange.pk)}:cancel"

    other = new_member("阿青", number=2).post(address)
    mine = me.post(address)

    assert (other.status_code, mine.status_code, mine.data["state"]) == (404, 200, "cancelled")
    assert Account.objects.get(member=owner(me)).balance == 100


def test_a_payment_is_confirmed_once(me: Caller):
    taken = take(owner(me), gift(points=60, cash_cents=990), "a")
    address = f"exchanges/{ids.encode('exg', taken.exchange.pk)}:confirm-paid"
    pay = program()

    wrong = pay.post(address, {"amount_cents": 1, "payment_no": "P1"})
    right = pay.post(address, {"amount_cents": 990, "payment_no": "P1"})
    again = pay.post(address, {"amount_cents": 990, "payment_no": "P1"})
    other = pay.post(address, {"amount_cents": 990, "payment_no": "P2"})

    assert (wrong.status_code, wrong.data["code"]) == (409, "payment_contradicts")
    assert [one.status_code for one in (right, again, other)] == [200, 200, 409]
    assert (right.data["state"], "pick_up_code" in right.data) == ("ready", False)
    assert Account.objects.get().held == 0


def test_tills_hand_over_what_lies_in_their_store(me: Caller):
    here, there = shop("S1"), shop("S2")
    reward = gift(points=60, is_store_limited=True)
    stocking.change_stock(reward_id=reward.pk, store_id=here.pk, change=1, reason="delivery")
    code = {"code": take(owner(me), reward, "a", store_id=here.pk).code}

    elsewhere, first, second = till(there).post("exchanges:hand-over", code), till(here), till(here)
    given, repeated = first.post("exchanges:hand-over", code), second.post("exchanges:hand-over", code)
    unknown = first.post("exchanges:hand-over", {"code": "2222-2222-2222"})

    assert (elsewhere.status_code, elsewhere.data["code"]) == (409, "pick_up_elsewhere")
    assert (given.status_code, given.data["is_repeat"], given.data["handed_over_in"]) == (200, False, "Store S1")
    assert (repeated.data["is_repeat"], repeated.data["settled_at"]) == (True, given.data["settled_at"])
    assert (unknown.status_code, unknown.data["code"]) == (404, "pick_up_code_unknown")
