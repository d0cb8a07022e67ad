"""Quotes and redemptions over the API: a till redeems for whom it has read, a program for whom it names."""

from datetime import timedelta
from typing import Any

import pytest

from apps.core import clock, ids
from apps.coupons.models import Coupon, Use
from apps.stores import credentials
from apps.stores.models import Store
from tests.api.conftest import Caller
from tests.coupons import making

pytestmark = pytest.mark.django_db
LINES = {"lines": [{"sku": "TEA", "unit_cents": 4_500, "quantity": 2}]}


@pytest.fixture
def me(new_member: Any) -> Caller:
    caller: Caller = new_member("沈静", number=1)
    return caller


@pytest.fixture
def program(db: None) -> Caller:
    return Caller(secret=credentials.issue_client(name="商城", scopes=["coupons.write"]).secret)


def mine(me: Caller, **said: Any) -> Coupon:
    return making.coupon(making.template(f"t{Coupon.objects.count()}", making.terms(**said)), me.member)


def asked(me: Caller, *coupons: Coupon, reference: str = "R-1", **more: Any) -> dict[str, Any]:
    assert me.member is not None
    chosen = {"coupons": [ids.encode("cpn", one.pk) for one in coupons], "reference": reference} if coupons else {}
    return {"member": ids.encode("mem", me.member.pk)} | LINES | chosen | more


def test_a_quote_says_what_is_best_and_why_the_rest_does_not_count(me: Caller, program: Caller):
    good, far = mine(me), mine(me, minimum_cents=10_200)
    found = program.post("quotes", asked(me)).data

    assert (found["total_cents"], found["saved_cents"]) == (9_000, 3_000)
    assert [(one["coupon"], one["is_usable"], one["best_cents"]) for one in found["offers"]] == [
        (ids.encode("cpn", good.pk), True, 3_000),
        (ids.encode("cpn", far.pk), False, None),
    ]
    assert found["offers"][1]["reason"] == {
        "code": "coupon_min_spend", "message": "Spend ¥12.00 more to use this coupon.", "missing_cents": 1_200,
    }  # fmt: skip
    assert me.post("me/quotes", LINES).data == found
    assert Use.objects.count() == 0


def test_a_redemption_is_one_act_with_one_receipt(me: Caller, program: Caller):
    coupon = mine(me)
    first = program.post("redemptions", asked(me, coupon), Idempotency_Key="a")
    again = program.post("redemptions", asked(me, coupon), Idempotency_Key="b")
    assert (first.status_code, first.data["state"], first.data["saved_cents"]) == (200, "done", 3_000)
    assert first.data["coupons"][0]["lines"] == [{"line": 1, "saved_cents": 3_000}]
    assert again.data == first.data | {"is_new": False}

    other = program.post("redemptions", asked(me, coupon, reference="R-2"), Idempotency_Key="c")
    assert (other.status_code, other.data["code"]) == (409, "coupon_already_redeemed")
    assert program.post("redemptions", asked(me, coupon)).data["code"] == "idempotency_key_required"
    stranger = Caller(secret=credentials.issue_client(name="别家", scopes=["coupons.write"]).secret)
    address = f"redemptions/{first.data['id']}:roll-back"
    assert stranger.post(address, {}, Idempotency_Key="d").status_code == 404
    assert me.post("redemptions", asked(me, coupon), Idempotency_Key="e").status_code == 403

    back = program.post(address, Idempotency_Key="f")
    assert (back.status_code, back.data["state"]) == (200, "taken_back")
    assert (Use.objects.count(), Coupon.objects.get().state) == (1, "ready")


def test_a_reservation_is_confirmed_or_cancelled(me: Caller, program: Caller):
    one, two = mine(me), mine(me)
    body = asked(me, one, state="reserved", minutes=5)
    held = program.post("redemptions", body, Idempotency_Key="a").data
    assert held["state"] == "reserved"
    done = program.post(f"redemptions/{held['id']}:confirm", {}, Idempotency_Key="b")
    assert (done.status_code, done.data["state"]) == (200, "done")
    late = program.post(f"redemptions/{held['id']}:cancel", Idempotency_Key="c")
    assert (late.status_code, late.data["code"]) == (409, "coupon_not_redeemed")

    other = program.post("redemptions", asked(me, two, reference="R-2", state="reserved"), Idempotency_Key="d").data
    Use.objects.filter(coupon=two).update(reserved_until=clock.now() - timedelta(seconds=1))
    over = program.post(f"redemptions/{other['id']}:confirm", {}, Idempotency_Key="e")
    assert (over.status_code, over.data["code"]) == (409, "coupon_reservation_over")
    assert program.post(f"redemptions/{other['id']}:cancel", Idempotency_Key="f").data["state"] == "cancelled"


def test_a_till_redeems_in_its_store_for_a_member_whose_code_it_has_read(me: Caller):
    here = Store.objects.create(code="S1", name="一店")
    till = Caller(
        secret=credentials.issue_device(name="till", store_id=here.pk, scopes=["coupons.write", "members.read"]).secret
    )
    coupon = mine(me, stores=["S1"])
    unread = till.post("redemptions", asked(me, coupon), Idempotency_Key="a")
    assert (unread.status_code, unread.data["code"]) == (422, "coupon_nobody_named")

    reading = till.post("member-codes:read", {"code": me.get("me/code").data["code"]}).data["id"]
    body = asked(me, coupon) | {"reading": reading}
    elsewhere = till.post("redemptions", body | {"store": "S2"}, Idempotency_Key="b")
    assert elsewhere.status_code == 404
    done = till.post("redemptions", body, Idempotency_Key="c")
    assert (done.status_code, done.data["state"]) == (200, "done")
    use = Use.objects.get()
    assert (use.store, use.device_id is not None, use.source.startswith("api:device:")) == (here, True, True)
