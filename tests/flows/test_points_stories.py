"""Buy and give back is zero: through the stories, whatever happens in between and in whatever order the facts are told (T-R7).

Among the steps: orders paid with points, refunds by line, gifts, holds, the mall, presents to another member, points brought along,
points that run out, changed rules, a merge, facts told late, twice and in any order.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from random import Random

import pytest
from django.db import connection, transaction
from django.db.models import F, Q
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core import clock
from apps.events.models import Event
from apps.flows import member_merged
from apps.flows.subscriptions import STEPS
from apps.members.models import Member
from apps.orders import services as orders
from apps.orders.models import Order, Refund
from apps.orders.services import NewLine
from apps.points import mall, rules, takebacks
from apps.points import services as points
from apps.points.errors import HoldOver, NotEnoughPoints, SpendLimitReached, TransferCapReached, TransferToSelf
from apps.points.models import Account, Achievement, Currency, Entry, Exchange, Hold, Lot, Reward, Rule
from tests.points.gifts import gift, rich, take
from tests.points.orders import NOON, paid, publish, rule, totals

FACTS = (
    "order.paid",
    "order.refunded",
    "order.received",
    "order.cancelled",
    "member.merged",
    "member.unmerged",
    "member.erased",
)
SKIPPED = {"refresh", "refresh_both", "settle", "stop_for_survivor"}  # stats and care: not about points


def tell(event: Event) -> None:
    for step in STEPS[event.name]:
        if step.__name__ not in SKIPPED:
            step(event)


def tell_all(*, shuffled: Random | None = None) -> None:
    facts = list(Event.objects.filter(name__in=FACTS, finished_at=None).order_by("pk"))
    if shuffled:
        shuffled.shuffle(facts)
    for event in facts:
        tell(event)
    Event.objects.update(finished_at=clock.now())


@dataclass
class Shop:
    """Two members, a few rules, and everything that may happen to points. Numbers choose; what cannot be done is left out."""

    members: list[Member]
    moment: object = NOON
    orders: list[int] = field(default_factory=list)
    gifts: list[tuple[int, int]] = field(default_factory=list)  # line and points, not given back
    holds: list[int] = field(default_factory=list)
    exchanges: list[int] = field(default_factory=list)
    is_one: bool = False
    count: int = 0

    def member(self, a: int) -> Member:
        return self.members[0 if self.is_one else a % 2]

    def do(self, name: str, a: int, b: int, c: int) -> None:
        self.count += 1
        with clock.frozen(self.moment):  # type: ignore[arg-type]
            getattr(self, name)(a, b, c)

    def buy(self, a: int, b: int, c: int) -> None:
        cents = [(b * 37 + c * 911 * number) % 20_000 for number in range(c % 4)]
        total = max(sum(cents) + (b % 3 - 1) * 150, 1) if cents else b * 13 + 1
        order = paid(self.member(a), f"o{self.count}", *cents, total=total, at=self.moment)  # type: ignore[arg-type]
        self.orders.append(order.pk)

    def pay_with_points(self, a: int, b: int, c: int) -> None:
        if self.orders:
            order = Order.objects.get(pk=self.orders[a % len(self.orders)])
            if order.refunded_cents == 0:
                self._take(lambda: takebacks.pay_order(
                    member_id=order.member_id, order_id=order.pk, amount=b % 90 + 1, source=f"pay:{self.count}"))  # fmt: skip

    def refund(self, a: int, b: int, c: int) -> None:
        if not self.orders:
            return
        order = Order.objects.get(pk=self.orders[a % len(self.orders)])
        line = order.lines.order_by("line_no")[c % 3 : c % 3 + 1].first() if c % 2 else None
        left = order.total_cents - order.refunded_cents
        left = min(left, line.total_cents - line.refunded_cents) if line else left
        if left > 0:
            amount = left if b % 5 == 0 else b * 31 % left + 1
            orders.refund(order_id=order.pk, source=f"r{self.count}", line_id=line and line.pk, amount_cents=amount)

    def spend(self, a: int, b: int, c: int) -> None:
        made = self._take(
            lambda: points.spend(member_id=self.member(a).pk, amount=b % 150 + 1, source=f"gift:{self.count}")
        )
        if made:
            self.gifts.append((made.entry_id, b % 150 + 1))

    def give_back(self, a: int, b: int, c: int) -> None:
        if self.gifts:
            entry_id, amount = self.gifts.pop(a % len(self.gifts))
            points.give_back(entry_id=entry_id, amount=amount, source=f"back:{self.count}")

    def set_aside(self, a: int, b: int, c: int) -> None:
        made = self._take(
            lambda: points.hold(member_id=self.member(a).pk, amount=b % 80 + 1, source=f"hold:{self.count}")
        )
        if made:
            self.holds.append(made.entry_id)

    def settle_hold(self, a: int, b: int, c: int) -> None:
        if self.holds:
            entry_id = self.holds.pop(a % len(self.holds))
            aside = Entry.objects.get(pk=entry_id).held
            try:
                if c % 2:
                    points.capture(entry_id=entry_id, amount=b % aside + 1, source=f"capture:{self.count}")
                    self.gifts.append((entry_id, b % aside + 1))
                else:
                    points.let_go(entry_id=entry_id, source=f"off:{self.count}")
            except HoldOver:
                points.let_go_expired()

    def exchange(self, a: int, b: int, c: int) -> None:
        made = self._take(lambda: take(self.member(a), Reward.objects.get(), f"mall:{self.count}", moment=self.moment))  # type: ignore[arg-type]
        if made:
            self.exchanges.append(made.exchange.pk)

    def cancel_exchange(self, a: int, b: int, c: int) -> None:
        if self.exchanges:
            mall.cancel(exchange_id=self.exchanges.pop(a % len(self.exchanges)))

    def give(self, a: int, b: int, c: int) -> None:
        """To the other one; what is given does not come back."""
        self._take(lambda: points.transfer(
            from_id=self.member(a).pk, to_id=self.member(a + 1).pk, amount=b % 60 + 1, source=f"present:{self.count}"))  # fmt: skip

    def bring(self, a: int, b: int, c: int) -> None:
        """Points that no order stands behind."""
        points.earn(member_id=self.member(a).pk, amount=b % 90 + 1, source=f"brought:{self.count}", kind="opening")

    def receive(self, a: int, b: int, c: int) -> None:
        if self.orders:
            orders.mark_received(order_id=self.orders[a % len(self.orders)])

    def wait(self, a: int, b: int, c: int) -> None:
        self.moment += timedelta(days=b % 12, minutes=c)  # type: ignore[operator]

    def sweep(self, a: int, b: int, c: int) -> None:
        points.settle_due()
        points.let_go_expired()

    def change_rules(self, a: int, b: int, c: int) -> None:
        made = Rule.objects.get(key=("a-yuan", "b-double", "c-first")[c % 3])
        if b % 2:
            rules.pause(rule_id=made.pk) if made.is_active else rules.resume(rule_id=made.pk)
        elif made.key == "a-yuan":
            draft = {"give": {"kind": "per_amount", "points": b % 4 + 1, "per_cents": 100}}
            pending = {"kind": "fact", "fact": "order.received", "lapse_days": 20}
            rules.save_draft(rule_id=made.pk, draft=draft | ({"pending": pending} if a % 2 else {}))
            publish(made.pk)

    def hear(self, a: int, b: int, c: int) -> None:
        tell_all(shuffled=Random(b) if c % 2 else None)

    def hear_again(self, a: int, b: int, c: int) -> None:
        told = list(Event.objects.filter(name__in=FACTS).exclude(name__startswith="member.").order_by("pk"))
        if told:
            tell(told[a % len(told)])

    def merge(self, a: int, b: int, c: int) -> None:
        if not self.is_one:
            member_merged.merge(
                survivor_id=self.members[0].pk, loser_id=self.members[1].pk, choices={}, source="test", reason="x"
            )
            self.is_one = True

    def _take(self, act):
        try:
            return act()
        except (NotEnoughPoints, SpendLimitReached, TransferCapReached, TransferToSelf):
            return None


OPS = (
    "buy", "buy", "buy", "pay_with_points", "refund", "refund", "spend", "spend", "give_back", "set_aside", "settle_hold",
    "receive", "wait", "wait", "sweep", "change_rules", "hear", "hear", "hear_again", "merge", "exchange", "cancel_exchange", "give",
    "bring",
)  # fmt: skip
STEP = st.tuples(st.sampled_from(OPS), st.integers(0, 50), st.integers(0, 1000), st.integers(0, 10))


@pytest.fixture
def shop(db) -> Shop:
    return opened()


def opened() -> Shop:
    transfer = {"daily_cap": 90, "fee_percent": 10, "expiry": "keep"}
    Currency.objects.filter(key="points").update(expiry={"kind": "after", "days": 25}, transfer=transfer)
    gift("mall", points=40, left=9)
    rule("a-yuan")
    rule("b-double", {"kind": "multiplier", "factor": "2"}, when={"weekdays": [1, 3, 5]})
    rule("c-first", {"kind": "fixed", "points": 100}, trigger="first_order")
    rule("d-grow", currency="growth")
    rule("e-task", {"kind": "fixed", "points": 30}, trigger="task", task={"key": "first_order"})
    Achievement.objects.create(
        key="twice", name="x", name_en="x", measure={"kind": "orders"}, target=2, period="month", points=50,
        currency=Currency.objects.get(key="points"), is_active=True,
    )  # fmt: skip
    return Shop([Member.objects.create(member_no=f"S-{number}", nickname="x") for number in range(2)])


def kept_points() -> Fraction:
    """At most what the kept part of every order is worth, by what it was given: worked out from money alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            """select coalesce(sum(a.points * case when o.total_cents = 0 then 1
                                    else (o.total_cents - o.refunded_cents)::numeric / o.total_cents end + a.lines), 0)
               from orders_order o join (
                   select w.order_id, sum(w.points) as points, count(*) as lines from points_award w
                   join points_account t on t.id = w.account_id join points_currency c on c.id = t.currency_id
                   where c.key = 'points' group by 1) a on a.order_id = o.id"""
        )
        found = Fraction(cursor.fetchone()[0])
        cursor.execute(
            """select (select coalesce(sum(50), 0) from points_attainment where completed_at is not null and taken_back_at is null)
                    + (select coalesce(sum(granted), 0) from points_entry where kind = 'opening')"""
        )
        return found + int(cursor.fetchone()[0])


