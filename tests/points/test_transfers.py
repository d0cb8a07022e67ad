"""Points given to another member: at most so many a day, with a fee, never what is pending or over."""

from datetime import timedelta

import pytest

from apps.members.models import Member
from apps.points import services as points
from apps.points.errors import (
    AccountFrozen,
    MoreThanThere,
    NotEnoughPoints,
    SourceReused,
    TransferCapReached,
    TransferOff,
    TransferToSelf,
)
from apps.points.models import Account, Currency, Entry, Lot
from tests.points.accounts import MONDAY, earn, join, spend, totals


@pytest.fixture(autouse=True)
def _may_give(db: None) -> None:
    Currency.objects.filter(key="points").update(transfer={"daily_cap": 200, "fee_percent": 10, "expiry": "keep"})


def give(giver: Member, taker: Member, amount: int, source: str = "t:1", **more: object) -> points.Posting:
    values = {"from_id": giver.pk, "to_id": taker.pk, "amount": amount, "source": source, "moment": MONDAY} | more
    return points.transfer(**values)  # type: ignore[arg-type]


def test_the_giver_pays_the_fee_and_the_days_are_kept(member: Member, friend: Member):
    soon, late = MONDAY + timedelta(days=5), MONDAY + timedelta(days=50)
    earn(member, 40, "late", terms=points.Terms(expires_at=late))
    earn(member, 40, "soon", terms=points.Terms(expires_at=soon))

    given = give(member, friend, 59)
    again = give(member, friend, 59)

    assert (given.amount, given.balance, again.is_new) == (59, 16, False)
    assert (totals(member), totals(friend)) == ((16, 0, 0, 0), (59, 0, 0, 0))
    assert list(Lot.objects.filter(account__member=friend).order_by("pk").values_list("remaining", "expires_at")) == [
        (40, soon), (19, late),
    ]  # fmt: skip


def test_the_days_begin_anew_where_the_currency_says_so(member: Member, friend: Member):
    Currency.objects.filter(key="points").update(transfer={"expiry": "reset"})
    earn(member, 40, "soon", terms=points.Terms(expires_at=MONDAY + timedelta(days=5)))
    give(member, friend, 40)

    assert Lot.objects.get(account__member=friend).expires_at == points.clock.parse("2028-01-01T00:00")


def test_a_fee_that_changed_does_not_make_a_repeat_another_gift(member: Member, friend: Member):
    earn(member, 100, "order:1")
    give(member, friend, 50)
    Currency.objects.filter(key="points").update(transfer={"fee_percent": 0})

    assert not give(member, friend, 50).is_new
    with pytest.raises(SourceReused):
        give(member, friend, 49)
    assert (totals(member), totals(friend)) == ((45, 0, 0, 0), (50, 0, 0, 0))


def test_the_same_name_of_a_gift_by_two_givers_is_two_gifts(member: Member, friend: Member, third: Member):
    earn(member, 20, "order:1")
    earn(friend, 20, "order:2")
    give(member, third, 10)
    give(friend, third, 10)

    assert totals(third) == (20, 0, 0, 0)


def test_a_day_has_its_end_and_the_next_one_begins_at_midnight_of_the_shop(member: Member, friend: Member):
    earn(member, 1000, "order:1")
    give(member, friend, 100, "t:1")

    with pytest.raises(TransferCapReached) as refusal:
        give(member, friend, 83, "t:2")
    assert refusal.value.facts == {"left": 90}
    midnight = points.clock.day_end(points.clock.local_date(MONDAY))
    with pytest.raises(TransferCapReached):
        give(member, friend, 83, "t:2", moment=midnight - timedelta(seconds=1))
    give(member, friend, 83, "t:2", moment=midnight)

    assert totals(friend) == (183, 0, 0, 0)


def test_a_gift_pays_the_takers_debt_first(member: Member, friend: Member):
    bought = earn(friend, 30, "order:1")
    spend(friend, 30, "gift:1")
    points.reverse(entry_id=bought.entry_id, amount=30, source="refund:1", moment=MONDAY)
    earn(member, 100, "order:2")
    give(member, friend, 50)

    assert totals(friend) == (20, 0, 0, 0)


def test_refused_gifts_leave_no_line(member: Member, friend: Member):
    earn(member, 30, "order:1", terms=points.Terms(is_pending=True))
    earn(member, 20, "order:2", terms=points.Terms(expires_at=MONDAY + timedelta(days=1)))
    earn(member, 30, "order:3")
    lines = Entry.objects.count()

    with pytest.raises(NotEnoughPoints):
        give(member, friend, 48)  # 52 with the fee
    with pytest.raises(NotEnoughPoints):
        give(member, friend, 30, moment=MONDAY + timedelta(days=1))
    with pytest.raises(TransferToSelf):
        give(member, member, 1)
    with pytest.raises(TransferOff):
        give(member, friend, 1, currency="growth")
    Account.objects.filter(member=member).update(is_frozen=True)
    with pytest.raises(AccountFrozen):
        give(member, friend, 1)

    assert Entry.objects.exclude(kind="expire").count() == lines
    assert not Entry.objects.filter(account__member=friend).exists()


def test_a_record_joined_to_the_giver_is_the_giver(member: Member, friend: Member):
    earn(member, 30, "order:1")
    join(friend, member)

    with pytest.raises(TransferToSelf):
        give(member, friend, 5)


def test_what_was_given_away_is_not_given_back_beside_the_taker(member: Member, friend: Member):
    bought = earn(member, 100, "order:1")
    given = give(member, friend, 50)

    with pytest.raises(MoreThanThere):
        points.give_back(entry_id=given.entry_id, amount=50, source="back", moment=MONDAY)
    points.reverse(entry_id=bought.entry_id, amount=100, source="refund:1", moment=MONDAY)

    assert (totals(member), totals(friend)) == ((0, 0, 0, 55), (50, 0, 0, 0))
