"""Prices over the API: programs hand them in, members read them, quotes and redemptions take them."""

from typing import Any

import pytest

from apps.catalog import prices
from apps.catalog.models import Price
from apps.catalog.prices import BundleWish, Terms, Who
from apps.core import ids
from apps.stores import credentials
from tests.api.conftest import Caller
from tests.coupons import making

pytestmark = pytest.mark.django_db


@pytest.fixture
def me(new_member: Any) -> Caller:
    caller: Caller = new_member("沈静", number=1)
    return caller


@pytest.fixture
def program(db: None) -> Caller:
    return Caller(secret=credentials.issue_client(name="商城", scopes=["coupons.write", "catalog.write"]).secret)


def hand_in(program: Caller, *items: dict[str, Any]) -> list[tuple[str, str | None]]:
    lines = program.post("prices", {"items": list(items)}).data["data"]
    return [(line["status"], line["problem"] and line["problem"]["code"]) for line in lines]


def test_products_are_handed_in_each_by_itself_and_again_without_a_change(program: Caller):
    tea = {"sku": "TEA", "name": "红茶", "list_cents": 10_000, "specials": [{"cents": 9_000, "audience": "*"}]}
    bad = {"sku": "CUP", "list_cents": 500, "specials": [{"cents": 500, "audience": "*"}]}
    assert hand_in(program, tea, bad, {"sku": "X", "list_cents": -1}) == [
        ("created", None), ("failed", "price_not_below_list"), ("failed", "validation_failed")
    ]  # fmt: skip
    assert hand_in(program, tea, tea | {"list_cents": 11_000}) == [("unchanged", None), ("updated", None)]
    assert list(Price.objects.order_by("pk").values_list("product__sku", "kind", "cents")) == [
        ("TEA", "list", 10_000), ("TEA", "special", 9_000), ("TEA", "list", 11_000)
    ]  # fmt: skip


def test_a_member_reads_own_prices_with_an_etag(me: Caller, program: Caller):
    hand_in(
        program, {"sku": "TEA", "name": "红茶", "list_cents": 10_000, "specials": [{"cents": 9_000, "audience": "*"}]}
    )
    first = me.get("me/prices?sku=TEA&sku=NO")
    assert [(one["sku"], one["list_cents"], one["price_cents"], one["kind"]) for one in first.data] == [
        ("TEA", 10_000, 9_000, "member")
    ]
    assert me.get("me/prices?sku=TEA&sku=NO", If_None_Match=first["ETag"]).status_code == 304
    named = program.get(f"members/{ids.encode('mem', me.member.pk)}/prices?sku=TEA")
    assert named.data == first.data
    assert me.get("me/prices").status_code == 422


def test_a_basket_without_prices_takes_the_catalogues_and_is_redeemed_at_what_was_quoted(me: Caller, program: Caller):
    hand_in(
        program,
        {"sku": "TEA", "list_cents": 6_000, "specials": [{"cents": 5_000, "audience": "*", "label": "会员日"}]},
        {"sku": "CUP", "list_cents": 3_001},
    )
    prices.bundle(BundleWish("for", "杯子两件", (("CUP", 1),), count=2, cents=5_001, terms=Terms("*")), who=Who())
    coupon = making.coupon(making.template("t", making.terms(minimum_cents=15_000)), me.member)
    body = {"lines": [{"sku": "TEA"}, {"sku": "CUP", "quantity": 3}, {"sku": "TEA", "unit_cents": 4_000}]}
    found = me.post("me/quotes", body).data

    assert (found["list_cents"], found["total_cents"], found["saved_cents"], found["is_proven"]) == (
        19_003,
        17_002,
        3_000,
        True,
    )
    told = [(one["list_cents"], one["price_cents"], [rule["kind"] for rule in one["rules"]]) for one in found["lines"]]
    assert told == [(6_000, 5_000, ["member"]), (9_003, 8_002, ["bundle", "list"]), (4_000, 4_000, ["given"])]
    assert found["lines"][1]["hints"][0]["code"] == "bundle_more"
    act = {
        "member": ids.encode("mem", me.member.pk),
        "coupons": [ids.encode("cpn", coupon.pk)],
        "reference": "R-1",
        "channel": "web",
    }
    made = program.post("redemptions", act | body, Idempotency_Key="a").data
    assert [one["to_pay_cents"] for one in made["goods"]] == [one["to_pay_cents"] for one in found["lines"]]
    assert sum(one["to_pay_cents"] for one in made["goods"]) == 14_002
    hand_in(program, {"sku": "TEA", "list_cents": 7_000})
    assert program.post("redemptions", act | body, Idempotency_Key="b").data["goods"] == made["goods"]
    refused = me.post("me/quotes", {"lines": [{"sku": "NO"}]})
    assert (refused.status_code, refused.data["code"]) == (422, "price_unknown")
