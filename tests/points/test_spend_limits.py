"""How many points may pay for orders: a part of the order, so many in a period, so many in a life; loosened by two people."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from apps.core import approvals
from apps.core.models import User
from apps.members.models import Member
from apps.orders import services as orders
from apps.orders.models import Order
from apps.points import services as points
from apps.points import spend_limits, takebacks
from apps.points.earning import Payment
from apps.points.errors import SpendLimitReached
from apps.points.models import Currency, Entry
from apps.points.spend_limits import Limits, Room, SpendLimitsMovedOn
from tests.points.orders import NOON, paid, totals

HALF = Limits(cents_per_hundred=100, order_percent=50)


def limited(**said: int) -> None:
    Currency.objects.filter(key="points").update(spend_limits=said)


def pay(member: Member, order: Order, amount: int, source: str, **more: object) -> points.Posting:
    given = {"member_id": member.pk, "order_id": order.pk, "amount": amount, "source": source, "moment": NOON}
    return takebacks.pay_order(**given | more)  # type: ignore[arg-type]


@pytest.fixture
def rich(member: Member) -> Member:
    points.earn(member_id=member.pk, amount=10_000, source="gift", moment=NOON)
    return member


@pytest.mark.parametrize(
    ("limits", "cents", "on_order", "spent", "found"),
    [
        (HALF, 9_999, 0, {}, Room(4_999, "order")),  # rounded down: never more than the part
        (HALF, 9_999, 4_000, {}, Room(999, "order")),
        (HALF, 9_999, 6_000, {}, Room(0, "order")),  # the limit was lowered since
        (Limits(30), 100, 0, {}, Room(333, "order")),  # 333 points are 99 分; without a part, the whole order
        (Limits(0, 50), 100, 0, {}, Room(None)),  # points without a worth
        (Limits(100, 0), 100, 0, {}, Room(0, "order")),
        (Limits(100, None, {"day": 60, "life": 500}), 10_000, 0, {"day": 10, "life": 480}, Room(20, "life")),
        (Limits(100, None, {"day": 60, "life": 500}), 10_000, 0, {"day": 10, "life": 100}, Room(50, "day")),
    ],
)
def test_the_narrowest_limit_says_what_is_left(limits, cents, on_order, spent, found):
    assert spend_limits.room(limits, order_cents=cents, on_order=on_order, spent=spent) == found


def test_no_more_than_its_part_of_an_order_is_paid_with_points(rich: Member):
    limited(order_percent=50)
    order = paid(rich, "1", 1_000)
    assert spend_limits.left(member_id=rich.pk, order_cents=1_000, moment=NOON) == Room(500, "order")

    with pytest.raises(SpendLimitReached) as refused:
        pay(rich, order, 501, "a")
    assert refused.value.facts == {"left": 500, "by": "order"}
    assert (totals(rich)[0], Payment.objects.count(), Entry.objects.filter(kind="spend").count()) == (10_000, 0, 0)

    pay(rich, order, 300, "b")
    pay(rich, order, 300, "b")  # again: nothing new, nothing refused
    assert spend_limits.left(member_id=rich.pk, order_cents=1_000, order_id=order.pk, moment=NOON) == Room(200, "order")
    with pytest.raises(SpendLimitReached) as refused:
        pay(rich, order, 201, "c")
    assert refused.value.facts["left"] == 200
    pay(rich, order, 200, "d")
    assert totals(rich)[0] == 9_500
    pay(rich, paid(rich, "2", 1_000), 600, "e", order_cents=1_200)  # what it cost before other money came off


def test_a_period_counts_what_stays_spent_on_all_orders_and_begins_anew(rich: Member, friend: Member):
    limited(day=100, month=150)
    first, second = paid(rich, "1", 50_000), paid(rich, "2", 50_000)
    pay(rich, first, 60, "a")
    aside = takebacks.hold_for_order(member_id=rich.pk, order_id=second.pk, amount=40, source="h", moment=NOON)
    with pytest.raises(SpendLimitReached) as refused:
        pay(rich, second, 1, "b")
    assert refused.value.facts == {"left": 0, "by": "day"}

    points.capture(entry_id=aside.entry_id, amount=10, source="taken", moment=NOON)  # 30 of 40 went back
    points.give_back(entry_id=Entry.objects.get(source="a").pk, amount=20, source="back", moment=NOON)  # 20 of 60
    assert spend_limits.left(member_id=rich.pk, order_cents=50_000, moment=NOON) == Room(50, "day")
    tomorrow = NOON + timedelta(days=1)  # 1 December: a new month
    assert spend_limits.left(member_id=rich.pk, order_cents=50_000, moment=tomorrow) == Room(100, "day")

    points.earn(member_id=friend.pk, amount=100, source="gift", moment=NOON)
    pay(friend, paid(friend, "3", 50_000), 45, "f")
    points.join(from_id=friend.pk, to_id=rich.pk, source="merge:1", moment=NOON)
    Member.objects.filter(pk=friend.pk).update(merged_into=rich, status="merged")
    assert spend_limits.left(member_id=rich.pk, order_cents=50_000, moment=NOON) == Room(5, "day")


def test_a_basket_let_go_leaves_the_limit_of_a_life_as_it_was(rich: Member):
    limited(life=100)
    order = orders.record(source="test", order_no="9", member_id=rich.pk, lines=[], total_cents=50_000)
    takebacks.hold_for_order(member_id=rich.pk, order_id=order.pk, amount=100, source="h", moment=NOON)
    with pytest.raises(SpendLimitReached):
        pay(rich, paid(rich, "1", 50_000), 1, "a")

    takebacks.cancel_order(order_id=order.pk, moment=NOON)
    pay(rich, paid(rich, "2", 50_000), 100, "b")
    with pytest.raises(SpendLimitReached) as refused:
        pay(rich, paid(rich, "3", 50_000), 1, "c", moment=NOON + timedelta(days=300))
    assert refused.value.facts == {"left": 0, "by": "life"}


@pytest.mark.django_db(transaction=True)
def test_two_tills_at_once_do_not_pass_the_limit_together(rich: Member):
    limited(day=100)
    orders_of = [paid(rich, str(number), 50_000) for number in range(4)]
    said, together = [], Barrier(4)

    def till(order: Order) -> None:
        together.wait()
        try:
            said.append(pay(rich, order, 60, f"till:{order.pk}").amount)
        except SpendLimitReached as refusal:
            said.append(-refusal.facts["left"])
        finally:
            connection.close()

    threads = [Thread(target=till, args=[order]) for order in orders_of]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(said) == [-40, -40, -40, 60]
    assert totals(rich)[0] == 9_940


def test_tighter_counts_at_once_looser_when_a_second_person_agrees(db: None):
    maker, checker = (User.objects.create(username=name) for name in ("maker", "checker"))
    tight = Limits(100, 50, {"day": 100})
    assert spend_limits.save(currency="points", wanted=tight, by=maker) is None
    assert spend_limits.of(Currency.objects.get(key="points")) == tight

    for looser in (
        Limits(101, 50, {"day": 100}),
        Limits(100, None, {"day": 100}),
        Limits(100, 50),
        Limits(100, 50, {"day": 101}),
    ):
        asked = spend_limits.save(currency="points", wanted=looser, by=maker)
        assert asked is not None
        assert spend_limits.save(currency="points", wanted=looser, by=maker) == asked
        assert spend_limits.of(Currency.objects.get(key="points")) == tight
    approvals.decide(approval_id=asked, user_id=checker.pk, is_agreed=True)
    assert spend_limits.of(Currency.objects.get(key="points")) == looser
    with pytest.raises(SpendLimitsMovedOn):
        approvals.decide(approval_id=asked - 1, user_id=checker.pk, is_agreed=True)
    assert spend_limits.of(Currency.objects.get(key="points")) == looser
