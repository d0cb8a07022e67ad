"""Who stands on which tier: each sentence with exact tiers, ends and moves."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import brand
from apps.core.models import User
from apps.events.models import Event
from apps.members.models import Member
from apps.orders.models import Order
from apps.points import ladders, outlook, tier_joins, tiers
from apps.points import services as points
from apps.points.errors import TierInUse, TierUnknown
from apps.points.models import Currency, Ladder, Standing, Tier, TierChange
from apps.stores.models import Staff

MONDAY = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)  # noon in the shop


@pytest.fixture
def ladder(db: None) -> Ladder:
    """The default one: rolling 12 months, valid for 12 months, one down."""
    ladders.install_defaults()
    return Ladder.objects.get()


def grow(member: Member, amount: int, source: str, moment: datetime = MONDAY) -> points.Posting:
    return points.earn(member_id=member.pk, amount=amount, source=source, currency="growth", moment=moment)


def assess(member: Member, moment: datetime = MONDAY, **more: object) -> str:
    tiers.reassess(member_ids=[member.pk], moment=moment, **more)  # type: ignore[arg-type]
    return Standing.objects.get(member=member).tier.key


def order(member: Member, number: str, cents: int, status: str = "paid") -> Order:
    return Order.objects.create(
        source="t", order_no=number, member=member, status=status, total_cents=cents, paid_at=MONDAY
    )


def in_charge() -> User:
    """Somebody who changes the ladder alone."""
    brand.write("points.ladder_alone", ["admin"])
    user, is_new = User.objects.get_or_create(username="lin")
    if is_new:
        Staff.objects.create(user=user, code="S1", name="Lin", role="admin")
    return user


def moves(member: Member) -> list[tuple[str, str, str]]:
    rows = TierChange.objects.filter(member=member).order_by("pk")
    return list(rows.values_list("before__key", "after__key", "cause"))


def day(year: int, month: int, number: int) -> datetime:
    """The first moment of a shop day."""
    return datetime(year, month, number, tzinfo=points.clock.SHOP_ZONE)


def test_growth_lifts_a_member_and_the_tier_holds_through_the_same_day_a_year_later(member: Member, ladder: Ladder):
    grow(member, 999, "order:1")
    assert assess(member) == "basic"
    grow(member, 1, "order:2")

    assert assess(member) == "silver"
    standing = Standing.objects.get()
    assert (standing.value, standing.valid_until, standing.next_check_at) == (1000, day(2027, 12, 1), day(2027, 12, 1))
    assert moves(member) == [("basic", "silver", "reached")]
    fact = Event.objects.get(name="member.tier_changed")
    assert fact.payload | {"change_id": 0} == {
        "member_id": member.pk, "before": "basic", "after": "silver", "is_rise": True, "cause": "reached", "change_id": 0,
    }  # fmt: skip
    assert fact.lane == f"member:{member.pk}"


def test_a_second_look_writes_nothing(member: Member, ladder: Ladder):
    grow(member, 5000, "order:1")
    assess(member)
    before = Standing.objects.values().get()

    figures = tiers.reassess(member_ids=None, moment=MONDAY + timedelta(hours=1))

    assert (figures.looked_at, figures.moved) == (1, 0)
    assert Standing.objects.values().get() == before
    assert TierChange.objects.count() == 1


def test_the_outlook_says_what_is_missing_and_what_comes_otherwise(member: Member, ladder: Ladder):
    grow(member, 5200, "order:1")
    assess(member)
    later = MONDAY + timedelta(days=60)
    grow(member, 700, "order:2", later)
    assess(member, later)

    with CaptureQueriesContext(connection) as seen:
        ahead = outlook.outlook(member_id=member.pk, moment=later)
        assert ahead is not None
        assert ahead.tier.ladder.basis == Ladder.Basis.EARNED

    assert len(seen) == 4, [one["sql"][:120] for one in seen]
    assert ahead.next_tier is not None
    assert ahead.falls_to is not None
    assert (ahead.tier.key, ahead.value, ahead.next_tier.key, ahead.missing_to_next) == (
        "gold",
        5900,
        "black-gold",
        14_100,
    )
    assert (ahead.valid_until, ahead.kept_value, ahead.missing_to_keep) == (day(2027, 12, 1), 700, 4300)
    assert (ahead.falls_to.key, ahead.falls_at, ahead.counts_until) == ("silver", day(2027, 12, 1), day(2027, 11, 30))


def test_the_outlook_adds_the_days_of_grace_and_aims_at_no_gated_tier(member: Member, ladder: Ladder):
    Ladder.objects.update(grace_days=7)
    Tier.objects.filter(key="gold").update(segment_key="stage:active")
    grow(member, 1200, "order:1")
    assess(member)

    ahead = outlook.outlook(member_id=member.pk, moment=MONDAY + timedelta(days=60))

    assert ahead is not None
    assert ahead.next_tier is not None
    assert (ahead.next_tier.key, ahead.missing_to_next) == ("black-gold", 18_800)
    assert (ahead.valid_until, ahead.falls_at) == (day(2027, 12, 1), day(2027, 12, 8))


def test_without_a_validity_the_outlook_finds_the_day_the_value_leaves(member: Member, ladder: Ladder):
    Ladder.objects.update(validity={"kind": "none"}, window={"kind": "rolling", "months": 3})
    grow(member, 600, "order:1", day(2026, 11, 29))
    grow(member, 600, "order:2", day(2026, 11, 30))
    grow(member, 4400, "order:3", day(2026, 12, 15))
    now = day(2026, 12, 20)
    assert assess(member, now) == "gold"

    ahead = outlook.outlook(member_id=member.pk, moment=now)

    assert ahead is not None
    assert ahead.falls_to is not None
    assert (ahead.falls_at, ahead.falls_to.key, ahead.missing_to_keep) == (day(2027, 3, 1), "silver", 600)
    assert assess(member, day(2027, 3, 1) - timedelta(seconds=1)) == "gold"
    assert tiers.reassess_due(moment=day(2027, 3, 1)).fell == 1
    assert Standing.objects.get().tier.key == "silver"


def test_a_fall_is_announced_once_per_end_and_not_to_who_is_safe(member: Member, friend: Member, ladder: Ladder):
    for who in (member, friend):
        grow(who, 1000, "order:1")
        assess(who)
    grow(friend, 1000, "order:2", MONDAY + timedelta(days=200))
    assess(friend, MONDAY + timedelta(days=200))
    assert outlook.warn(moment=day(2027, 11, 1) - timedelta(seconds=1)) == 0

    assert outlook.warn(moment=day(2027, 11, 1)) == 1
    assert outlook.warn(moment=day(2027, 11, 2)) == 0

    fact = Event.objects.get(name="member.tier_falling")
    assert fact.payload == {
        "member_id": member.pk, "tier": "silver", "falls_to": "basic", "missing": 1000, "last_day": "2027-11-30",
    }  # fmt: skip


def test_buying_and_refunding_leaves_the_tier_as_it_was(member: Member, ladder: Ladder):
    grow(member, 1000, "order:1")
    assess(member)
    before = Standing.objects.values().get()
    bought = grow(member, 5000, "order:2", MONDAY + timedelta(days=3))
    assert assess(member, MONDAY + timedelta(days=3)) == "gold"

    later = MONDAY + timedelta(days=5)
    points.reverse(entry_id=bought.entry_id, amount=5000, source="refund:2", moment=later)
    assert assess(member, later) == "silver"

    assert Standing.objects.values().get() | {"assessed_at": 0} == before | {"assessed_at": 0}
    assert moves(member)[1:] == [("silver", "gold", "reached"), ("gold", "silver", "refund")]


def test_a_refund_of_something_else_takes_no_tier_before_its_end(member: Member, ladder: Ladder):
    reached = grow(member, 1000, "order:1")
    assess(member)
    after_window = day(2027, 11, 30)  # nothing counts any more, the tier is valid through this day
    other = grow(member, 500, "order:2", after_window)
    points.reverse(entry_id=other.entry_id, amount=500, source="refund:2", moment=after_window)
    assert assess(member, after_window) == "silver"

    points.reverse(entry_id=reached.entry_id, amount=1, source="refund:1", moment=after_window)
    assert assess(member, after_window) == "basic"
    assert moves(member)[-1] == ("silver", "basic", "refund")


def test_time_never_takes_a_tier_for_life_but_the_refund_of_its_value_does(member: Member, ladder: Ladder):
    Tier.objects.filter(key="black-gold").update(is_for_life=True)
    bought = grow(member, 20_000, "order:1")
    assert assess(member) == "black-gold"
    assert (Standing.objects.get().valid_until, Standing.objects.get().next_check_at) == (None, None)
    assert assess(member, day(2040, 1, 1)) == "black-gold"

    points.reverse(entry_id=bought.entry_id, amount=20_000, source="refund:1", moment=day(2040, 1, 1))
    assert assess(member, day(2040, 1, 1)) == "basic"


def test_a_gate_lets_in_only_members_of_the_segment_and_only_when_the_caller_knows(member: Member, ladder: Ladder):
    Tier.objects.filter(key="gold").update(segment_key="stars")
    grow(member, 6000, "order:1")

    assert assess(member) == "silver"
    assert assess(member, segments={"stars": []}) == "silver"
    assert assess(member, segments={"stars": [member.pk]}) == "gold"
    assert assess(member, segments={"stars": []}) == "gold"  # until its end
    at_end = day(2027, 12, 1)
    grow(member, 6000, "order:2", at_end - timedelta(hours=1))
    # nobody says who the stars are: nothing is lost for it
    assert assess(member, at_end, segments={"other": []}) == "gold"
    Standing.objects.update(tier=Tier.objects.get(key="gold"), valid_until=at_end, needed=None)
    assert assess(member, at_end, segments={"stars": []}) == "silver"


@pytest.mark.parametrize(
    ("validity", "start", "ends"),
    [
        ({"kind": "months", "months": 1}, (2026, 1, 31), (2026, 3, 1)),
        ({"kind": "months", "months": 12}, (2028, 2, 29), (2029, 3, 1)),
        ({"kind": "calendar", "date": "12-31", "years": 0}, (2026, 12, 31), (2027, 1, 1)),
        ({"kind": "calendar", "date": "02-29", "years": 1}, (2026, 2, 28), (2027, 3, 1)),
        ({"kind": "joined"}, (2027, 2, 28), (2028, 2, 29)),
        ({"kind": "joined"}, (2027, 2, 27), (2027, 2, 28)),
        ({"kind": "joined", "years": 1}, (2026, 12, 1), (2028, 2, 29)),
    ],
)
@pytest.mark.parametrize("second", [0, 86_399])
def test_validity_ends_after_whole_shop_days(
    member: Member, ladder: Ladder, validity: dict, start: tuple[int, int, int], ends: tuple[int, int, int], second: int
):
    Member.objects.update(joined_at=day(2024, 2, 29))
    Ladder.objects.update(validity=validity)
    at = day(*start) + timedelta(seconds=second)
    grow(member, 1000, "order:1", at)

    assess(member, at)

    assert Standing.objects.get().valid_until == day(*ends)


def test_net_spending_counts_paid_orders_less_refunds(member: Member, ladder: Ladder):
    Ladder.objects.update(basis="spend", currency=None)
    paid = order(member, "A1", 250_000)
    order(member, "A2", 250_000)
    order(member, "A3", 9_000_000, status="cancelled")
    Tier.objects.filter(key="silver").update(threshold=100_000)
    Tier.objects.filter(key="gold").update(threshold=500_000)
    Tier.objects.filter(key="black-gold").update(threshold=2_000_000)

    assert assess(member) == "gold"
    assert Standing.objects.get().value == 500_000

    Order.objects.filter(pk=paid.pk).update(refunded_cents=1)
    assert assess(member) == "silver"


def test_a_balance_counts_what_is_there_and_expiry_asks_at_the_end(member: Member, ladder: Ladder):
    Ladder.objects.update(basis="balance", currency=Currency.objects.get(key="points"))
    points.earn(member_id=member.pk, amount=1000, source="x", moment=MONDAY)
    assert assess(member) == "silver"
    points.spend(member_id=member.pk, amount=900, source="gift", moment=MONDAY)
    assert assess(member) == "silver"

    assert assess(member, day(2027, 12, 1)) == "basic"


def test_pending_growth_counts_from_the_day_it_becomes_usable(member: Member, ladder: Ladder):
    due = MONDAY + timedelta(days=7)
    points.earn(
        member_id=member.pk, amount=1000, source="x", currency="growth", moment=MONDAY,
        terms=points.Terms(is_pending=True, due_at=due),
    )  # fmt: skip
    assert assess(member) == "basic"
    assert Standing.objects.get().next_check_at == due

    assert tiers.reassess_due(moment=due).rose == 1


def test_where_spending_counts_pending_growth_makes_nobody_due(member: Member, ladder: Ladder):
    Ladder.objects.update(basis="spend", currency=None)
    order(member, "A1", 250_000)
    points.earn(
        member_id=member.pk, amount=1000, source="x", currency="growth", moment=MONDAY,
        terms=points.Terms(is_pending=True, due_at=MONDAY + timedelta(days=7)),
    )  # fmt: skip
    assess(member)

    assert Standing.objects.get().next_check_at == day(2027, 12, 1)


def test_a_locked_tier_stays_until_the_lock_is_off(member: Member, ladder: Ladder):
    grow(member, 1000, "order:1")
    assess(member)
    tiers.set_by_hand(member_id=member.pk, tier_key="gold", reason="a film star", is_locked=True, moment=MONDAY)
    grow(member, 20_000, "order:2")

    assert assess(member, day(2030, 1, 1)) == "gold"
    tiers.set_by_hand(member_id=member.pk, tier_key="gold", reason="no longer", is_locked=False, moment=MONDAY)
    assert assess(member) == "black-gold"
    assert moves(member)[1:] == [("silver", "gold", "by_hand"), ("gold", "black-gold", "reached")]


def test_a_tier_set_by_hand_rests_on_nothing_that_a_refund_takes(member: Member, ladder: Ladder):
    bought = grow(member, 5000, "order:1")
    assess(member)
    tiers.set_by_hand(member_id=member.pk, tier_key="black-gold", reason="a guest", is_locked=False, moment=MONDAY)

    points.reverse(entry_id=bought.entry_id, amount=5000, source="refund:1", moment=MONDAY)

    assert assess(member) == "black-gold"


def test_an_unknown_tier_is_refused_and_nothing_is_written(member: Member, ladder: Ladder):
    with pytest.raises(TierUnknown):
        tiers.set_by_hand(member_id=member.pk, tier_key="iron", reason="", is_locked=False)
    assert (Standing.objects.count(), TierChange.objects.count()) == (0, 0)


def test_joined_records_keep_the_better_tier_with_its_end(member: Member, friend: Member, ladder: Ladder):
    grow(member, 1000, "order:1")
    assess(member)
    grow(friend, 5000, "order:2", MONDAY + timedelta(days=9))
    assess(friend, MONDAY + timedelta(days=9))
    later = MONDAY + timedelta(days=20)
    points.join(from_id=friend.pk, to_id=member.pk, source="merge:1", moment=later)

    tier_joins.join(survivor_id=member.pk, loser_id=friend.pk, moment=later)
    tier_joins.join(survivor_id=member.pk, loser_id=friend.pk, moment=later)

    standing = Standing.objects.get(member=member)
    assert (standing.tier.key, standing.value, standing.valid_until) == ("gold", 6000, day(2027, 12, 10))
    assert moves(member)[1:] == [("silver", "gold", "merged")]


def test_a_locked_tier_of_the_survivor_stays_when_records_are_joined(member: Member, friend: Member, ladder: Ladder):
    tiers.set_by_hand(member_id=member.pk, tier_key="silver", reason="agreed", is_locked=True, moment=MONDAY)
    grow(friend, 5000, "order:1")
    assess(friend)

    tier_joins.join(survivor_id=member.pk, loser_id=friend.pk, moment=MONDAY)

    assert Standing.objects.get(member=member).tier.key == "silver"


@pytest.mark.parametrize("is_brought", [False, True])
def test_an_undone_merge_leaves_both_where_they_stood(member: Member, friend: Member, ladder: Ladder, is_brought: bool):
    grow(member, 1000, "order:1")
    assess(member)
    if is_brought:
        tiers.set_by_hand(member_id=friend.pk, tier_key="gold", reason="a guest", is_locked=True, moment=MONDAY)
    else:
        grow(friend, 5000, "order:2")
        assess(friend)
    before = {row["member_id"]: row | {"assessed_at": 0, "next_check_at": 0} for row in Standing.objects.values()}
    later = MONDAY + timedelta(days=20)
    points.join(from_id=friend.pk, to_id=member.pk, source="merge:1", moment=later)
    tier_joins.join(survivor_id=member.pk, loser_id=friend.pk, source="merge:1", moment=later)
    assert Standing.objects.get(member=member).tier.key == "gold"

    for hours in (1, 2):
        apart = later + timedelta(hours=hours)
        points.part(from_id=friend.pk, to_id=member.pk, source="merge:1", moment=apart)
        tier_joins.part(survivor_id=member.pk, loser_id=friend.pk, source="merge:1", moment=apart)

    assert {
        row["member_id"]: row | {"assessed_at": 0, "next_check_at": 0} for row in Standing.objects.values()
    } == before
    assert moves(member)[1:] == [("silver", "gold", "merged"), ("gold", "silver", "merged")]


def test_what_the_joined_value_reached_goes_with_the_undoing(member: Member, friend: Member, ladder: Ladder):
    for who in (member, friend):
        grow(who, 3000, "order:1")
        assess(who)
    points.join(from_id=friend.pk, to_id=member.pk, source="merge:1", moment=MONDAY)
    tier_joins.join(survivor_id=member.pk, loser_id=friend.pk, source="merge:1", moment=MONDAY)
    points.part(from_id=friend.pk, to_id=member.pk, source="merge:1", moment=MONDAY)
    tier_joins.part(survivor_id=member.pk, loser_id=friend.pk, source="merge:1", moment=MONDAY)

    assert moves(member)[1:] == [("silver", "gold", "merged"), ("gold", "silver", "merged")]
    assert assess(friend) == "silver"


def test_a_higher_threshold_takes_no_tier_before_its_end_and_a_lower_one_lifts_at_once(
    member: Member, friend: Member, ladder: Ladder
):
    grow(member, 1500, "order:1")
    grow(friend, 700, "order:2")
    tiers.reassess(member_ids=None, moment=MONDAY)
    now = ladders.current()
    assert now is not None
    higher = replace(now, tiers=(now.tiers[0], replace(now.tiers[1], threshold=2000), *now.tiers[2:]))
    lower = replace(now, tiers=(now.tiers[0], replace(now.tiers[1], threshold=700), *now.tiers[2:]))
    assert ladders.foresee(higher, moment=MONDAY) == ladders.Foreseen(rise=0, fall=0, after={0: 1, 1: 1})
    assert ladders.foresee(lower, moment=MONDAY) == ladders.Foreseen(rise=1, fall=0, after={1: 2})
    assert TierChange.objects.count() == 1

    ladders.save(lower, by=in_charge())
    tiers.reassess(member_ids=None, moment=MONDAY, cause="rules")
    assert moves(friend) == [("basic", "silver", "rules")]
    ladders.save(higher, by=in_charge())
    assert tiers.reassess(member_ids=None, moment=MONDAY, cause="rules").moved == 0


def test_a_tier_with_a_history_cannot_be_removed(member: Member, ladder: Ladder):
    grow(member, 1000, "order:1")
    assess(member)
    now = ladders.current()
    assert now is not None

    with pytest.raises(TierInUse):
        ladders.save(replace(now, tiers=(now.tiers[0], *now.tiers[2:])), by=in_charge())
    assert Tier.objects.count() == 4
    ladders.save(replace(now, tiers=now.tiers[:3]), by=in_charge())
    assert list(Tier.objects.values_list("key", "rank")) == [("basic", 0), ("silver", 1), ("gold", 2)]


def test_the_defaults_come_once(ladder: Ladder):
    assert ladders.install_defaults() is False
    assert list(Tier.objects.values_list("key", "threshold")) == [
        ("basic", 0), ("silver", 1000), ("gold", 5000), ("black-gold", 20_000),
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_two_assessments_at_once_write_one_move():
    ladders.install_defaults()
    members = [Member.objects.create(member_no=f"R-{number}").pk for number in range(20)]
    for member_id in members:
        points.earn(member_id=member_id, amount=1, source="x", currency="growth", moment=MONDAY)
    tiers.reassess(member_ids=None, moment=MONDAY)  # rows that are there: nobody waits for another's insert
    for member_id in members:
        points.earn(member_id=member_id, amount=999, source="y", currency="growth", moment=MONDAY)
    start = threading.Barrier(4)

    def look(number: int) -> int:
        try:
            start.wait()
            ids = members if number % 2 else list(reversed(members))
            return tiers.reassess(member_ids=ids if number else None, moment=MONDAY).moved
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        moved = list(pool.map(look, range(4)))

    assert sum(moved) == 20
    assert TierChange.objects.count() == 20
    assert Event.objects.filter(name="member.tier_changed").count() == 20
