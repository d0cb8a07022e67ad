"""Rules applied to orders: what each line earns, limits under the lock, waiting points; refunds take back by line."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction

from apps.catalog.models import Category, Product
from apps.core import clock
from apps.members.models import Member
from apps.orders import services as orders
from apps.points import awards, rules, selectors, takebacks
from apps.points import services as points
from apps.points.models import Award, Benefit, Currency, Entry, Ladder, Rule, Tier
from apps.stores.models import Store
from tests.points.orders import NOON, paid, publish, rule, totals


def given() -> set[tuple[str, int | None, int]]:
    return set(Award.objects.values_list("rule__key", "line__line_no", "points"))


@pytest.fixture
def gold(member: Member) -> Tier:
    """Everybody stands on the one rung there is, which multiplies by 1.5."""
    tier = Tier.objects.create(
        ladder=Ladder.objects.create(), key="gold", rank=0, name="金", name_en="Gold", threshold=0
    )
    Benefit.objects.create(tier=tier, kind="multiplier", title="x", title_en="x", value={"factor": "1.5"})
    return tier


def test_a_point_for_each_yuan_is_rounded_down_once_per_order_and_spread_by_largest_remainder(member: Member):
    rule("yuan")
    order = paid(member, "1", 150, 150, 250)  # ¥5.50: 5 points, not 1 + 1 + 2

    awards.for_order(order_id=order.pk, moment=NOON)

    assert given() == {("yuan", 1, 2), ("yuan", 2, 1), ("yuan", 3, 2)}  # remainders .36, .36 and .27
    assert totals(member) == (5, 0, 0)
    line = Entry.objects.get()
    assert (line.source, line.version.number, line.version.rule.key) == (
        f"order:{order.pk}:r{line.version.rule_id}",
        1,
        "yuan",
    )


def test_the_same_order_again_gives_nothing_whatever_the_rules_say_by_then(member: Member):
    rule("yuan")
    order = paid(member, "1", 1000)
    awards.for_order(order_id=order.pk, moment=NOON)
    rule("more", {"kind": "fixed", "points": 50})

    assert awards.for_order(order_id=order.pk, moment=NOON) == []
    assert totals(member) == (10, 0, 0)
    assert Entry.objects.count() == Award.objects.count() == 1


def test_a_discount_on_the_order_is_spread_and_freight_earns_nothing(member: Member):
    rule("yuan")
    awards.for_order(order_id=paid(member, "1", 6000, 6000, total=10000).pk, moment=NOON)
    awards.for_order(order_id=paid(member, "2", 1000, total=2000).pk, moment=NOON)
    awards.for_order(order_id=paid(member, "3", total=700).pk, moment=NOON)

    assert list(Award.objects.order_by("pk").values_list("line__line_no", "points")) == [
        (1, 50), (2, 50), (1, 10), (None, 7),
    ]  # fmt: skip


def test_the_best_multiplier_of_each_line_counts_and_the_tier_is_one_of_them(member: Member, gold: Tier):
    tea = Product.objects.create(sku="tea", name="茶", category=Category.objects.create(name="茶"))
    cup = Product.objects.create(sku="cup", name="杯")
    rule("a-yuan")
    rule("b-tea", {"kind": "multiplier", "factor": "2"}, when={"products": ["tea"]})
    rule("c-all", {"kind": "multiplier", "factor": "1.2"})
    rule("d-tea", {"kind": "multiplier", "factor": "3"}, when={"categories": ["茶"], "stores": ["elsewhere"]})

    awards.for_order(order_id=paid(member, "1", 10000, 5000, products=[tea.pk, cup.pk]).pk, moment=NOON)

    # tea: 100 doubled by its rule; cup: 50 × 1.5 by the tier, which beats 1.2
    assert given() == {("a-yuan", 1, 100), ("a-yuan", 2, 75), ("b-tea", 1, 100)}
    assert totals(member) == (275, 0, 0)


def test_the_tier_multiplies_what_can_be_spent_and_not_growth(member: Member, gold: Tier):
    rule("yuan")
    rule("grow", currency="growth")

    awards.for_order(order_id=paid(member, "1", 10100).pk, moment=NOON)

    assert (totals(member), totals(member, "growth")) == ((151, 0, 0), (101, 0, 0))


@pytest.mark.parametrize(
    ("when", "earns"),
    [
        ({"weekdays": [1]}, True),
        ({"weekdays": [2, 3, 4, 5, 6, 7]}, False),
        ({"month_days": [30]}, True),
        ({"month_days": [28]}, False),
        ({"stores": ["S1"]}, True),
        ({"stores": ["S2"]}, False),
        ({"channels": ["store"]}, True),
        ({"channels": ["mini-program"]}, False),
        ({"min_cents": 1000}, True),
        ({"min_cents": 1001}, False),
        ({"from": "2026-11-30", "to": "2026-11-30"}, True),
        ({"from": "2026-12-01"}, False),
        ({"to": "2026-11-29"}, False),
        ({"to": "2026-11-30T12:00"}, False),
        ({"from": "2026-11-30T12:00"}, True),
        ({"from": "2026-11-30T04:00Z", "to": "2026-11-30T13:00+08:00"}, True),
        ({"birthday": "day"}, True),
        ({"tiers": ["gold"]}, False),
        ({"products": ["tea"]}, False),
        ({"categories": ["茶"]}, False),
    ],
)
def test_conditions_decide(member: Member, when: dict, earns: bool):
    Member.objects.filter(pk=member.pk).update(birth_month=11, birth_day=30)
    store = Store.objects.create(code="S1", name="One")
    rule("yuan", when=when)

    awards.for_order(order_id=paid(member, "1", 1000, store_id=store.pk, channel="store").pk, moment=NOON)

    assert totals(member) == ((10, 0, 0) if earns else (0, 0, 0))


@pytest.mark.parametrize(
    ("born", "today", "earns"),
    [
        ((2, 29), (2027, 2, 28), True),
        ((2, 29), (2027, 3, 1), False),
        ((2, 29), (2028, 2, 28), False),
        ((2, 29), (2028, 2, 29), True),
        ((2, 28), (2028, 2, 28), True),
    ],
)
def test_who_was_born_on_29_february_celebrates_on_the_28th_of_other_years(member: Member, born, today, earns):
    Member.objects.filter(pk=member.pk).update(birth_month=born[0], birth_day=born[1])
    rule("yuan", when={"birthday": "day"})
    at = points.clock.day_start(NOON.date().replace(year=today[0], month=today[1], day=today[2]))

    awards.for_order(order_id=paid(member, "1", 1000, at=at).pk, moment=NOON)

    assert totals(member)[0] == (10 if earns else 0)


def test_a_cap_cuts_down_or_refuses_and_notes_why(member: Member):
    rule("cut", caps=[{"per": "day", "points": 15, "then": "cap"}])
    rule(
        "refuse",
        {"kind": "per_amount", "points": 1, "per_cents": 100},
        caps=[{"per": "transaction", "points": 9, "then": "reject"}],
    )
    for number in range(3):
        awards.for_order(order_id=paid(member, str(number), 600, 400).pk, moment=NOON)

    cut = Award.objects.filter(rule__key="cut").order_by("pk").values_list("line__line_no", "points", "reason")
    assert list(cut) == [(1, 6, ""), (2, 4, ""), (1, 3, "cut_by_cap"), (2, 2, "cut_by_cap"), (None, 0, "cap_reached")]
    refused = Award.objects.filter(rule__key="refuse").values_list("points", "reason").distinct()
    assert list(refused) == [(0, "rejected_by_cap")]
    assert totals(member) == (15, 0, 0)


def test_the_next_period_has_room_again_and_a_refund_makes_none(member: Member):
    rule("yuan", caps=[{"per": "month", "points": 10, "then": "cap"}])
    first = paid(member, "1", 1000)
    awards.for_order(order_id=first.pk, moment=NOON)
    orders.refund(order_id=first.pk, source="r")
    takebacks.settle_order(order_id=first.pk, tag="refund:1", moment=NOON)
    awards.for_order(order_id=paid(member, "2", 1000).pk, moment=NOON)
    assert totals(member) == (0, 0, 0)

    awards.for_order(order_id=paid(member, "3", 1000, at=NOON + timedelta(days=1)).pk, moment=NOON)
    assert totals(member) == (10, 0, 0)


def test_the_highest_balance_counts_what_is_pending(member: Member):
    Currency.objects.filter(key="points").update(max_balance=25)
    rule("yuan", pending={"kind": "days", "days": 7})
    for number in range(3):
        awards.for_order(order_id=paid(member, str(number), 1000).pk, moment=NOON)

    assert totals(member) == (0, 25, 0)
    assert Award.objects.order_by("-pk").values_list("points", "reason").first() == (5, "max_balance")


@pytest.mark.django_db(transaction=True)
def test_ten_orders_at_once_do_not_pass_a_cap(member: Member):
    rule("yuan", caps=[{"per": "day", "points": 35, "then": "cap"}])
    ids = [paid(member, str(number), 1000).pk for number in range(10)]
    start = Barrier(10)

    def run(order_id: int) -> None:
        start.wait()
        try:
            awards.for_order(order_id=order_id, moment=NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(run, ids))

    assert totals(member) == (35, 0, 0)
    assert sum(Award.objects.values_list("points", flat=True)) == 35


@pytest.mark.django_db(transaction=True)
def test_the_same_order_rewarded_by_eight_workers_at_once_is_rewarded_once(member: Member):
    rule("yuan")
    order, start = paid(member, "1", 1000), Barrier(8)

    def run(_number: int) -> None:
        start.wait()
        try:
            awards.for_order(order_id=order.pk, moment=NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(8)))

    assert totals(member) == (10, 0, 0)
    assert Award.objects.count() == 1


def test_the_first_order_counts_history_and_comes_back_when_the_first_is_returned(member: Member, friend: Member):
    rule("first", {"kind": "fixed", "points": 100}, trigger="first_order")
    first, second = paid(member, "1", 1000), paid(member, "2", 1000, at=NOON + timedelta(hours=1))
    awards.for_order(order_id=second.pk, moment=NOON)
    assert totals(member) == (0, 0, 0)
    awards.for_order(order_id=first.pk, moment=NOON)
    assert totals(member) == (100, 0, 0)

    for order in (first, second):
        refund = orders.refund(order_id=order.pk, source="all")
        awards.settle_refund(refund_id=refund.pk, moment=NOON)
    assert totals(member) == (0, 0, 0)
    awards.for_order(order_id=paid(member, "3", 1000, at=NOON + timedelta(days=1)).pk, moment=NOON)
    assert totals(member) == (100, 0, 0)


def test_the_task_of_the_first_order_goes_back_with_it(member: Member):
    rule("task", {"kind": "fixed", "points": 30}, trigger="task", task={"key": "first_order"})
    order = paid(member, "1", 1000)
    awards.for_order(order_id=order.pk, moment=NOON)
    assert totals(member) == (30, 0, 0)

    awards.settle_refund(refund_id=orders.refund(order_id=order.pk, source="all").pk, moment=NOON)
    assert totals(member) == (0, 0, 0)


@pytest.mark.parametrize(
    ("pending", "at_once", "due"),
    [
        ({"kind": "days", "days": 7}, (0, 10), (2026, 12, 7)),
        ({"kind": "on", "date": "2026-12-24"}, (0, 10), (2026, 12, 24)),
        ({"kind": "on", "date": "2026-11-30"}, (10, 0), None),
    ],
)
def test_points_wait_as_the_rule_says(member: Member, pending: dict, at_once: tuple[int, int], due):
    rule("yuan", pending=pending)
    awards.for_order(order_id=paid(member, "1", 1000).pk, moment=NOON)
    assert totals(member)[:2] == at_once

    if due:
        begins = clock.day_start(NOON.date().replace(year=due[0], month=due[1], day=due[2]))
        points.settle_due(moment=begins - timedelta(seconds=1))
        assert totals(member)[:2] == (0, 10)
        points.settle_due(moment=begins)
        assert totals(member)[:2] == (10, 0)


def test_points_that_wait_for_the_goods_come_with_them_or_lapse(member: Member):
    rule("yuan", pending={"kind": "fact", "fact": "order.received", "lapse_days": 30})
    come, gone = paid(member, "1", 1000), paid(member, "2", 500)
    for order in (come, gone):
        awards.for_order(order_id=order.pk, moment=NOON)

    assert takebacks.release_order(order_id=come.pk, fact="order.received", moment=NOON) == 1
    assert totals(member) == (10, 5, 0)
    points.settle_due(moment=NOON + timedelta(days=31))
    assert totals(member) == (10, 0, 0)


def test_days_after_receipt_count_from_the_receipt_and_what_is_given_back_meanwhile_never_comes(member: Member):
    waits = {"kind": "fact", "fact": "order.received", "lapse_days": 6, "days": 7}
    rule("yuan", pending=waits)
    come, gone, early = paid(member, "1", 6000, 4000), paid(member, "2", 500), paid(member, "3", 300)
    for order in (come, gone):
        awards.for_order(order_id=order.pk, moment=NOON)
    came = NOON + timedelta(days=5)
    with clock.frozen(came):
        for order in (come, early):
            orders.mark_received(order_id=order.pk)
    assert [(one.points, one.on, one.days, str(one.by)) for one in selectors.waiting(member_id=member.pk, limit=9)] == [
        (105, None, 7, "2026-12-06")
    ]

    # told a day late, and twice: the days count from the receipt all the same
    for told in (came + timedelta(days=1), came + timedelta(days=3)):
        takebacks.release_order(order_id=come.pk, fact="order.received", moment=told)
    awards.for_order(order_id=early.pk, moment=came + timedelta(days=1))  # it had arrived before it was rewarded
    due = clock.day_start(clock.local_date(NOON) + timedelta(days=12))
    assert [(one.points, one.on) for one in selectors.waiting(member_id=member.pk, limit=9)] == [
        (103, clock.local_date(due))
    ]
    back = orders.refund(order_id=come.pk, source="a", line_id=come.lines.get(line_no=1).pk)
    awards.settle_refund(refund_id=back.pk, moment=came + timedelta(days=4))
    assert totals(member) == (0, 40 + 3, 0)  # the second was never received: dropped when its six days were over

    points.settle_due(moment=due - timedelta(seconds=1))
    assert totals(member) == (0, 43, 0)
    points.settle_due(moment=due)
    assert totals(member) == (43, 0, 0)
    assert awards.terms(waits, due, received_at=came) == (False, None, None)


def test_a_refund_of_a_line_takes_what_the_line_earned_and_of_an_amount_its_share(member: Member):
    rule("yuan")
    rule("gift", {"kind": "fixed", "points": 40})
    order = paid(member, "1", 6000, 4000)
    awards.for_order(order_id=order.pk, moment=NOON)
    line = order.lines.get(line_no=1)

    whole = orders.refund(order_id=order.pk, source="a", line_id=line.pk)
    awards.settle_refund(refund_id=whole.pk, moment=NOON)
    assert totals(member) == (40 + 16, 0, 0)  # the gift shrinks with the order: 40 % of it is kept

    part = orders.refund(order_id=order.pk, source="b", amount_cents=1001)
    awards.settle_refund(refund_id=part.pk, moment=NOON)
    assert totals(member) == (29 + 11, 0, 0)
    awards.settle_refund(refund_id=part.pk, moment=NOON)
    awards.settle_refund(refund_id=whole.pk, moment=NOON)
    assert totals(member) == (40, 0, 0)


@pytest.mark.parametrize("told", [(0, 1, 2), (2, 1, 0), (1, 2, 0, 1)])
def test_refunds_may_be_told_in_any_order_and_before_the_payment(member: Member, told: tuple[int, ...]):
    rule("yuan")
    order = paid(member, "1", 6000, 4000)
    line = order.lines.get(line_no=2)
    refunds = [
        orders.refund(order_id=order.pk, source="a", line_id=line.pk, amount_cents=1000),
        orders.refund(order_id=order.pk, source="b", amount_cents=900),
        orders.refund(order_id=order.pk, source="c", line_id=line.pk, amount_cents=500),
    ]
    awards.settle_refund(refund_id=refunds[told[0]].pk, moment=NOON)
    awards.for_order(order_id=order.pk, moment=NOON)
    for number in told:
        awards.settle_refund(refund_id=refunds[number].pk, moment=NOON)

    assert totals(member) == (53 + 22, 0, 0)  # ¥85 left in ¥85+… : 6000 and 2500 less 9/85 each


def test_an_order_given_back_before_its_reward_earns_nothing(member: Member):
    rule("yuan")
    order = paid(member, "1", 1000)
    orders.refund(order_id=order.pk, source="a")

    made = awards.for_order(order_id=order.pk, moment=NOON)

    assert [(one.points, one.reason) for one in made] == [(0, "refunded")]
    assert Entry.objects.count() == 0


def test_points_that_paid_for_lines_return_with_them(member: Member):
    points.earn(member_id=member.pk, amount=500, source="gift", moment=NOON)
    order = paid(member, "1", 6000, 4000)
    takebacks.pay_order(member_id=member.pk, order_id=order.pk, amount=101, source=f"order:{order.pk}:pay", moment=NOON)
    assert totals(member) == (399, 0, 0)

    line = order.lines.get(line_no=2)
    awards.settle_refund(refund_id=orders.refund(order_id=order.pk, source="a", line_id=line.pk).pk, moment=NOON)
    assert totals(member) == (439, 0, 0)  # 40 of 101 had paid for line 2
    awards.settle_refund(refund_id=orders.refund(order_id=order.pk, source="b").pk, moment=NOON)
    assert totals(member) == (500, 0, 0)


def test_a_dropped_order_frees_the_points_set_aside_for_it(member: Member):
    points.earn(member_id=member.pk, amount=100, source="gift", moment=NOON)
    order = orders.record(source="test", order_no="9", member_id=member.pk, lines=[], total_cents=100)
    takebacks.hold_for_order(member_id=member.pk, order_id=order.pk, amount=60, source="basket", moment=NOON)

    assert takebacks.cancel_order(order_id=order.pk, moment=NOON) == 60
    assert takebacks.cancel_order(order_id=order.pk, moment=NOON) == 0
    assert totals(member) == (100, 0, 0)


def test_who_left_earns_nothing(member: Member):
    rule("yuan")
    order = paid(member, "1", 1000)
    Member.objects.filter(pk=member.pk).update(status="cancelled")

    assert [one.reason for one in awards.for_order(order_id=order.pk, moment=NOON)] == ["member_gone"]
    assert Entry.objects.count() == 0


def test_an_absurd_amount_gives_nothing(member: Member):
    rule("yuan", {"kind": "per_amount", "points": 1000, "per_cents": 1})

    made = awards.for_order(order_id=paid(member, "1", 10**11).pk, moment=NOON)

    assert [one.reason for one in made] == ["out_of_bounds"]
    assert totals(member) == (0, 0, 0)


def test_a_new_version_counts_from_its_publication_and_old_lines_keep_theirs(member: Member):
    made = rule("yuan")
    awards.for_order(order_id=paid(member, "1", 1000).pk, moment=NOON)
    rules.save_draft(rule_id=made.pk, draft={"give": {"kind": "per_amount", "points": 3, "per_cents": 100}})
    awards.for_order(order_id=paid(member, "2", 1000).pk, moment=NOON)
    assert publish(made.pk).number == 2
    awards.for_order(order_id=paid(member, "3", 1000).pk, moment=NOON)
    rules.pause(rule_id=made.pk)
    awards.for_order(order_id=paid(member, "4", 1000).pk, moment=NOON)

    assert list(Award.objects.order_by("pk").values_list("points", "version__number")) == [(10, 1), (10, 1), (30, 2)]
    assert Rule.objects.get().is_active is False


def test_many_at_once_give_what_one_by_one_gives(member: Member, friend: Member, gold: Tier):
    rule("a-yuan", caps=[{"per": "day", "points": 60, "then": "cap"}])
    rule("b-double", {"kind": "multiplier", "factor": "2"}, when={"weekdays": [1, 3]})
    rule("c-first", {"kind": "fixed", "points": 100}, trigger="first_order")
    rule("d-grow", currency="growth")
    at = [NOON + timedelta(hours=7 * number) for number in range(12)]
    ids = [
        paid(member if number % 3 else friend, str(number), 1999, 150 * number, at=moment).pk
        for number, moment in enumerate(at)
    ]
    with transaction.atomic():
        awards.award_orders(order_ids=ids)
        together = books()
        transaction.set_rollback(True)
    assert books() == ([], [])
    for order_id, moment in zip(ids, at, strict=True):
        awards.for_order(order_id=order_id, moment=moment)

    assert books() == together
    assert len(together[0]) > 30


def books() -> tuple[list, list]:
    """Awards and ledger lines, without their own numbers."""
    return (
        sorted(Award.objects.values_list("order", "rule", "line", "points", "reason", "on"), key=str),
        sorted(Entry.objects.values_list("source", "amount", "balance_after", "at")),
    )
