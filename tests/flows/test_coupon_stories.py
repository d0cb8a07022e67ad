"""Coupons that follow from facts: registration, mall, merge and its undoing, erasure; then everything stacked: buy and give back."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.catalog import intake, prices
from apps.catalog.intake import Item
from apps.catalog.prices import BundleWish, Terms, Who
from apps.core import brand, clock
from apps.coupons import checking as coupon_books
from apps.coupons import issuing, redeeming, templates
from apps.coupons.basket import Shopper
from apps.coupons.errors import CouponRefused, NotRedeemed, ReservationOver
from apps.coupons.models import Budget, Coupon, Spent, Template, Use, Welcomed
from apps.events.models import Event
from apps.flows import checkout, counter_rules, erasure, member_merged
from apps.flows import services as flows
from apps.flows import shopper as shoppers
from apps.flows.bought import Bought, Good
from apps.flows.checkout_errors import PointsTooMany, UndoOver
from apps.flows.models import Checkout
from apps.flows.shopper import Asked
from apps.members import services, states
from apps.members.models import Member
from apps.orders import services as orders
from apps.orders.models import Order
from apps.orders.services import NewLine
from apps.points import checking, mall, takebacks
from apps.points.errors import NotEnoughPoints, SpendLimitReached
from apps.points.models import Account
from apps.segments import refresh as stats
from apps.segments.models import MemberStats
from tests.counter import conftest as counter
from tests.coupons import making
from tests.flows import test_points_stories as stories
from tests.points.gifts import gift, rich, take
from tests.points.orders import totals

pytestmark = pytest.mark.django_db


def person(number: int) -> Member:
    return Member.objects.get(
        pk=services.register(source="portal", nickname=f"林{number}", phone=f"170000003{number:02d}")
    )


def deliver() -> None:
    while flows.sweep():
        pass
    assert not Event.objects.filter(finished_at=None).exists()


def coupons(member: Member) -> list[tuple[str, str, int | None]]:
    rows = Coupon.objects.filter(member=member).order_by("template__key", "pk")
    return list(rows.values_list("template__key", "state", "nth"))


def give(of: Template, to: Member, source: str, channel: str = "staff") -> int:
    return issuing.issue(member_id=to.pk, template_id=of.pk, source=source, channel=channel).coupon_id


def test_who_registers_is_welcomed_once_and_not_again_under_the_same_phone():
    making.template("hello")
    gone = making.template("gone", most=1)
    give(gone, Member.objects.create(member_no="other"), "x")
    brand.write("coupons.at_registration", ["hello", "gone", "unknown"])
    lin = person(1)
    deliver()
    assert coupons(lin) == [("hello", "ready", 1)]
    assert Coupon.objects.get(member=lin).channel == "register"
    assert Welcomed.objects.count() == 1

    states.cancel(member_id=lin.pk)
    with clock.frozen(clock.now() + timedelta(days=16)):
        assert erasure.erase(member_id=lin.pk)
        deliver()
        again = person(1)
        deliver()
    assert coupons(lin) == [("hello", "recalled", 1)]
    assert coupons(again) == []
    with clock.frozen(clock.now() + timedelta(days=400)):  # the departure is forgotten, the welcome is not
        states.cancel(member_id=again.pk)
        erasure.erase(member_id=again.pk)
        third = person(1)
        deliver()
    assert coupons(third) == []
    with pytest.raises(ValueError, match="keys of coupon templates"):
        brand.write("coupons.at_registration", ["no key!"])


def balance(member: Member) -> int:
    return Account.objects.get(member=member, currency__key="points").balance


def test_a_coupon_of_the_mall_comes_outside_the_limit_and_one_that_cannot_come_is_not_charged():
    of, lin = making.template("treat", most=2), person(1)
    give(of, lin, "before")
    cup = gift("cup", points=100, kind="virtual", coupon_key="treat", left=5)
    rich(lin, 500)

    first = take(lin, cup, "a").exchange
    deliver()

    made = Coupon.objects.get(source=f"exchange:{first.pk}")
    assert (made.member, made.nth, made.channel, made.origin) == (lin, None, "mall", "cup")
    assert balance(lin) == 400
    second = take(lin, cup, "b").exchange
    deliver()
    second.refresh_from_db()
    assert (second.state, balance(lin), Coupon.objects.count()) == ("cancelled", 400, 2)
    mall.call_off(exchange_id=first.pk)
    deliver()
    made.refresh_from_db()
    assert (made.state, balance(lin)) == ("recalled", 500)


def test_a_merge_loses_no_coupon_to_the_limit_and_its_undoing_gives_back_exactly_the_old_numbers():
    of, other, lin, mei = making.template("one"), making.template("two", per_member=3), person(1), person(2)
    Budget.objects.create(template=of, per="member_month", of="uses", most=9)
    for who in (lin, mei):
        give(of, who, f"a{who.pk}")
        give(other, who, f"b{who.pk}")
        give(other, who, f"c{who.pk}", "mall")
        row = Coupon.objects.get(source=f"a{who.pk}")
        Spent.objects.create(budget=Budget.objects.get(), key=f"m{who.pk}:2026-11", amount=who.pk)
        Use.objects.create(coupon=row, template=of, member=who, state="cancelled", source=f"u{who.pk}")
    before = coupons(lin), coupons(mei)
    assert before[0] == before[1] == [("one", "ready", 1), ("two", "ready", 1), ("two", "ready", None)]

    merge_id = member_merged.merge(survivor_id=lin.pk, loser_id=mei.pk, choices={}, source="t", reason="one person")

    assert coupons(mei) == []
    assert sorted(coupons(lin), key=str) == sorted(
        [("one", "ready", 1), ("one", "ready", 2), ("two", "ready", 1), ("two", "ready", 2)]
        + [("two", "ready", None)] * 2,
        key=str,
    )
    assert Use.objects.filter(member=lin).count() == 2
    assert Spent.objects.get(key=f"m{lin.pk}:2026-11").amount == lin.pk + mei.pk
    assert issuing.issue(member_id=mei.pk, template_id=of.pk, source=f"a{mei.pk}", channel="staff").is_new is False
    late = Coupon.objects.create(
        template=other, version=other.version, member=mei, nth=1, state="recalled", channel="staff", source="straggler"
    )
    member_merged.settle_merge(merge_id=merge_id)
    late.refresh_from_db()
    assert (late.member, late.nth) == (lin, 3)

    member_merged.unmerge(merge_id=merge_id)

    late.refresh_from_db()
    assert (late.member, late.nth) == (mei, 2), "the one they had keeps its number"
    late.delete()
    assert (coupons(lin), coupons(mei)) == before
    assert {who.pk for who in (lin, mei)} == set(
        Spent.objects.filter(key__contains=":2026-11").values_list("amount", flat=True)
    )
    assert set(Use.objects.values_list("member", "source")) == {(who.pk, f"u{who.pk}") for who in (lin, mei)}


def test_an_erasure_recalls_what_could_be_used_and_keeps_what_was_used():
    of, lin = making.template(per_member=3), person(1)
    give(of, lin, "a")
    Coupon.objects.filter(pk=give(of, lin, "b")).update(state="used")
    templates.stop(template_id=of.pk)
    states.cancel(member_id=lin.pk)
    with clock.frozen(clock.now() + timedelta(days=16)):
        erasure.erase(member_id=lin.pk)
        deliver()

    assert sorted(Coupon.objects.values_list("state", flat=True)) == ["recalled", "used"]


# Everything stacked: coupons, points and money at a till and on the web; whatever happens, given back whole it is zero.

HAD = 3_000  # points before
LIVE = ("reserved", "done")
SKUS = ("A", "B", "C")
REFUSALS = (
    CouponRefused, NotEnoughPoints, NotRedeemed, PointsTooMany, ReservationOver, SpendLimitReached, UndoOver,
)  # fmt: skip
BUDGETS = (("total", "uses", 3), ("day", "cents", 6_000), ("member", "cents", 9_000), ("store", "uses", 2))
LEVELS = {"item": ("half",), "order": ("thirty", "thirty", "whole", "cash"), "gift": ("cup",)}
WALLET = (
    ("thirty", making.terms(valid={"kind": "after_claim", "days": 3}), 2),
    ("half", making.terms({"kind": "percent", "off": 50, "at_most_cents": 2_000}, level="item"), 2),
    ("whole", making.terms({"kind": "percent", "off": 100}), 1),
    ("cash", making.terms({"kind": "amount", "cents": 700}, without=["points"], list_price_only=True), 1),
    ("cup", making.terms({"kind": "exchange", "what": "杯", "worth_cents": 900}, level="gift"), 1),
)


@dataclass
class Stacked(stories.Shop):
    """A member with points and coupons, a till, a web shop. `prices`: by order its price, what coupons and what points took off."""

    till: counter.Shop = field(kw_only=True)
    sales: list[tuple[int, checkout.Sale]] = field(default_factory=list)
    bookings: list[str] = field(default_factory=list)
    acts: list[str] = field(default_factory=list)
    prices: dict[int, tuple[int, int, int]] = field(default_factory=dict)

    @property
    def who(self) -> int:
        return self.members[0].pk

    def do(self, name: str, a: int, b: int, c: int) -> None:
        self.count += 1
        with clock.frozen(self.moment):  # type: ignore[arg-type]
            try:
                with transaction.atomic():
                    getattr(self, name)(a, b, c)
            except REFUSALS:
                pass
            self.check_books()

    def chosen(self, a: int, b: int, c: int) -> tuple[int, ...]:
        """One of a level at most; now and then one that is used already."""
        found = []
        for bit, keys in enumerate(LEVELS.values()):
            rows = Coupon.objects.filter(member=self.who, template__key=keys[b % len(keys)]).order_by("pk")
            rows = rows if c == 7 else rows.filter(state="ready")
            if a >> bit & 1 and rows:
                found.append(rows[b % len(rows)].pk)
        return tuple(found)

    def sell(self, a: int, b: int, c: int) -> None:
        goods = tuple(Good(SKUS[(a + number) % 3], (b + number) % 3 + 1) for number in range(c % 3 + 1))
        bought = Bought(0, goods) if b % 4 == 1 else Bought(b * 23 + 1, goods if b % 4 == 3 else ())
        sale = checkout.Sale(
            key=f"stacked-{self.count}", member_id=self.who, receipt=f"R-{self.count}", bought=bought,
            points=(0, b, 40, 900)[c % 4], coupons=self.chosen(a, b, c), is_vouched=True, is_present=True,
        )  # fmt: skip
        row = checkout.pay(desk=self.till.desk, sale=sale).checkout
        self.sales.append((row.pk, sale))
        self._keep(row.order_id, row.gross_cents, row.coupon_cents, row.points_cents)

    def sell_again(self, a: int, b: int, c: int) -> None:
        if self.sales:
            pk, sale = self.sales[a % len(self.sales)]
            again = checkout.pay(desk=self.till.desk, sale=sale)
            assert (again.checkout.pk, again.is_new) == (pk, False)

    def undo(self, a: int, b: int, c: int) -> None:
        if self.sales:
            pk, _sale = self.sales[a % len(self.sales)]
            checkout.undo(checkout_id=pk, desk=self.till.desk, manager_id=self.till.manager.pk)

    def book(self, a: int, b: int, c: int) -> None:
        """Coupons are set aside for a basket of the web shop."""
        lines = [Asked((b * 37 + c * 911 * number) % 9_000 + 1, 1, "A") for number in range(c % 3 + 1)]
        if b % 2:  # at the catalogue's prices: bundles over several lines, a member price, one line that says its price
            lines = [Asked(None, (b + number) % 3 + 1, SKUS[(a + number) % 3]) for number in range(c % 3 + 1)] + lines[
                :1
            ]
        act = self._act(lines, self.chosen(a, b, c) or self.chosen(7, b, c))
        kept = redeeming.reserve(act)
        assert sum(one.cents for one in kept.sold) in {
            sum(one.cents for one in view.lines) for view in act.basket.every_way()
        }
        assert redeeming.reserve(act).is_new is False
        self.bookings.append(act.source)

    def order(self, a: int, b: int, c: int) -> None:
        """What was booked is ordered with points and paid for; or dropped again before that."""
        if not self.bookings:
            return
        source = self.bookings.pop(a % len(self.bookings))
        receipt = redeeming.receipt(source=source)
        assert receipt is not None
        lines = [one.to_pay_cents for one in receipt.sold]
        assert min(lines) >= 0
        assert sum(lines) == sum(one.cents for one in receipt.sold) - receipt.saved_cents
        amount = min(b % 400, max(sum(lines) - 1, 0)) if c % 2 else 0
        made = orders.record(
            source="web", order_no=source, member_id=self.who, lines=[NewLine(None, part) for part in lines],
            total_cents=sum(lines) - amount, channel="web",
        )  # fmt: skip
        if amount:
            takebacks.pay_order(
                member_id=self.who, order_id=made.pk, amount=amount, source=source, order_cents=sum(lines)
            )
        redeeming.confirm(source=source, order_id=made.pk, reference=source)
        assert redeeming.confirm(source=source).is_new is False
        if c == 4:
            orders.cancel(order_id=made.pk)
        else:
            orders.mark_paid(order_id=made.pk)
            self._keep(made.pk, sum(one.cents for one in receipt.sold), receipt.saved_cents, amount)

    def cancel_booking(self, a: int, b: int, c: int) -> None:
        if self.bookings:
            redeeming.cancel(source=self.bookings[a % len(self.bookings)])

    def release(self, a: int, b: int, c: int) -> None:
        redeeming.release_overdue()

    def redeem(self, a: int, b: int, c: int) -> None:
        """At once, for an order that another house keeps."""
        act = self._act([Asked(b * 11 + 1, 1, "A")], self.chosen(a, b, c))
        redeeming.redeem(act)
        self.acts.append(act.source)

    def take_back(self, a: int, b: int, c: int) -> None:
        if self.acts:
            redeeming.take_back(source=self.acts[a % len(self.acts)])

    def get_coupon(self, a: int, b: int, c: int) -> None:
        give(Template.objects.get(key="thirty"), self.members[0], f"more:{self.count}")

    def wait(self, a: int, b: int, c: int) -> None:
        self.moment += timedelta(hours=b % 40 if b % 3 == 0 else 0, minutes=c * 3)  # type: ignore[operator]

    def hear(self, a: int, b: int, c: int) -> None:
        super().hear(a, b, c)
        self.check_told()

    def _act(self, lines: list[Asked], coupon_ids: tuple[int, ...]) -> redeeming.Act:
        who = Shopper(self.who)
        basket = shoppers.basket_of(lines, moment=clock.now(), shopper=who, channel="web").basket
        return redeeming.Act(coupon_ids, who, basket, f"web:{self.count}")

    def _keep(self, order_id: int, price: int, by_coupons: int, by_points: int) -> None:
        self.orders.append(order_id)
        self.prices[order_id] = (price, by_coupons, by_points)

    def check_books(self) -> None:
        """True at any moment: one live use at most, budgets count live uses, an order costs what coupons and points left of it."""
        uses = list(
            Use.objects.filter(state__in=LIVE).values_list(
                "coupon_id", "state", "template_id", "store_id", "saved_cents"
            )
        )
        bound = Coupon.objects.filter(state__in=["used", "reserved"]).values_list("pk", "state")
        assert sorted(bound) == sorted((coupon, "used" if state == "done" else state) for coupon, state, *_ in uses)
        spent = dict(Spent.objects.values("budget").annotate(sum=Sum("amount")).values_list("budget", "sum"))
        for budget in Budget.objects.all():
            mine = [
                cents
                for _c, _s, of, store, cents in uses
                if of == budget.template_id and (store or budget.per != "store")
            ]
            assert spent.get(budget.pk, 0) == (len(mine) if budget.of == "uses" else sum(mine)), budget
        off = (
            Use.objects.exclude(template__key="cup")
            .filter(order__in=self.prices)
            .values("order")
            .annotate(sum=Sum("saved_cents"))
        )
        by_coupons = dict(off.values_list("order", "sum"))
        for order_id, total in Order.objects.filter(pk__in=self.prices).values_list("pk", "total_cents"):
            price, coupons, worth = self.prices[order_id]
            assert (by_coupons.get(order_id, 0), total) == (coupons, price - coupons - worth)

    def check_told(self) -> None:
        """With all facts told: an order that was given back whole has its coupons back, any other keeps all of them used."""
        undone = set(Checkout.objects.exclude(undone_at=None).values_list("order_id", flat=True))
        for order_id, status, total, refunded, state in Use.objects.exclude(order=None).values_list(
            "order_id", "order__status", "order__total_cents", "order__refunded_cents", "state"
        ):
            is_back = status == "cancelled" or order_id in undone or 0 < total <= refunded
            assert state == ("taken_back" if is_back else "done")

    def bring_all_back(self) -> None:
        stories.bring_all_back(self)
        undone = Checkout.objects.filter(order__total_cents=0, undone_at=None)
        for pk in undone.values_list("pk", flat=True):
            checkout.undo(checkout_id=pk, desk=self.till.desk, manager_id=self.till.manager.pk)
        stories.tell_all()
        self.check_books()
        self.check_told()
        for source, state in set(Use.objects.filter(state__in=LIVE).values_list("source", "state")):
            (redeeming.cancel if state == "reserved" else redeeming.take_back)(source=source)

    def assert_zero(self) -> None:
        assert (totals(self.members[0]), totals(self.members[0], "growth")) == ((HAD, 0, 0), (0, 0, 0))
        assert not Use.objects.filter(state__in=LIVE).exists()
        for state, ends_at in Coupon.objects.values_list("state", "ends_at"):
            assert state == "ready" or (state == "expired" and ends_at <= self.moment)
        assert set(Spent.objects.values_list("amount", flat=True)) <= {0}
        stats.refresh_members(member_ids=[self.who], moment=self.moment)  # type: ignore[arg-type]
        assert list(MemberStats.objects.filter(member=self.who).values_list("orders", "net_cents")) in ([], [(0, 0)])
        assert checking.check().faults == 0
        assert coupon_books.check().faults == ()


STACKED = (
    "sell", "sell", "sell", "sell_again", "undo", "refund", "refund", "refund", "book", "book", "order", "order", "cancel_booking",
    "release", "redeem", "take_back", "get_coupon", "wait", "hear", "hear", "hear_again", "receive", "spend", "give_back", "buy",
)  # fmt: skip
STEP = st.tuples(st.sampled_from(STACKED), st.integers(0, 50), st.integers(0, 1000), st.integers(0, 10))


@pytest.fixture
def stacked(clock, db) -> Stacked:
    clock(counter.NOON)
    till = counter.open_shop(counter.NOON)
    Event.objects.all().delete()  # of the house's other members
    brand.write(counter_rules.SETTING, {"per_member": 99})
    member = Member.objects.create(member_no="Z-1", nickname="x")
    rich(member, HAD)
    for key, said, count in WALLET:
        of = making.template(key, said, per_member=9)
        for number in range(count):
            give(of, member, f"{key}:{number}")
    for sku, cents in zip(SKUS, (2_333, 1_801, 999), strict=True):
        specials = [(1_999, "", Terms("*"))] if sku == "A" else []
        intake.take(Item(sku, list_cents=cents, specials=specials), who=Who(), moment=counter.NOON)
    two = BundleWish("for", "两件", (("A", 1), ("B", 1)), count=2, cents=3_001)
    half = BundleWish("nth", "半价", (("C", 1), ("B", 1)), count=3, percent=50)
    for bundle in (two, half):
        prices.bundle(bundle, who=Who(), moment=counter.NOON)
    for per, counted, most in BUDGETS:
        Budget.objects.create(template=Template.objects.get(key="thirty"), per=per, of=counted, most=most)
    return Stacked([member], moment=counter.NOON, is_one=True, till=till)


def live(shop: Stacked, steps: list[tuple[str, int, int, int]]) -> None:
    with transaction.atomic():
        life = Stacked(shop.members, moment=shop.moment, is_one=True, till=shop.till)
        for step in steps:
            life.do(*step)
        with clock.frozen(life.moment):  # type: ignore[arg-type]
            stories.tell_all()
            life.check_told()
            life.bring_all_back()
            life.assert_zero()
        transaction.set_rollback(True)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(steps=st.lists(STEP, min_size=4, max_size=14))
def test_with_everything_stacked_buying_and_giving_back_is_zero(stacked, steps):
    live(stacked, steps)


@pytest.mark.nightly
@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEP, min_size=5, max_size=25))
def test_two_thousand_stacked_lives_end_at_zero(stacked, steps):
    live(stacked, steps)


def of_keys(*keys: str) -> tuple[int, ...]:
    return tuple(Coupon.objects.filter(template__key=key).order_by("pk")[0].pk for key in keys)


def states_of(coupon_ids: tuple[int, ...]) -> list[str]:
    return list(Coupon.objects.filter(pk__in=coupon_ids).values_list("state", flat=True))


def kept_by(member: Member) -> list[tuple[int, int]]:
    return list(MemberStats.objects.filter(member=member).values_list("orders", "net_cents"))


def test_a_part_given_back_leaves_the_coupons_used_and_the_rest_brings_everything_back(stacked):
    lin, of = stacked.members[0], of_keys("half", "thirty", "cup")
    sale = checkout.Sale("stacked-1", lin.pk, "R-1", Bought(20_000), points=1_000, coupons=of, is_present=True)
    row = checkout.pay(desk=stacked.till.desk, sale=sale).checkout
    deliver()
    assert (row.coupon_cents, row.points_cents, row.order.total_cents) == (5_000, 1_000, 14_000)
    assert (totals(lin), kept_by(lin)) == ((HAD - 1_000 + 140 + 100, 0, 0), [(1, 14_000)])

    orders.refund(order_id=row.order_id, source="half", amount_cents=7_000)
    deliver()
    assert (totals(lin), kept_by(lin)) == ((HAD - 500 + 70 + 50, 0, 0), [(1, 7_000)])
    assert (states_of(of), Spent.objects.get(budget__per="day").amount) == (["used"] * 3, 3_000)

    orders.refund(order_id=row.order_id, source="rest")
    deliver()
    assert states_of(of) == ["ready"] * 3
    stacked.assert_zero()


def test_an_order_that_cost_no_money_earns_nothing_that_its_undoing_would_have_to_find(stacked):
    lin = stacked.members[0]
    sale = checkout.Sale("stacked-1", lin.pk, "R-1", Bought(20_000), coupons=of_keys("whole"), is_present=True)
    row = checkout.pay(desk=stacked.till.desk, sale=sale).checkout
    deliver()
    assert (row.order.total_cents, totals(lin)) == (0, (HAD, 0, 0))
    checkout.undo(checkout_id=row.pk, desk=stacked.till.desk)
    deliver()
    stacked.assert_zero()