def have_and_had() -> int:
    """What members have, and have taken out, in points; debts count against it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """select coalesce(sum(a.balance + a.pending + a.held - a.debt), 0) from points_account a
               join points_currency c on c.id = a.currency_id where c.key = 'points'"""
        )
        have = cursor.fetchone()[0]
        cursor.execute(
            """select coalesce(-sum(e.amount) filter (where e.kind in ('spend', 'hold')), 0)
                    - coalesce(sum(e.undone) filter (where e.kind in ('return', 'release')), 0)
                    - coalesce((select sum(e.held) from points_entry e join points_hold h on h.entry_id = e.id and h.state = 'held'), 0)
               from points_entry e"""
        )
        return int(have + cursor.fetchone()[0])


def check(shop: Shop) -> None:
    """With all facts told: nobody has taken out more than what is kept is worth, and no total is below zero."""
    assert not Account.objects.filter(balance__lt=0).exists()
    assert not Account.objects.filter(debt__lt=0).exists()
    assert have_and_had() <= kept_points()
    assert not Lot.objects.filter(amount__lt=F("remaining") + F("expired") + F("reversed")).exists()


def live(steps: list[tuple[str, int, int, int]]) -> None:
    with transaction.atomic():
        shop = Shop(list(Member.objects.order_by("pk")))
        for step in steps:
            shop.do(*step)
        with clock.frozen(shop.moment):  # type: ignore[arg-type]
            tell_all()
            check(shop)
            bring_all_back(shop)
            tell_all()
            assert_nothing_is_left()
        transaction.set_rollback(True)


def bring_all_back(shop: Shop) -> None:
    """Every order is given back whole, every gift too, exchanges are cancelled, and what was set aside is let go."""
    for number, order_id in enumerate(shop.orders):
        order = Order.objects.get(pk=order_id)
        if order.total_cents > order.refunded_cents:
            orders.refund(order_id=order_id, source=f"all{number}")
    for number, (entry_id, amount) in enumerate(shop.gifts):
        points.give_back(entry_id=entry_id, amount=amount, source=f"all-back:{number}")
    for exchange_id in shop.exchanges:
        mall.cancel(exchange_id=exchange_id)
    for entry_id in Hold.objects.filter(state="held").values_list("entry_id", flat=True):
        points.let_go(entry_id=entry_id, source=f"all-off:{entry_id}")


def assert_nothing_is_left() -> None:
    """Zero for who brought nothing along and gave nobody a present; else what those come to, less what of them ran out by time."""
    for account in Account.objects.filter(joined_into=None):
        whose = Entry.objects.filter(Q(account=account) | Q(account__joined_into=account))
        lots = account.lots.filter(entry__kind__in=["opening", "transfer_in"]).values_list("amount", "expired")
        given_away = sum(-amount for (amount,) in whose.filter(kind="transfer_out").values_list("amount"))
        left = account.balance + account.pending + account.held - account.debt
        assert left == sum(amount - expired for amount, expired in lots) - given_away
    ordered = Lot.objects.exclude(entry__kind__in=["opening", "transfer_in"])
    assert not ordered.filter(Q(remaining__gt=0) | Q(expired__gt=0)).exists()


@settings(max_examples=14, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(steps=st.lists(STEP, min_size=4, max_size=14))
def test_whatever_happens_buying_and_giving_back_is_zero(shop, steps):
    live(steps)


@pytest.mark.nightly
@settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEP, min_size=5, max_size=30))
def test_five_thousand_lives_end_at_zero(shop, steps):
    live(steps)


def test_the_stories_reward_and_take_back_once(db):
    shop = opened()
    with clock.frozen(NOON):
        shop.buy(0, 0, 1)
        order = Order.objects.get()
        Order.objects.update(total_cents=1000)
        tell_all()
        tell(Event.objects.get(name="order.paid"))
        assert (totals(shop.members[0])[0], totals(shop.members[0], "growth")[0]) == (130, 0)
        orders.refund(order_id=order.pk, source="x")
        tell_all()
        tell(Event.objects.get(name="order.refunded"))
        assert totals(shop.members[0]) == (0, 0, 0)


def test_a_merge_takes_the_books_along_and_a_refund_of_the_other_record_finds_them(db):
    shop = opened()
    with clock.frozen(NOON):
        made = paid(shop.members[1], "1", 10_000)
        tell_all()
        assert totals(shop.members[1]) == (330, 0, 0)
        shop.merge(0, 0, 0)
        tell_all()
        assert (totals(shop.members[0]), totals(shop.members[1])) == ((330, 0, 0), (0, 0, 0))

        orders.refund(order_id=made.pk, source="x")
        assert Refund.objects.count() == 1
        tell_all()
        assert totals(shop.members[0]) == (0, 0, 0)


def test_a_merge_reaches_an_achievement_by_both_and_its_undoing_takes_the_books_apart_again(db):
    shop = opened()
    with clock.frozen(NOON):
        paid(shop.members[0], "1", 1_000)
        paid(shop.members[1], "2", 10_000)
        tell_all()
        shop.merge(0, 0, 0)
        tell_all()
        assert totals(shop.members[0])[0] == 150 + 330 + 50
        member_merged.unmerge(merge_id=Event.objects.get(name="member.merged").payload["merge_id"])
        tell_all()
        assert (totals(shop.members[0]), totals(shop.members[1])) == ((150, 0, 0), (330, 0, 0))


def test_a_reward_that_waits_for_the_goods_is_paid_for_what_is_kept_and_for_nothing_else(db):
    shop = opened()
    waits = {"kind": "fact", "fact": "order.received", "lapse_days": 20}
    rule("g-wait", {"kind": "fixed", "points": 200}, pending=waits)
    with clock.frozen(NOON):
        back, kept = (paid(shop.members[0], no, 1_000) for no in "12")
        tell_all()
        assert totals(shop.members[0])[1] == 400
        orders.refund(order_id=back.pk, source="x")
        for order in (back, kept):
            orders.mark_received(order_id=order.pk)
        tell_all(shuffled=Random(1))
        assert totals(shop.members[0])[1:] == (0, 0)
        assert Lot.objects.filter(entry__version__rule__key="g-wait", remaining=200).count() == 1
        orders.refund(order_id=kept.pk, source="y")
        tell_all()
        assert totals(shop.members[0]) == (0, 0, 0)


def test_an_erased_member_keeps_books_without_anything_open(db):
    shop = opened()
    rule("f-wait", {"kind": "fixed", "points": 7}, pending={"kind": "days", "days": 9})
    with clock.frozen(NOON):
        paid(shop.members[0], "1", 10_000)
        tell_all()
        points.hold(member_id=shop.members[0].pk, amount=40, source="basket")
        assert totals(shop.members[0]) == (290, 7, 0)

        with transaction.atomic():
            Event.objects.create(name="member.erased", key="x", payload={"member_id": shop.members[0].pk})
        tell_all()
        assert totals(shop.members[0]) == (330, 0, 0)


def test_exchanges_of_an_erased_member_are_cancelled_and_the_piece_goes_back(db):
    member = Member.objects.create(member_no="E-1")
    rich(member, 120)
    cash, ready = gift("cash", left=1, cash_cents=100), gift("ready", left=1)
    with clock.frozen(NOON):
        taken = [take(member, reward, reward.key).exchange.pk for reward in (cash, ready)]
        assert totals(member)[0] == 20
        with transaction.atomic():
            Event.objects.create(name="member.erased", key="x", payload={"member_id": member.pk})
        tell_all()

    assert set(Exchange.objects.filter(pk__in=taken).values_list("state", flat=True)) == {"cancelled"}
    assert set(Reward.objects.values_list("left", "taken")) == {(1, 0)}
    assert totals(member)[0] == 120


def test_an_order_dropped_before_payment_frees_its_points(db):
    shop = opened()
    with clock.frozen(NOON):
        points.earn(member_id=shop.members[0].pk, amount=50, source="x")
        order = orders.record(
            source="t", order_no="1", member_id=shop.members[0].pk, lines=[NewLine(None, 500)], total_cents=500
        )
        takebacks.pay_order(member_id=shop.members[0].pk, order_id=order.pk, amount=50, source="pay")
        assert totals(shop.members[0]) == (0, 0, 0)
        orders.cancel(order_id=order.pk)
        tell_all()
        assert totals(shop.members[0]) == (50, 0, 0)
