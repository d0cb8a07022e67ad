"""Goods at the till: what was scanned is priced for whoever stands there, coupons see the lines, and the order keeps them."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from apps.catalog import barcodes, intake, prices
from apps.catalog.errors import BarcodeInvalid, BarcodeTaken
from apps.catalog.intake import Item
from apps.catalog.models import Product
from apps.catalog.prices import Terms, Who, Wish
from apps.core import clock
from apps.coupons.models import Coupon
from apps.flows import bought, checkout
from apps.flows.bought import Bought, Good
from apps.flows.models import Checkout
from apps.orders.models import Line, Order
from apps.tickets.models import Ticket
from tests.counter.conftest import Shop
from tests.counter.test_checkout import pay, refused
from tests.counter.test_till import Browser, shown, ticket
from tests.coupons import making

TEA, CUP, SOAP = "6901234567892", "6901234567908", "SOAP-1"
WHO = Who(source="test")


@pytest.fixture
def goods(shop: Shop) -> Shop:
    return stock(shop)


def stock(shop: Shop) -> Shop:
    """Tea at ¥100 (members ¥90), a cup at ¥30; soap has no price."""
    began = shop.house.moment - timedelta(days=1)
    for sku, name, cents, code, category in (
        ("TEA-1", "祁门红茶", 10_000, TEA, "茶"),
        ("CUP-1", "白瓷杯", 3_000, CUP, "杯"),
    ):
        intake.take(Item(sku, name, category, None, cents, barcode=code), who=WHO, moment=began)
    intake.take(Item(SOAP, "手工皂"), who=WHO, moment=began)
    prices.put(Wish("TEA-1", 9_000, False, "会员价", Terms("*")), who=WHO, moment=began)
    return shop


def wallet(shop: Shop, key: str, **said: object) -> Coupon:
    return making.coupon(making.template(key, making.terms(**said)), shop.house.members["mine"])  # type: ignore[arg-type]


def test_a_barcode_is_kept_with_fourteen_digits_and_its_last_one_checks_the_others():
    assert [barcodes.read(text) for text in ("96385074", "036000291452", "0036000291452", TEA, "6901234567893", "69", "٤" * 8)] == [
        "00000096385074", "00036000291452", "00036000291452", f"0{TEA}", "", "", "",
    ]  # fmt: skip
    assert [barcodes.shown(barcodes.read(text)) for text in ("96385074", "0036000291452", TEA)] == [
        "96385074", "036000291452", TEA,
    ]  # fmt: skip


def test_a_barcode_is_on_one_product(goods: Shop):
    for code, error in ((TEA, BarcodeTaken), ("6901234567893", BarcodeInvalid)):
        with pytest.raises(error):
            intake.take(Item("NEW-1", barcode=code), who=WHO)
    assert not Product.objects.filter(sku="NEW-1").exists()
    for wrong in (f"0{TEA}", TEA):  # twice, and not as it is kept
        with pytest.raises(IntegrityError), transaction.atomic():
            Product.objects.filter(sku=SOAP).update(barcode=wrong)


def test_scanned_goods_are_lines_of_the_order_and_coupons_and_points_see_them(goods: Shop):
    """Two teas at the member's price, a cup, and ¥10 that nobody scanned: ¥220. ¥20 off the tea, ¥30 off the order, ¥5 in points."""
    goods.rich("mine", 1_000)
    tea = wallet(goods, "tea", gives={"kind": "amount", "cents": 2_000}, level="item", only={"products": ["TEA-1"]})
    order = wallet(goods, "order", minimum_cents=22_000)
    basket = Bought(1_000, (Good("TEA-1", 2), Good("CUP-1")))

    row = pay(goods, bought=basket, coupons=(tea.pk, order.pk), points=500, shown_cents=22_000)

    assert (row.gross_cents, row.coupon_cents, row.points_cents, row.order.total_cents) == (22_000, 5_000, 500, 16_500)
    lines = list(
        row.order.lines.order_by("line_no").values_list("product__sku", "quantity", "total_cents", "discount_cents")
    )
    assert [(sku, int(quantity), total + off) for sku, quantity, total, off in lines] == [
        ("TEA-1", 2, 20_000), ("CUP-1", 1, 3_000), (None, 1, 1_000),
    ]  # fmt: skip
    assert sum(total for _sku, _quantity, total, _off in lines) == 16_500
    assert lines[0][2] < 18_000 - 2_000  # the tea bore its own coupon and its part of the other
    told, special = bought.told(row.order, gross_cents=row.gross_cents)
    assert ([(one.name, one.quantity, one.cents) for one in told], special) == (
        [("祁门红茶", 2, 20_000), ("白瓷杯", 1, 3_000)], 2_000,
    )  # fmt: skip

    again = checkout.pay(
        desk=goods.desk, sale=goods.sale(bought=basket, coupons=(tea.pk, order.pk), points=500, shown_cents=22_000)
    )
    assert (again.checkout.pk, again.is_new) == (row.pk, False)
    refused(goods, "key_reused", bought=replace(basket, goods=(Good("TEA-1", 3), Good("CUP-1"))), points=500)


