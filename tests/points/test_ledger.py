"""The books of one member: each sentence with exact totals; a refusal leaves no line."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.members.models import Member
from apps.points import selectors
from apps.points import services as points
from apps.points.errors import AccountFrozen, HoldOver, MoreThanThere, NotEnoughPoints, SourceReused
from apps.points.models import Account, Currency, Entry, Lot
from tests.points.accounts import MONDAY, earn, totals


def test_earning_and_spending_move_the_balance(member: Member):
    earn(member, 100, "order:1")
    spent = points.spend(member_id=member.pk, amount=30, source="gift:1", moment=MONDAY)

    assert (spent.balance, spent.is_new) == (70, True)
    assert totals(member) == (70, 0, 0, 0)
    assert list(Entry.objects.order_by("pk").values_list("kind", "amount", "balance_after")) == [
        ("earn", 100, 100), ("spend", -30, 70),
    ]  # fmt: skip


def test_the_same_source_again_changes_nothing_and_another_amount_is_refused(member: Member):
    first = earn(member, 100, "order:1")
    again = earn(member, 100, "order:1")

    assert (again.entry_id, again.is_new) == (first.entry_id, False)
    with pytest.raises(SourceReused) as refusal:
        earn(member, 90, "order:1")
    assert refusal.value.facts == {"recorded": 100}
    assert totals(member) == (100, 0, 0, 0)
    assert Entry.objects.count() == 1


def test_overspending_is_refused_and_leaves_no_trace(member: Member):
    earn(member, 50, "order:1")

    with pytest.raises(NotEnoughPoints) as refusal:
        points.spend(member_id=member.pk, amount=51, source="gift:9", moment=MONDAY)

    assert refusal.value.facts == {"balance": 50, "needed": 51}
    assert Entry.objects.count() == 1


def test_a_frozen_account_earns_but_does_not_spend(member: Member):
    earn(member, 50, "order:1")
    Account.objects.update(is_frozen=True)
    earn(member, 10, "order:2")

    with pytest.raises(AccountFrozen):
        points.spend(member_id=member.pk, amount=5, source="gift:1", moment=MONDAY)
    assert totals(member) == (60, 0, 0, 0)


def test_the_first_to_expire_is_spent_first(member: Member):
    earn(member, 40, "late", terms=points.Terms(expires_at=MONDAY + timedelta(days=90)))
    earn(member, 40, "soon", terms=points.Terms(expires_at=MONDAY + timedelta(days=10)))
    earn(member, 40, "never", terms=points.Terms(expiry={"kind": "never"}))

    points.spend(member_id=member.pk, amount=60, source="gift:1", moment=MONDAY)

    left = dict(Lot.objects.values_list("entry__source", "remaining"))
    assert left == {"soon": 0, "late": 20, "never": 40}


def test_what_has_run_out_cannot_be_spent_before_any_sweep(member: Member):
    ends = MONDAY + timedelta(days=1)
    earn(member, 40, "soon", terms=points.Terms(expires_at=ends))
    earn(member, 5, "never", terms=points.Terms(expiry={"kind": "never"}))

    assert selectors.totals(member_id=member.pk, moment=ends).balance == 5
    with pytest.raises(NotEnoughPoints):
        points.spend(member_id=member.pk, amount=6, source="gift:1", moment=ends)
    points.spend(member_id=member.pk, amount=5, source="gift:2", moment=ends)

    assert totals(member) == (0, 0, 0, 0)
    assert list(Entry.objects.filter(kind="expire").values_list("amount", "balance_after", "at")) == [(-40, 5, ends)]


def test_pending_points_wait_for_their_day_and_expire_from_then_on(member: Member):
    due = MONDAY + timedelta(days=7)
    earn(member, 30, "order:1", terms=points.Terms(is_pending=True, due_at=due, expiry={"kind": "after", "days": 10}))
    assert totals(member) == (0, 30, 0, 0)

    assert points.settle_due(moment=due - timedelta(seconds=1)) == 0
    assert points.settle_due(moment=due) == 1

    assert totals(member) == (30, 0, 0, 0)
    lot = Lot.objects.get()
    assert (lot.activated_at, lot.expires_at) == (due, datetime(2026, 12, 17, 16, 0, tzinfo=UTC))


def test_points_that_wait_for_a_fact_lapse_without_it(member: Member):
    lapses = MONDAY + timedelta(days=30)
    waiting = earn(member, 30, "order:1", terms=points.Terms(is_pending=True, lapse_at=lapses))
    earn(member, 20, "order:2", terms=points.Terms(is_pending=True, lapse_at=lapses))

    assert points.release(entry_id=waiting.entry_id, moment=MONDAY + timedelta(days=2)) is True
    assert points.release(entry_id=waiting.entry_id, moment=MONDAY + timedelta(days=3)) is False
    points.settle_due(moment=lapses)

    assert totals(member) == (30, 0, 0, 0)
    assert list(Entry.objects.filter(kind="lapse").values_list("pending", flat=True)) == [-20]


def test_a_refund_takes_from_its_own_lot_then_from_others_then_as_a_debt_which_the_next_earning_pays(member: Member):
    bought = earn(member, 100, "order:1")
    earn(member, 20, "order:2")
    points.spend(member_id=member.pk, amount=90, source="gift:1", moment=MONDAY)

    undone = points.reverse(entry_id=bought.entry_id, amount=100, source="refund:1", moment=MONDAY)
    assert (undone.balance, undone.debt) == (0, 70)

    earned = earn(member, 100, "order:3")
    assert (earned.balance, earned.debt) == (30, 0)
    with pytest.raises(MoreThanThere):
        points.reverse(entry_id=bought.entry_id, amount=1, source="refund:2", moment=MONDAY)


def test_what_ran_out_unspent_is_no_debt(member: Member):
    bought = earn(member, 100, "order:1", terms=points.Terms(expires_at=MONDAY + timedelta(days=1)))
    later = MONDAY + timedelta(days=2)

    undone = points.reverse(entry_id=bought.entry_id, amount=100, source="refund:1", moment=later)

    assert (undone.balance, undone.debt) == (0, 0)


def test_within_balance_forgives_but_keeps_nothing_that_comes_back(member: Member):
    Currency.objects.filter(key="points").update(refund_policy="within_balance")
    bought = earn(member, 100, "order:1")
    gift = points.spend(member_id=member.pk, amount=100, source="gift:1", moment=MONDAY)
    points.reverse(entry_id=bought.entry_id, amount=100, source="refund:1", moment=MONDAY)
    assert totals(member) == (0, 0, 0, 0)

    points.give_back(entry_id=gift.entry_id, amount=100, source="gift:1:back", moment=MONDAY)
    assert totals(member) == (0, 0, 0, 0)


def test_only_pending_leaves_what_is_usable(member: Member):
    Currency.objects.filter(key="points").update(refund_policy="only_pending")
    usable = earn(member, 100, "order:1")
    waiting = earn(member, 50, "order:2", terms=points.Terms(is_pending=True))

    points.reverse(entry_id=usable.entry_id, amount=100, source="refund:1", moment=MONDAY)
    points.reverse(entry_id=waiting.entry_id, amount=50, source="refund:2", moment=MONDAY)

    assert totals(member) == (100, 0, 0, 0)


def test_spent_points_come_back_to_their_own_lots_last_taken_first(member: Member):
    soon, late = MONDAY + timedelta(days=10), MONDAY + timedelta(days=90)
    earn(member, 60, "soon", terms=points.Terms(expires_at=soon))
    earn(member, 60, "late", terms=points.Terms(expires_at=late))
    gift = points.spend(member_id=member.pk, amount=100, source="gift:1", moment=MONDAY)

    points.give_back(entry_id=gift.entry_id, amount=50, source="gift:1:a", moment=MONDAY)
    assert dict(Lot.objects.values_list("entry__source", "remaining")) == {"soon": 10, "late": 60}
    points.give_back(entry_id=gift.entry_id, amount=50, source="gift:1:b", moment=soon)

    assert totals(member) == (60, 0, 0, 0)  # what came back after its end expired at once
    with pytest.raises(MoreThanThere):
        points.give_back(entry_id=gift.entry_id, amount=1, source="gift:1:c", moment=soon)


def test_a_hold_is_captured_in_part_and_the_rest_goes_back(member: Member):
    earn(member, 100, "order:1")
    aside = points.hold(member_id=member.pk, amount=80, source="basket:1", moment=MONDAY)
    assert totals(member) == (20, 0, 80, 0)

    points.capture(entry_id=aside.entry_id, amount=50, source="order:2", moment=MONDAY)
    points.capture(entry_id=aside.entry_id, amount=50, source="order:2", moment=MONDAY)

    assert totals(member) == (50, 0, 0, 0)
    with pytest.raises(HoldOver):
        points.let_go(entry_id=aside.entry_id, source="basket:1:off", moment=MONDAY)


def test_a_hold_runs_out_by_itself_and_cannot_be_captured_afterwards(member: Member):
    earn(member, 100, "order:1")
    aside = points.hold(member_id=member.pk, amount=80, source="basket:1", moment=MONDAY)
    over = MONDAY + points.HOLD_FOR

    with pytest.raises(HoldOver):
        points.capture(entry_id=aside.entry_id, amount=80, source="order:2", moment=over)
    assert points.let_go_expired(moment=over) == 1
    assert points.let_go_expired(moment=over) == 0

    assert totals(member) == (100, 0, 0, 0)


def test_joining_records_moves_lots_and_settles_debts(member: Member, friend: Member):
    bought = earn(member, 100, "order:1")
    points.spend(member_id=member.pk, amount=100, source="gift:1", moment=MONDAY)
    points.reverse(entry_id=bought.entry_id, amount=100, source="refund:1", moment=MONDAY)
    earn(friend, 130, "order:2")

    points.join(from_id=member.pk, to_id=friend.pk, source="merge:1", moment=MONDAY)
    points.join(from_id=member.pk, to_id=friend.pk, source="merge:1", moment=MONDAY)

    assert totals(friend) == (30, 0, 0, 0)
    assert totals(member) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("policy", "start", "last_day"),
    [
        ({"kind": "after", "months": 1}, (2026, 1, 31), (2026, 2, 28)),
        ({"kind": "after", "months": 1}, (2028, 1, 31), (2028, 2, 29)),
        ({"kind": "after", "months": 12}, (2028, 2, 29), (2029, 2, 28)),
        ({"kind": "after", "months": 12, "round_to": "month"}, (2026, 11, 5), (2027, 11, 30)),
        ({"kind": "after", "months": 3, "round_to": "quarter"}, (2026, 11, 30), (2027, 3, 31)),
        ({"kind": "after", "months": 1, "round_to": "half_year"}, (2026, 5, 31), (2026, 6, 30)),
        ({"kind": "after", "months": 2, "round_to": "half_year"}, (2026, 5, 31), (2026, 12, 31)),
        ({"kind": "after", "days": 0}, (2026, 11, 30), (2026, 11, 30)),
        ({"kind": "after", "days": 365, "round_to": "year"}, (2026, 11, 30), (2027, 12, 31)),
        ({"kind": "on", "month": 12, "day": 31, "years": 1}, (2026, 12, 31), (2027, 12, 31)),
        ({"kind": "on", "month": 3, "day": 31}, (2026, 4, 1), (2027, 3, 31)),
        ({"kind": "on", "month": 2, "day": 29}, (2026, 1, 1), (2026, 2, 28)),
        ({"kind": "on", "month": 2, "day": 29}, (2028, 1, 1), (2028, 2, 29)),
    ],
)
@pytest.mark.parametrize("hour", [0, 23])
def test_points_are_valid_through_their_last_day(
    member: Member, policy: dict, start: tuple[int, int, int], last_day: tuple[int, int, int], hour: int
):
    moment = datetime(*start, hour, 59, tzinfo=points.clock.SHOP_ZONE)

    points.earn(member_id=member.pk, amount=1, source="x", terms=points.Terms(expiry=policy), moment=moment)

    assert Lot.objects.get().expires_at == points.clock.day_end(datetime(*last_day, tzinfo=UTC).date())


def test_idle_accounts_lose_their_points_and_active_ones_keep_them(member: Member):
    Currency.objects.filter(key="points").update(expiry={"kind": "idle", "months": 6})
    earn(member, 10, "order:1")
    points.earn(member_id=member.pk, amount=5, source="order:2", moment=MONDAY + timedelta(days=100))

    ends = set(Lot.objects.values_list("expires_at", flat=True))
    assert ends == {datetime(2027, 9, 10, 16, 0, tzinfo=UTC)}
