"""A member's coupons over the API: claimed once per key, shown as they end, given by a token."""

from datetime import timedelta
from typing import Any

import pytest

from apps.core import clock, ids
from apps.coupons import codes
from apps.coupons.models import Coupon, Stock
from apps.members.models import Member
from apps.stores import credentials
from tests.api.conftest import Caller
from tests.coupons import making

pytestmark = pytest.mark.django_db


@pytest.fixture
def me(new_member: Any) -> Caller:
    caller: Caller = new_member("沈静", number=1)
    return caller


def test_a_claim_needs_a_key_happens_once_per_key_and_only_in_the_centre(me: Caller):
    shown = making.template("shown", is_in_centre=True, most=5)
    hidden = making.template("hidden")
    paths = [f"me/coupon-offers/{ids.encode('cpt', row.pk)}:claim" for row in (shown, hidden)]

    without = me.post(paths[0])
    first, again = (me.post(paths[0], Idempotency_Key="k-1") for _ in range(2))
    other = me.post(paths[0], Idempotency_Key="k-2")
    not_there = me.post(paths[1], Idempotency_Key="k-3")

    assert (without.status_code, without.data["code"]) == (400, "idempotency_key_required")
    assert (first.status_code, again.data["id"]) == (201, first.data["id"])
    assert (other.status_code, other.data["code"]) == (409, "coupon_limit_reached")
    assert (not_there.status_code, not_there.data["code"]) == (409, "coupon_closed")
    offers = me.get("me/coupon-offers").data
    assert [(one["left"], one["mine"], one["is_available"], one["reason"]) for one in offers] == [
        (4, 1, False, "coupon_limit_reached")
    ]


def test_the_wallet_comes_in_pages_by_end_and_others_see_nothing_of_it(me: Caller, new_member: Any):
    assert me.member
    moment = clock.now()
    for days in (9, 3, 6):
        making.coupon(making.template(f"d{days}"), me.member, ends_at=moment + timedelta(days=days))

    first = me.get("me/coupons?limit=2").data
    rest = me.get(f"me/coupons?limit=2&cursor={first['next_cursor']}").data

    assert [one["name"] for one in first["data"] + rest["data"]] == ["券d3", "券d6", "券d9"]
    assert (first["has_more"], rest["has_more"], rest["next_cursor"]) == (True, False, None)
    assert me.get("me/coupons?show=used").data["data"] == []
    assert new_member("林", number=2).get("me/coupons").data["data"] == []


def test_a_gift_is_taken_by_the_first_and_can_be_withdrawn(me: Caller, new_member: Any):
    assert me.member
    of = making.template("gift", is_giftable=True)
    given, kept = (making.coupon(of, me.member) for _ in range(2))
    paths = [f"me/coupons/{ids.encode('cpn', row.pk)}/gift" for row in (given, kept)]
    friend, late = new_member("林", number=2), new_member("何", number=3)

    tokens = [me.post(path).data["token"] for path in paths]
    withdrawn = me.delete(paths[1])
    taken, again = (friend.post("coupon-gifts:take", {"token": tokens[0]}) for _ in range(2))
    refused = [late.post("coupon-gifts:take", {"token": token}).data["code"] for token in tokens]

    assert (withdrawn.status_code, taken.status_code, again.data["id"]) == (204, 200, taken.data["id"])
    assert refused == ["coupon_given", "coupon_not_found"]
    assert late.post(paths[1]).data["code"] == "coupon_not_found"
    assert Coupon.objects.filter(member=late.member).count() == 0


def test_a_code_that_nobody_knows_is_not_found(me: Caller):
    answer = me.post("me/coupons:enter", {"code": "NEVER-WAS-1"})
    assert (answer.status_code, answer.data["code"]) == (404, "coupon_not_found")


def test_wrong_codes_are_counted_per_address_whoever_calls(me: Caller, new_member: Any, monkeypatch):
    monkeypatch.setitem(codes.MISSES, "address", 1)
    told = [who.post("me/coupons:enter", {"code": "NEVER-WAS-1"}) for who in (me, new_member("陈默", number=2))]
    assert [answer.status_code for answer in told] == [404, 429]


def test_a_program_gives_a_coupon_once_per_reference_and_within_the_limit(me: Caller, new_member: Any):
    assert me.member
    program = Caller(secret=credentials.issue_client(name="商城", scopes=["coupons.write"]).secret)
    making.template("gift", making.terms(tiers=["gold"]), most=5)
    making.template("other")
    path = f"members/{ids.encode('mem', me.member.pk)}/coupons"
    given = {"coupon": "gift", "reference": "A-1", "origin": "double-12"}

    def said(key: str, **more: str) -> tuple[int, str]:
        answer = program.post(path, given | more, Idempotency_Key=key)
        return answer.status_code, answer.data.get("code") or answer.data["id"]

    first = said("k1")

    row = Coupon.objects.get()
    assert (row.member, row.channel, row.origin, row.state) == (me.member, "api", "double-12", "ready")
    assert first == (201, ids.encode("cpn", row.pk))
    assert said("k2") == first
    assert said("k3", reference="A-2") == (409, "coupon_limit_reached")
    assert said("k4", coupon="other") == (422, "coupon_act_reused")
    assert said("k5", coupon="nowhere", reference="A-3") == (404, "coupon_not_found")
    assert me.post(path, given, Idempotency_Key="k6").status_code == 403
    gone = new_member("林", number=2).member
    Member.objects.filter(pk=gone.pk).update(status="cancelled")
    path = f"members/{ids.encode('mem', gone.pk)}/coupons"
    assert said("k7", reference="A-4") == (409, "coupon_member_gone")
    assert (Coupon.objects.count(), Stock.objects.get(template__key="gift").issued) == (1, 1)
