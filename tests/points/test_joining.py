"""Merged records: no repeat is lost, nothing lands beside the survivor, and a merge comes apart as far as points are still there."""

import pytest

from apps.core.errors import NotFound
from apps.members.models import Member
from apps.points import services as points
from apps.points.errors import MoreThanThere
from apps.points.models import Account, Entry
from tests.points.accounts import MONDAY, earn, hold, join, part, spend, totals


def give_back(line: points.Posting, amount: int, source: str) -> points.Posting:
    return points.give_back(entry_id=line.entry_id, amount=amount, source=source, moment=MONDAY)


def reverse(line: points.Posting, amount: int, source: str) -> points.Posting:
    return points.reverse(entry_id=line.entry_id, amount=amount, source=source, moment=MONDAY)


def test_what_either_record_wrote_before_the_merge_counts_as_written(member: Member, friend: Member):
    bought = earn(member, 100, "order:1")
    gift = spend(member, 40, "gift:1")
    reverse(bought, 30, "refund:1")
    give_back(gift, 10, "gift:1:back")
    join(member, friend)
    before = totals(friend)

    assert not earn(friend, 100, "order:1").is_new
    assert not spend(friend, 40, "gift:1").is_new
    assert not reverse(bought, 30, "refund:1").is_new
    assert not give_back(gift, 10, "gift:1:back").is_new

    assert totals(friend) == before == (40, 0, 0, 0)


def test_what_is_booked_for_a_joined_record_lands_on_the_one_that_stayed(member: Member, friend: Member):
    join(member, friend)
    earn(member, 70, "order:7")
    spend(member, 20, "gift:7")

    assert (totals(member), totals(friend)) == ((0, 0, 0, 0), (50, 0, 0, 0))


def test_a_merge_without_points_still_leads_to_the_one_that_stayed(member: Member, friend: Member):
    earn(friend, 10, "order:1")
    join(member, friend)
    join(member, friend)

    assert Entry.objects.count() == 1
    assert earn(member, 5, "order:2").balance == 15


def test_a_hold_made_before_a_merge_is_captured_after_it(member: Member, friend: Member):
    earn(member, 100, "order:1")
    aside = hold(member, 80, "basket:1")
    join(member, friend)
    assert totals(friend) == (20, 0, 80, 0)

    points.capture(entry_id=aside.entry_id, amount=50, source="order:2", moment=MONDAY)

    assert totals(friend) == (50, 0, 0, 0)


def test_a_frozen_record_does_not_thaw_by_a_merge(member: Member, friend: Member):
    earn(member, 10, "order:1")
    Account.objects.filter(member=member).update(is_frozen=True)
    join(member, friend)

    with pytest.raises(points.AccountFrozen):
        spend(friend, 1, "gift:1")


def test_an_undone_merge_gives_back_what_is_still_there(member: Member, friend: Member):
    earn(member, 100, "order:1", terms=points.Terms(expires_at=MONDAY.replace(year=2027)))
    earn(member, 9, "order:2", terms=points.Terms(is_pending=True))
    earn(friend, 50, "order:3", terms=points.Terms(expiry={"kind": "never"}))
    join(member, friend)
    spend(friend, 30, "gift:1")  # of the joined record's lot, which ends first

    assert part(member, friend) == 2
    assert part(member, friend) == 0
    join(member, friend)  # the old fact once more

    assert (totals(member), totals(friend)) == ((70, 9, 0, 0), (50, 0, 0, 0))
    assert earn(member, 1, "order:4").balance == 71


def test_after_the_undoing_each_lot_gets_its_own_points_back(member: Member, friend: Member):
    earn(member, 100, "order:1", terms=points.Terms(expires_at=MONDAY.replace(year=2027)))
    earn(friend, 50, "order:2", terms=points.Terms(expiry={"kind": "never"}))
    join(member, friend)
    gift = spend(friend, 130, "gift:1")
    part(member, friend)

    back = give_back(gift, 130, "gift:1:back")
    again = give_back(gift, 130, "gift:1:back")

    assert (back.is_new, again.is_new) == (True, False)
    assert (totals(member), totals(friend)) == ((100, 0, 0, 0), (50, 0, 0, 0))
    with pytest.raises(MoreThanThere):
        give_back(gift, 1, "gift:1:more")


def test_a_hold_on_lots_of_both_is_let_go_after_the_undoing(member: Member, friend: Member):
    earn(member, 100, "order:1", terms=points.Terms(expires_at=MONDAY.replace(year=2027)))
    earn(friend, 50, "order:2", terms=points.Terms(expiry={"kind": "never"}))
    join(member, friend)
    aside = hold(friend, 120, "basket:1")
    part(member, friend)
    assert (totals(member), totals(friend)) == ((0, 0, 0, 0), (30, 0, 120, 0))

    points.let_go(entry_id=aside.entry_id, source="basket:1:off", moment=MONDAY)

    assert (totals(member), totals(friend)) == ((100, 0, 0, 0), (50, 0, 0, 0))


def test_a_debt_goes_back_no_further_than_it_was_brought(member: Member, friend: Member):
    bought = earn(member, 100, "order:1")
    spend(member, 100, "gift:1")
    reverse(bought, 100, "refund:1")
    join(member, friend)
    earn(friend, 30, "order:2")
    part(member, friend)

    assert (totals(member), totals(friend)) == ((0, 0, 0, 70), (0, 0, 0, 0))


def test_merges_of_merges_come_apart_one_by_one(member: Member, friend: Member, third: Member):
    earn(member, 1, "order:1")
    earn(friend, 20, "order:2")
    earn(third, 300, "order:3")
    join(member, friend, "merge:1")
    join(friend, third, "merge:2")
    assert totals(third) == (321, 0, 0, 0)

    part(friend, third, "merge:2")
    assert (totals(friend), totals(third)) == ((21, 0, 0, 0), (300, 0, 0, 0))
    part(member, friend, "merge:1")
    assert (totals(member), totals(friend)) == ((1, 0, 0, 0), (20, 0, 0, 0))


def test_what_is_booked_for_a_merged_record_that_never_had_points_is_the_survivors(member: Member, friend: Member):
    Member.objects.filter(pk=member.pk).update(merged_into=friend, status="merged")

    earn(member, 30, "order:1")
    assert spend(member, 10, "gift:1").balance == 20

    assert totals(friend) == (20, 0, 0, 0)
    assert not Account.objects.filter(member=member).exists()


def test_nobody_can_be_booked_for_who_does_not_exist(member: Member):
    with pytest.raises(NotFound):
        points.earn(member_id=member.pk + 1000, amount=10, source="order:1", moment=MONDAY)
    assert not Entry.objects.exists()
