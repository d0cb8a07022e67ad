"""What comes back, and what cannot: each hole a hostile reader would try."""

from datetime import timedelta

import pytest

from apps.members.models import Member
from apps.points import services as points
from apps.points.errors import MoreThanThere, SourceReused
from apps.points.models import Currency, Entry, Hold, Lot
from tests.points.accounts import MONDAY, earn, hold, spend, totals


def give_back(line: points.Posting, amount: int, source: str = "back") -> points.Posting:
    return points.give_back(entry_id=line.entry_id, amount=amount, source=source, moment=MONDAY)


def test_what_is_set_aside_is_not_given_back_beside_its_hold(member: Member):
    earn(member, 100, "order:1")
    aside = hold(member, 80, "basket:1")

    with pytest.raises(MoreThanThere):
        give_back(aside, 10)

    points.let_go(entry_id=aside.entry_id, source="off", moment=MONDAY)
    assert totals(member) == (100, 0, 0, 0)


def test_a_captured_hold_is_given_back_by_either_of_its_lines(member: Member):
    earn(member, 100, "order:1")
    aside = hold(member, 80, "basket:1")
    spent = points.capture(entry_id=aside.entry_id, amount=60, source="order:2", moment=MONDAY)

    give_back(spent, 20, "back:1")
    give_back(aside, 40, "back:2")

    assert totals(member) == (100, 0, 0, 0)
    with pytest.raises(MoreThanThere):
        give_back(spent, 1, "back:3")


def test_a_reversal_cannot_be_reversed_or_given_back(member: Member):
    bought = earn(member, 100, "order:1")
    undone = points.reverse(entry_id=bought.entry_id, amount=100, source="refund:1", moment=MONDAY)

    with pytest.raises(MoreThanThere):
        points.reverse(entry_id=undone.entry_id, amount=1, source="refund:2", moment=MONDAY)
    with pytest.raises(MoreThanThere):
        give_back(undone, 1)
    assert totals(member) == (0, 0, 0, 0)


def test_one_source_for_two_lines_is_refused_not_taken_for_a_repeat(member: Member):
    first, second = earn(member, 50, "order:1:a"), earn(member, 50, "order:1:b")
    points.reverse(entry_id=first.entry_id, amount=50, source="refund:1", moment=MONDAY)

    with pytest.raises(SourceReused):
        points.reverse(entry_id=second.entry_id, amount=50, source="refund:1", moment=MONDAY)
    assert totals(member) == (50, 0, 0, 0)


def test_the_sweep_of_holds_goes_past_one_that_is_stuck(member: Member, owner_cursor, transactional_db: None):
    earn(member, 100, "order:1")
    stuck = hold(member, 30, "basket:1")
    hold(member, 40, "basket:2")
    earn(member, 1, f"hold:{stuck.entry_id}:over")  # the sweep's own name, taken

    assert points.let_go_expired(moment=MONDAY + points.HOLD_FOR) == 1
    assert list(Hold.objects.order_by("pk").values_list("state", flat=True)) == ["held", "expired"]
    assert totals(member) == (71, 0, 30, 0)


def test_points_of_an_active_member_come_back_with_the_end_of_the_others(member: Member):
    Currency.objects.filter(key="points").update(expiry={"kind": "idle", "months": 6})
    earn(member, 10, "order:1")
    gift = spend(member, 10, "gift:1")
    later = MONDAY + timedelta(days=150)
    earn(member, 5, "order:2", moment=later)

    points.give_back(entry_id=gift.entry_id, amount=10, source="back", moment=later + timedelta(days=100))

    assert totals(member) == (15, 0, 0, 0)
    assert len(set(Lot.objects.values_list("expires_at", flat=True))) == 1


def test_growth_that_was_corrected_by_hand_still_leaves_room_for_the_whole_refund(member: Member):
    bought = earn(member, 100, "order:1", currency="growth")
    points.adjust(member_id=member.pk, amount=-30, source="hand:1", currency="growth", by=points.By(), moment=MONDAY)

    undone = points.reverse(entry_id=bought.entry_id, amount=100, source="refund:1", moment=MONDAY)

    assert (undone.balance, undone.debt) == (0, 30)


def test_pending_points_whose_day_is_past_are_usable_at_once(member: Member):
    earn(member, 30, "order:1", terms=points.Terms(is_pending=True, due_at=MONDAY - timedelta(days=1)))

    assert totals(member) == (30, 0, 0, 0)


def test_books_that_contradict_themselves_are_not_made_worse(member: Member, owner_cursor, transactional_db: None):
    earn(member, 100, "order:1")
    Lot.objects.update(remaining=40)

    with pytest.raises(points.DatabaseError):
        spend(member, 50, "gift:1")
    assert Entry.objects.count() == 1


def test_points_that_run_out_once_they_are_back_make_nobody_owe_what_stood_in_for_them(member: Member):
    ends = MONDAY + timedelta(days=2)
    first = earn(member, 100, "order:1", terms=points.Terms(expires_at=ends))
    gift = spend(member, 100, "gift:1")
    second = earn(member, 100, "order:2")
    points.reverse(entry_id=first.entry_id, amount=60, source="refund:1", moment=MONDAY)
    assert totals(member) == (40, 0, 0, 0)

    points.give_back(entry_id=gift.entry_id, amount=100, source="back", moment=ends)
    assert totals(member) == (100, 0, 0, 0)  # 40 were left of the first order, and ran out
    points.reverse(entry_id=second.entry_id, amount=100, source="refund:2", moment=ends)
    points.reverse(entry_id=first.entry_id, amount=40, source="refund:3", moment=ends)

    assert totals(member) == (0, 0, 0, 0)


def test_an_earning_that_paid_the_debt_of_another_is_made_whole_when_that_comes_back(member: Member):
    ends = MONDAY + timedelta(days=2)
    first = earn(member, 100, "order:1", terms=points.Terms(expires_at=ends))
    gift = spend(member, 100, "gift:1")
    points.reverse(entry_id=first.entry_id, amount=100, source="refund:1", moment=MONDAY)
    second = earn(member, 70, "order:2")
    assert totals(member) == (0, 0, 0, 30)

    points.give_back(entry_id=gift.entry_id, amount=100, source="back", moment=ends)
    assert totals(member) == (70, 0, 0, 0)
    points.reverse(entry_id=second.entry_id, amount=70, source="refund:2", moment=ends)
    assert totals(member) == (0, 0, 0, 0)
