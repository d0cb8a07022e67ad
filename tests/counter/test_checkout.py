"""A sale at the counter: taken in once, worth what it says, undone whole."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import translation

from apps.core import brand, clock
from apps.core.errors import DomainError, NotFound
from apps.core.models import AuditEntry
from apps.counter import choices
from apps.coupons.errors import REASONS
from apps.coupons.models import Budget, Coupon, Template, Use
from apps.events.models import Event
from apps.flows import checkout, counter_rules, own_cards, shift_summary, shopper
from apps.flows.bought import Bought
from apps.flows.checkout import Desk
from apps.flows.models import Checkout, OwnCard
from apps.orders.models import Order
from apps.points import selectors as points
from apps.stores import shifts, tills
from apps.stores.models import Shift
from tests.counter.conftest import NOON, Shop
from tests.coupons import making


def pay(shop: Shop, receipt: str = "R-1001", **more: object) -> Checkout:
    taken = checkout.pay(desk=shop.desk, sale=shop.sale(receipt, **more))
    checkout.follow(order_id=taken.checkout.order_id, patience=0)
    return taken.checkout


def refused(shop: Shop, code: str, receipt: str = "R-1001", **more: object) -> DomainError:
    """The sale is refused with that code and nothing is written."""
    before = (Order.objects.count(), Checkout.objects.count(), Event.objects.count())
    with pytest.raises(DomainError) as refusal:
        checkout.pay(desk=shop.desk, sale=shop.sale(receipt, **more))
    assert refusal.value.code == code
    assert (Order.objects.count(), Checkout.objects.count(), Event.objects.count()) == before
    return refusal.value


def test_a_sale_is_a_paid_order_of_the_till_and_its_points_follow(shop: Shop):
    row = pay(shop)

    order = row.order
    assert (order.source, order.order_no) == (f"till:{shop.desk.store_id}:{shop.desk.device_id}", "R-1001")
    assert (order.status, order.total_cents, order.store_id, order.guide_id) == (
        "paid", 56_800, shop.desk.store_id, shop.clerk.pk,
    )  # fmt: skip
    assert checkout.brought(checkout=row, is_settled=True) == checkout.Brought(568, 568, True)


def test_points_pay_a_part_and_come_back_to_their_own_lots_with_the_undoing(shop: Shop):
    member_id = shop.rich("mine", 3_000)
    row = pay(shop, points=2_000)

    assert (row.gross_cents, row.points_cents, row.order.total_cents) == (56_800, 2_000, 54_800)
    assert points.totals(member_id=member_id).balance == 3_000 - 2_000 + 548

    undone = checkout.undo(checkout_id=row.pk, desk=shop.desk)
    refund_id = row.order.refunds.get().pk
    assert checkout.follow(order_id=refund_id, fact="order.refunded", patience=0)

    assert undone.is_new
    assert checkout.undo(checkout_id=row.pk, desk=shop.desk).is_new is False
    assert points.totals(member_id=member_id).balance == 3_000
    said = AuditEntry.objects.get(action="checkout.undone")
    assert said.after == {
        "by": shop.clerk.pk, "agreed_by": None, "device": shop.desk.device_id, "cents": 56_800,
    }  # fmt: skip


def test_the_same_act_again_is_the_same_sale_and_the_same_receipt_is_refused(shop: Shop):
    first = pay(shop)
    again = checkout.pay(desk=shop.desk, sale=shop.sale())

    assert (again.checkout.pk, again.is_new) == (first.pk, False)
    refused(shop, "key_reused", gross_cents=1)
    refused(shop, "receipt_used", key="another-key")
    refused(shop, "receipt_used", key="another-key", gross_cents=99, member_id=shop.house.members["near"].pk)


def test_amount_time_receipt_and_presence_have_bounds(shop: Shop):
    now = clock.now()
    for code, more in (
        ("amount_out_of_bounds", {"gross_cents": 0}),
        ("amount_out_of_bounds", {"gross_cents": 5_000_001}),
        ("sale_in_future", {"scanned_at": now + timedelta(minutes=3)}),
        ("sale_too_old", {"scanned_at": now - timedelta(hours=2, seconds=1)}),
        ("receipt_invalid", {"receipt": ""}),
        ("receipt_invalid", {"receipt": "R 1<"}),
        ("code_needed", {"points": 100, "is_present": False}),
        ("code_needed", {"points": 100, "scanned_at": now}),
        ("points_too_many", {"points": 56_800}),
        ("points_insufficient", {"points": 100}),
    ):
        refused(shop, code, **more)  # type: ignore[arg-type]
    brand.write(counter_rules.SETTING, {"receipt_has_store": True})
    refused(shop, "receipt_elsewhere", "FAR-1")
    assert pay(shop, "MINE-1").order.order_no == "MINE-1"


def test_caps_count_what_a_person_took_in_today_and_was_not_undone(shop: Shop):
    shop.rich("mine", 1_000)
    brand.write(counter_rules.SETTING, {"orders": 3, "redemptions": 1, "per_member": 2})
    first = pay(shop, "A1", points=100)
    assert refused(shop, "shift_cap", "A2", points=100).facts == {"cap": "redemptions"}
    pay(shop, "A3")
    refused(shop, "member_too_often", "A4")
    near = shop.house.members["near"].pk
    brand.write(counter_rules.SETTING, {"orders": 3, "points": 1_100})
    assert refused(shop, "shift_cap", "A5", member_id=near).facts == {"cap": "points"}  # 567 + 568 were granted
    checkout.undo(checkout_id=first.pk, desk=shop.desk)
    pay(shop, "A6", member_id=near)
    brand.write(counter_rules.SETTING, {"orders": 3})
    pay(shop, "A7", member_id=near, gross_cents=100)
    assert refused(shop, "shift_cap", "A8", member_id=near).facts == {"cap": "orders"}


def test_no_cap_is_escaped_by_ending_the_shift_or_at_the_next_till(shop: Shop, clock: Callable[..., object]):
    """T-F8."""
    near = shop.house.members["near"].pk
    brand.write(counter_rules.SETTING, {"orders": 1})
    pay(shop, "A1")
    shifts.end(shift_id=shop.desk.shift_id)
    other = tills.bind(name="3号台", store_id=shop.desk.store_id, staff_id=None)
    for device_id in (shop.desk.device_id, other.id):
        shift = shifts.begin(device_id=device_id, staff_id=shop.clerk.pk)
        shop.desk = replace(shop.desk, shift_id=shift.pk, device_id=device_id)
        assert refused(shop, "shift_cap", "A2", member_id=near).facts == {"cap": "orders"}

    shift = shifts.begin(device_id=other.id, staff_id=shop.manager.pk)  # a colleague
    shop.desk = replace(shop.desk, shift_id=shift.pk, staff_id=shop.manager.pk)
    pay(shop, "A2", member_id=near)

    clock(NOON + timedelta(days=1))
    shift = shifts.begin(device_id=other.id, staff_id=shop.clerk.pk)
    shop.desk = replace(shop.desk, shift_id=shift.pk, staff_id=shop.clerk.pk)
    pay(shop, "A3", member_id=near)


def test_nobody_takes_purchases_in_for_their_own_card(shop: Shop):
    mine = shop.house.members["mine"].pk
    own_cards.keep(staff_id=shop.clerk.pk, phone="19900000001")
    refused(shop, "own_card")

    OwnCard.objects.update(member=None)  # not yet linked: the phone tells
    refused(shop, "own_card")
    assert own_cards.is_own(staff_id=shop.clerk.pk, member_id=mine)
    assert OwnCard.objects.get().member_id == mine
    own_cards.keep(staff_id=shop.clerk.pk, phone="")
    pay(shop)


def test_a_later_undoing_or_of_anothers_sale_takes_a_manager_and_is_on_record(shop: Shop, clock: Callable[..., object]):
    row = pay(shop)
    later = shop.house.moment + timedelta(minutes=5, seconds=1)
    other = Desk(shop.desk.shift_id, shop.desk.device_id, shop.desk.store_id, "MINE", shop.manager.pk)
    elsewhere = Desk(1, 1, shop.house.stores["near"].pk, "NEAR", shop.clerk.pk)

    with pytest.raises(checkout.UndoNeedsManager):
        checkout.undo(checkout_id=row.pk, desk=shop.desk, moment=later)
    with pytest.raises(checkout.UndoNeedsManager):
        checkout.undo(checkout_id=row.pk, desk=other)
    with pytest.raises(NotFound):
        checkout.undo(checkout_id=row.pk, desk=elsewhere)
    assert Order.objects.get(pk=row.order_id).refunded_cents == 0

    checkout.undo(checkout_id=row.pk, desk=shop.desk, manager_id=shop.manager.pk, moment=later)

    assert Order.objects.get(pk=row.order_id).refunded_cents == 56_800
    assert AuditEntry.objects.get(action="checkout.undone").after["agreed_by"] == shop.manager.pk  # type: ignore[index]


def test_the_slip_of_a_shift_adds_up(shop: Shop):
    shop.rich("mine", 1_000)
    pay(shop, "A1", points=500)
    pay(shop, "A2", gross_cents=10_000)
    checkout.undo(checkout_id=pay(shop, "A3", gross_cents=7_000).pk, desk=shop.desk)

    told = shift_summary.of(shift=Shift.objects.get(pk=shop.desk.shift_id))

    assert told == shift_summary.Summary(
        sales=2, gross_cents=66_800, points_cents=500, coupon_cents=0, coupons=0, redemptions=1,
        points_spent=500, points_earned=563 + 100,
        gifts=0, undone=1, undone_cents=7_000, offline=0,
    )  # fmt: skip
    assert told.net_cents == 66_300


def coupon(shop: Shop, key: str = "thirty", **conditions: object) -> Coupon:
    return making.coupon(making.template(key, making.terms(**conditions)), shop.house.members["mine"])


def test_a_coupon_and_points_pay_together_and_undoing_gives_both_back(shop: Shop):
    member_id, held = shop.rich("mine", 3_000), coupon(shop)
    row = pay(shop, points=2_000, coupons=(held.pk,))

    assert (row.gross_cents, row.coupon_cents, row.points_cents, row.order.total_cents) == (
        56_800,
        3_000,
        2_000,
        51_800,
    )
    assert points.totals(member_id=member_id).balance == 1_000 + 518
    use = Use.objects.get()
    assert (use.state, use.order_id, use.reference, use.store_id) == (
        "done",
        row.order_id,
        "R-1001",
        shop.desk.store_id,
    )
    assert refused(shop, "coupon_already_redeemed", "R-1002", coupons=(held.pk,)).facts["store"] == "MINE"
    refused(shop, "code_needed", "R-1003", coupons=(held.pk,), is_present=False)

    checkout.undo(checkout_id=row.pk, desk=shop.desk)
    assert checkout.follow(order_id=row.order.refunds.get().pk, fact="order.refunded", patience=0)

    held.refresh_from_db()
    assert (held.state, points.totals(member_id=member_id).balance) == ("ready", 3_000)


def test_a_sale_that_coupons_pay_whole_is_undone_too(shop: Shop):
    held = coupon(shop)
    row = pay(shop, coupons=(held.pk,), gross_cents=3_000)
    assert row.order.total_cents == 0

    checkout.undo(checkout_id=row.pk, desk=shop.desk)

    held.refresh_from_db()
    assert (held.state, Checkout.objects.get().undone_by_id) == ("ready", shop.clerk.pk)


@pytest.mark.parametrize(
    ("per", "of", "most"),
    [("total", "uses", 1), ("store_day", "uses", 1), ("total", "cents", 5_999), ("store", "cents", 3_500)],
)
def test_what_no_budget_bears_any_more_is_not_offered_until_a_use_is_taken_back(
    shop: Shop, per: str, of: str, most: int
):
    held = coupon(shop)
    Budget.objects.create(template_id=held.template_id, per=per, of=of, most=most)
    near = shop.house.members["near"]
    theirs = making.coupon(held.template, near)

    def told(store: str = "mine") -> tuple[int, list[str]]:
        desk = replace(shop.desk, store_code=shop.house.stores[store].code)
        found = choices.of(shopper.shopper_of(held.member_id or 0), desk=desk, bought=Bought(56_800), is_present=True)
        return len(found.open), [why for _name, why in found.closed]

    assert told() == (1, [])
    row = pay(shop, "R-1", member_id=near.pk, coupons=(theirs.pk,))
    assert told() == (0, [str(REASONS["coupon_budget_spent"])])
    assert told("near")[0] == (1 if per.startswith("store") else 0)
    refused(shop, "coupon_budget_spent", "R-2", coupons=(held.pk,))
    checkout.undo(checkout_id=row.pk, desk=shop.desk)
    assert checkout.follow(order_id=row.order.refunds.get().pk, fact="order.refunded", patience=0)
    assert told() == (1, [])


def test_choices_are_sorted_by_what_they_save_and_say_what_is_missing(shop: Shop):
    shop.rich("mine", 250)
    kept = {key: coupon(shop, key, gives={"kind": "amount", "cents": cents}, **more).pk for key, cents, more in (
        ("ten", 1_000, {}), ("fifty", 5_000, {}), ("far", 9_000, {"minimum_cents": 100_000}),
        ("tea", 2_000, {"only": {"categories": ["茶"]}}),
    )}  # fmt: skip
    who = shopper.shopper_of(shop.house.members["mine"].pk)

    told = choices.of(who, desk=shop.desk, bought=Bought(56_800), is_present=True)

    assert [(one.ids, one.cents, one.is_best, one.is_to_vouch) for one in told.open] == [
        (str(kept["fifty"]), 5_000, True, False), (str(kept["ten"]), 1_000, False, False),
        (str(kept["tea"]), 2_000, False, True),
    ]  # fmt: skip
    assert [(name, "432" in why) for name, why in told.closed] == [("券far", True)]
    assert told.points is not None
    assert (told.points.most, told.points.steps) == (250, ((200, 200), (100, 100)))
    Template.objects.filter(key="fifty").update(name_en="Fifty off")
    with translation.override("en"):
        told = choices.of(who, desk=shop.desk, bought=Bought(56_800), is_present=True)
    assert [one.title for one in told.open] == ["Fifty off", "券ten", "券tea"]  # as far as there are English names
    assert choices.of(who, desk=shop.desk, bought=Bought(56_800), is_present=False) == choices.Choices()
    row = pay(shop, coupons=(kept["tea"],), is_vouched=True)
    assert row.coupon_cents == 2_000
