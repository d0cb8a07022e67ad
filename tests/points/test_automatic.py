"""Rewards that are taken by themselves: from the mark on, so often a day, and never by a race."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from apps.members.models import Member
from apps.points import automatic, mall
from apps.points.models import Account, Exchange, Reward
from tests.points.gifts import gift, rich
from tests.points.test_mall_races import at_once, people

NOW = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)  # noon in the shop
pytestmark = pytest.mark.django_db


def ticket(**fields: int) -> Reward:
    return gift("ticket", kind=Reward.Kind.VIRTUAL, coupon_key="ten-off", **({"points": 50, "auto_from": 200} | fields))


def balance(member: Member) -> int:
    return Account.objects.get(member=member, currency__key="points").balance


@pytest.mark.parametrize(
    ("had", "per_day", "got"),
    [(199, 10, 0), (200, 10, 1), (250, 10, 2), (1000, 10, 10), (1000, 3, 3)],
)
def test_one_after_the_other_is_taken_while_the_balance_reaches_the_mark(
    member: Member, had: int, per_day: int, got: int
):
    ticket(auto_per_day=per_day)
    rich(member, had)

    taken = automatic.exchange_all(moment=NOW)

    assert taken == ({"ticket": got} if got else {})
    assert balance(member) == had - 50 * got
    assert Exchange.objects.filter(member=member, state="done").count() == got


def test_a_day_has_its_cap_whatever_is_earned_or_cancelled_and_the_next_begins_anew(member: Member):
    reward = gift("cup", points=50, auto_from=60)
    rich(member, 1000)
    automatic.exchange_all(moment=NOW)
    mall.cancel(exchange_id=Exchange.objects.get().pk, by_member=member.pk, moment=NOW)

    later = [automatic.exchange_all(moment=NOW + timedelta(hours=hours)) for hours in (1, 11, 12, 13)]

    assert later == [{}, {}, {"cup": 1}, {}]  # 24:00 in the shop is twelve hours after noon
    assert balance(member) == 950
    assert [row.source for row in Exchange.objects.order_by("pk")] == [
        f"auto:{reward.pk}:2026-11-30:1",
        f"auto:{reward.pk}:2026-12-01:1",
    ]


def test_whom_a_rule_of_the_mall_stops_keeps_the_points_and_stops_nobody_else():
    frozen, first, second, third = people(4, with_points=300)
    Account.objects.filter(member=frozen).update(is_frozen=True)
    Member.objects.filter(pk=third.pk).update(status="frozen")
    ticket(left=3, per_member=1, auto_per_day=2)
    gift("later", points=10, auto_from=10, starts_at=NOW + timedelta(days=1))

    assert automatic.exchange_all(moment=NOW) == {"ticket": 2}
    assert [balance(one) for one in (frozen, first, second, third)] == [300, 250, 250, 300]


def test_when_the_shelf_is_empty_the_rest_keep_their_points():
    crowd = people(3, with_points=300)
    ticket(left=2)

    assert automatic.exchange_all(moment=NOW) == {"ticket": 2}
    assert [balance(one) for one in crowd] == [250, 250, 300]


@pytest.mark.parametrize(
    "unfit", [{"auto_from": 49}, {"cash_cents": 1}, {"is_store_limited": True}, {"auto_per_day": 11}]
)
def test_the_table_refuses_what_nobody_could_take_by_itself(unfit: dict):
    with pytest.raises(IntegrityError), transaction.atomic():
        ticket(**unfit)


@pytest.mark.django_db(transaction=True)
def test_runs_at_the_same_time_take_no_more():
    crowd = people(6, with_points=300)
    ticket(auto_per_day=2)

    at_once([lambda: automatic.exchange_all(moment=NOW)] * 4, writers=4)

    assert [balance(one) for one in crowd] == [200] * 6
    assert Exchange.objects.count() == 12