def test_what_asks_for_goods_counts_by_the_lines_and_no_clerk_vouches_for_it(goods: Shop):
    free = wallet(goods, "cup", gives={"kind": "free_item"}, level="item", only={"products": ["CUP-1"]}, units=1)
    tea = wallet(goods, "tea", only={"categories": ["茶"]})
    cups = Bought(goods=(Good("CUP-1", 2),))

    refused(goods, "coupon_no_match", bought=cups, coupons=(tea.pk,), is_vouched=True)
    row = pay(goods, bought=cups, coupons=(free.pk,))
    assert (row.gross_cents, row.coupon_cents) == (6_000, 3_000)


def test_prices_that_moved_since_the_screen_was_drawn_are_told_and_nothing_is_taken_in(goods: Shop):
    assert refused(goods, "prices_moved", bought=Bought(goods=(Good("TEA-1"),)), shown_cents=10_000).facts == {
        "now": "¥90.00"
    }
    refused(goods, "price_unknown", bought=Bought(goods=(Good(SOAP),)))
    refused(goods, "product_unknown", bought=Bought(goods=(Good("NO-1", 1, 100),)))
    refused(goods, "amount_out_of_bounds", bought=Bought(goods=(Good(SOAP, 999, 1_000_000),)))
    row = pay(goods, bought=Bought(goods=(Good(SOAP, 2, 1_250),)), shown_cents=2_500)
    assert list(Line.objects.filter(order=row.order).values_list("product__sku", "total_cents")) == [(SOAP, 2_500)]


def kept(page: str) -> list[list[object]]:
    found = page.split('data-goods="')[1].split('"')[0]
    return json.loads(found.replace("&quot;", '"'))


def scanned(browser: Client, text: str, **more: str) -> tuple[str, str]:
    answer = browser.post("/counter/scan/", {"text": text, **more})
    return answer["X-Place"] + answer.get("X-Goods", ""), answer.content.decode()


