"""Two levels of commission: frozen, free, paid out once, gone with refunds, and nothing for rings, third levels or oneself."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime

import pytest
from django.db import IntegrityError, connection, transaction

from apps.core import clock as house_clock
from apps.core.errors import DomainError
from apps.core.models import User
from apps.members.models import Member
from apps.orders import services as orders
from apps.points import selectors as points
from apps.referral import commissions, services
from apps.referral.errors import WithdrawalSettled, WithdrawalTooLarge, WithdrawalTooSmall
from apps.referral.models import Commission, Step
from tests.referral.making import DAY, NOON, buys, friend_of, member, program
from tests.waiting import somebody_waits, until

Run = Callable[..., None]


@pytest.fixture(autouse=True)
def noon(clock: Callable[[datetime], datetime]) -> None:
    """What happened is told within the day."""
    clock(NOON)


SHARES = {"first_permille": 50, "second_permille": 10, "freeze_days": 15, "least_withdrawal_cents": 100}


@pytest.fixture
def chain(db: None, run_flows: Run) -> list[Member]:
    """Each invited the next: four people."""
    program(**SHARES)
    people = [member("一")]
    for name in "二三四":
        people.append(friend_of(people[-1], name))
        run_flows()
    return people


def money(who: Member) -> tuple[int, int]:
    found = commissions.standing(who.pk)
    return found.frozen, found.free


def free(at: datetime = NOON + 20 * DAY) -> int:
    return commissions.free_due(moment=at)


def test_two_levels_get_their_share_and_a_third_nothing(chain: list[Member], run_flows: Run):
    buys(chain[3], cents=10_000)
    run_flows()
    run_flows()
    assert [money(who) for who in chain] == [(0, 0), (100, 0), (500, 0), (0, 0)]
    assert free(NOON + 15 * DAY - DAY / 86_400) == 0
    assert free(NOON + 15 * DAY) == 2
    assert [money(who) for who in chain] == [(0, 0), (0, 100), (0, 500), (0, 0)]
    with pytest.raises(IntegrityError), transaction.atomic():
        Commission.objects.update(level=3)


def test_a_refund_takes_its_part_and_a_whole_one_all_also_what_was_paid_out(chain: list[Member], run_flows: Run):
    order = buys(chain[3], cents=10_000)
    buys(chain[3], cents=2_000)
    run_flows()
    orders.refund(order_id=order.pk, source="a", amount_cents=4_000, refunded_at=NOON + DAY)
    run_flows()
    assert money(chain[2]) == (300 + 100, 0)
    free()
    user = User.objects.create_user(username="kasse")
    with house_clock.frozen(NOON + 20 * DAY):
        row = commissions.withdraw(member_id=chain[2].pk, cents=400, source="w:1", least=100)
        commissions.settle(withdrawal_id=row.pk, is_paid=True, reference="PAY-1", user_id=user.pk)
        orders.refund(order_id=order.pk, source="b", amount_cents=6_000, refunded_at=NOON + 20 * DAY)
        run_flows()
        assert money(chain[2]) == (0, -300)
        with pytest.raises(WithdrawalTooLarge):
            commissions.withdraw(member_id=chain[2].pk, cents=100, source="w:2", least=100)


def test_a_friendship_that_does_not_count_takes_both_levels_along(chain: list[Member], run_flows: Run):
    buys(chain[3], cents=10_000)
    run_flows()
    services.left(member_ids=[chain[3].pk])

    assert [money(who) for who in chain[:3]] == [(0, 0)] * 3
    assert Commission.objects.count() == 2


def test_what_was_bought_too_late_or_after_the_program_ended_brings_nothing(chain: list[Member], run_flows: Run):
    program(**SHARES, commission_days=30)
    for days, is_on, there in ((31, True, 0), (2, False, 0), (30, True, 2)):
        services.set_program(is_on=is_on)
        with house_clock.frozen(NOON + days * DAY):
            buys(chain[3], at=NOON + days * DAY)
            run_flows()
        assert Commission.objects.count() == there


def test_a_payment_is_asked_for_once_and_settled_once(chain: list[Member], run_flows: Run):
    buys(chain[3], cents=10_000)
    run_flows()
    free()
    user, who = User.objects.create_user(username="kasse"), chain[2].pk
    with pytest.raises(WithdrawalTooSmall):
        commissions.withdraw(member_id=who, cents=99, source="w:0", least=100)
    first = commissions.withdraw(member_id=who, cents=300, source="w:1", least=100)
    assert commissions.withdraw(member_id=who, cents=300, source="w:1", least=100) == first
    with pytest.raises(WithdrawalTooLarge):
        commissions.withdraw(member_id=who, cents=201, source="w:2", least=100)
    commissions.settle(withdrawal_id=first.pk, is_paid=False, reference="账号不对", user_id=user.pk)
    assert money(chain[2]) == (0, 500)
    with pytest.raises(WithdrawalSettled):
        commissions.settle(withdrawal_id=first.pk, is_paid=True, reference="PAY", user_id=user.pk)
    second = commissions.withdraw(member_id=who, cents=500, source="w:3", least=100)
    Commission.objects.filter(level=1).update(taken_cents=200)
    with pytest.raises(WithdrawalTooLarge):  # a refund was faster than the till
        commissions.settle(withdrawal_id=second.pk, is_paid=True, reference="PAY", user_id=user.pk)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_ask_at_once_nobody_gets_more_than_is_free(run_flows: Run):
    program(**SHARES)
    advocate = member("一")
    friend = friend_of(advocate, "二")
    run_flows()
    buys(friend, cents=10_000)
    run_flows()
    free()

    def ask(number: int, then: Callable[[], None] = lambda: None) -> str:
        try:
            with transaction.atomic():
                commissions.withdraw(member_id=advocate.pk, cents=300, source=f"w:{number}", least=100)
                then()
        except DomainError as refusal:
            return refusal.code
        finally:
            connection.close()
        return "asked"

    with ThreadPoolExecutor(2) as two:
        others: list[Future[str]] = []

        def another_asks() -> None:
            others.append(two.submit(ask, 2))
            until(lambda: somebody_waits() or others[0].done())

        said = [two.submit(ask, 1, another_asks).result(), others[0].result()]
    assert said == ["asked", WithdrawalTooLarge.code]
    assert money(advocate) == (0, 200)


def test_steps_are_given_once_taken_back_and_given_again(db: None, run_flows: Run):
    program(points=0, friend_points=0, steps=[{"friends": 2, "points": 300}, {"friends": 3, "points": 900}])
    advocate = member("一")
    friends = [friend_of(advocate, name) for name in "二三四"]
    run_flows()
    for friend in friends[:2]:
        buys(friend)
    run_flows()

    def settle(day: int) -> int:
        with house_clock.frozen(NOON + day * DAY):
            services.settle_due(moment=NOON + day * DAY)
            run_flows()
        return points.totals(member_id=advocate.pk).balance

    assert (settle(8), settle(9)) == (300, 300)
    with house_clock.frozen(NOON + 9 * DAY):
        services.left(member_ids=[friends[0].pk])
    assert settle(10) == 0
    with house_clock.frozen(NOON + 10 * DAY):
        buys(friends[2], at=NOON + 10 * DAY)
        run_flows()
    assert settle(18) == 300
    assert list(Step.objects.values_list("friends", "times")) == [(2, 2)]
