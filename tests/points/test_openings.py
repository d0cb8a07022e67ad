"""What members bring along is taken over once, by the ledger's own function."""

from datetime import UTC, date, datetime

import pytest

from apps.events.models import Event
from apps.members.models import Member, Opening
from apps.points import ladders, openings
from apps.points.models import Account, Entry, Lot, Standing, TierChange
from tests.points.test_tiers import day

MONDAY = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def ladder(db: None) -> None:
    ladders.install_defaults()


def bring(member: Member, kind: str, amount: int = 0, key: str = "", last: date | None = None) -> Opening:
    return Opening.objects.create(
        member=member, kind=kind, amount=amount, key=key, expires_on=last, source="old", line=1
    )


def test_opening_points_become_a_line_with_their_own_last_day(member: Member, friend: Member):
    bring(member, "points", 1280, last=date(2027, 6, 30))
    bring(friend, "points", 10)
    bring(friend, "coupon", 2, key="tea")

    taken = openings.take(moment=MONDAY)
    again = openings.take(moment=MONDAY)

    assert (taken.counts(), again.counts()) == (
        {"points": 2, "growth": 0, "tiers": 0, "unknown_tiers": 0}, {"points": 0, "growth": 0, "tiers": 0, "unknown_tiers": 0},
    )  # fmt: skip
    assert list(Entry.objects.order_by("pk").values_list("kind", "amount", "at")) == [
        ("opening", 1280, MONDAY), ("opening", 10, MONDAY),
    ]  # fmt: skip
    assert list(Lot.objects.order_by("pk").values_list("expires_at", flat=True)) == [day(2027, 7, 1), day(2028, 1, 1)]
    assert list(Opening.objects.filter(taken_at=None).values_list("kind", flat=True)) == ["coupon"]


def test_opening_growth_and_tier_put_a_member_where_they_were_without_a_fact(member: Member, friend: Member):
    bring(member, "growth", 1200)
    bring(member, "tier", key="金卡")
    bring(friend, "tier", key="SILVER")

    assert openings.take(moment=MONDAY).counts() == {"points": 0, "growth": 1, "tiers": 2, "unknown_tiers": 0}

    rows = Standing.objects.order_by("member_id").values_list("tier__key", "value", "valid_until")
    assert list(rows) == [("gold", 1200, day(2027, 12, 1)), ("silver", 0, day(2027, 12, 1))]
    assert set(TierChange.objects.values_list("cause", flat=True)) == {"brought"}
    assert not Event.objects.filter(name="member.tier_changed").exists()


def test_a_tier_that_nobody_knows_goes_on_waiting(member: Member):
    bring(member, "tier", key="钻石")

    assert openings.take(moment=MONDAY).unknown_tiers == 1
    assert (Opening.objects.filter(taken_at=None).count(), Standing.objects.count()) == (1, 0)


def test_what_had_run_out_before_is_booked_and_taken_away_in_the_open(member: Member):
    bring(member, "points", 50, last=date(2026, 11, 29))
    openings.take(moment=MONDAY)
    bring(member, "points", 5, key="more")
    openings.take(moment=MONDAY)

    assert Account.objects.get().balance == 5
    assert list(Entry.objects.order_by("pk").values_list("kind", "amount")) == [
        ("opening", 50), ("expire", -50), ("opening", 5),
    ]  # fmt: skip


def test_members_who_left_bring_nothing(member: Member):
    bring(member, "points", 50)
    Member.objects.update(status="cancelled")

    assert openings.take(moment=MONDAY).points == 0
    assert (Account.objects.count(), Opening.objects.filter(taken_at=None).count()) == (0, 1)