def test_at_the_till_goods_are_scanned_typed_counted_and_paid_for(goods: Shop):
    browser = goods.browser()
    place, page = scanned(browser, TEA)
    assert (place, kept(page), "¥100.00" in page, 'data-screen="goods"' in page) == (
        "view1",
        [["TEA-1", 1, None]],
        True,
        True,
    )
    listed = {"goods": json.dumps([["TEA-1", 1, None]])}
    assert kept(scanned(browser, "tea-1", **listed)[1]) == [
        ["TEA-1", 2, None]
    ]  # capitals locked, or the SKU as a bar code
    assert "手工皂" in scanned(browser, SOAP, **listed)[1]
    typed = browser.post("/counter/goods/", {**listed, "sku": SOAP, "price": "12.5"}).content.decode()
    assert kept(typed) == [["TEA-1", 1, None], [SOAP, 1, 1_250]]
    assert 'data-add="CUP-1"' in browser.post("/counter/goods/", {**listed, "text": "白瓷"}).content.decode()
    for text, code in (("6901234567915", "goods_unknown"), ("<>", "scan_unknown")):
        assert browser.post("/counter/scan/", {"text": text, **listed})["X-Problem"] == code
    assert browser.post("/counter/goods/", {**listed, "text": "没有的"})["X-Problem"] == "goods_unknown"
    assert browser.post("/counter/scan/", {"text": "POS-0001", **listed})["X-Receipt"] == "POS-0001"

    # the member comes: their price, and the goods stay through what is done on their screen
    seen = browser.post("/counter/scan/", {"text": shown(goods), **listed})
    strip = {"strip": ticket(seen), **listed}
    assert ("¥90.00" in seen.content.decode(), kept(seen.content.decode())) == (True, [["TEA-1", 1, None]])
    two = browser.post("/counter/goods/", {**strip, "sku": "TEA-1", "count": "2"}).content.decode()
    assert ('data-screen="member"' in two, kept(two), "¥180.00" in two) == (True, [["TEA-1", 2, None]], True)
    gone = browser.post("/counter/goods/", {**strip, "sku": "TEA-1", "count": "0"}).content.decode()
    assert ('data-screen="member"' in gone, kept(gone)) == (True, [])
    assert (
        'data-screen="idle"'
        in browser.post("/counter/goods/", {**listed, "sku": "TEA-1", "count": "0"}).content.decode()
    )

    form = {"ticket": ticket(seen), **listed, "amount": "10", "receipt": "g1", "key": "goods-key-1"}
    late = browser.post("/counter/pay/", {**form, "shown": "11000"})
    assert (late["X-Problem"], Checkout.objects.count()) == ("prices_moved", 0)
    done = browser.post("/counter/pay/", {**form, "shown": "10000"}).content.decode()
    assert ("¥100.00" in done, "祁门红茶 ×1" in done) == (True, True)
    assert Order.objects.get(order_no="G1").lines.count() == 2
    for wrong in (
        '[["TEA-1",0,null]]',
        '[["TEA-1",true,null]]',
        '[["TEA-1",1,-5]]',
        "{",
        '[["A",1,null],["A",1,null]]',
    ):
        assert (
            browser.post("/counter/pay/", {**form, "key": "goods-key-2", "goods": wrong})["X-Problem"]
            == "goods_unknown"
        )


def test_goods_of_a_sale_without_network_are_kept_where_they_cost_what_was_collected(goods: Shop):
    browser = Browser(goods.browser())
    at = (goods.house.moment + timedelta(seconds=5)).isoformat()
    item = {"at": at, "shift": goods.desk.shift_id, "code": shown(goods), "amount": "1", "goods": '[["CUP-1",2,null]]'}

    right = browser.send(json.dumps(item | {"key": "later-goods-1", "receipt": "l1", "goods_cents": 6_000}))
    other = {"code": shown(goods, "mine"), "key": "later-goods-2", "receipt": "l2", "goods_cents": 5_000}
    wrong = [browser.send(json.dumps(item | other)) for _ in range(2)]

    assert [one["is_kept"] for one in (right, *wrong)] == [True] * 3
    assert [(row.gross_cents, row.order.lines.count()) for row in Checkout.objects.order_by("pk")] == [
        (6_100, 2),
        (5_100, 0),
    ]


def test_the_strip_says_what_the_member_waits_for(goods: Shop):
    member = goods.house.members["mine"]
    for number, state in enumerate(("new", "waiting")):
        Ticket.objects.create(member=member, kind="repair", state=state, title="杯子裂了", source=f"t:{number}")
    Ticket.objects.create(
        member=member, kind="refund", state="closed", title="旧事", source="t:9", ended_at=clock.now()
    )
    Ticket.objects.create(member=goods.house.members["near"], kind="refund", title="别人的", source="t:8")

    page = goods.browser().post("/counter/scan/", {"text": shown(goods)}).content.decode()

    assert "维修：等会员回复" in page
    assert "另有1件" in page
    assert "杯子裂了" not in page  # what they wrote is for the service desk
