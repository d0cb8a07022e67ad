"""Gated tiers through the stories: life stages and RFM cells as gates, with the order, at the merge, and by the hour."""

from datetime import datetime, timedelta

import pytest

from apps.core import clock
from apps.core.models import Job
from apps.events.models import Event
from apps.flows import tier_moves
from apps.flows.subscriptions import STEPS
from apps.members import consents
from apps.members.models import Member
from apps.points import ladders, tiers
from apps.points import services as points
from apps.points.models import Ladder, Standing, Tier
from apps.segments.models import MemberStats, Stage
from tests.points.orders import NOON, paid, rule


@pytest.fixture
def anna(db: None) -> Member:
    """Active, with growth for gold; gold is for active members only."""
    ladders.install_defaults()
    rule("grow", currency="growth")
    Tier.objects.filter(key="gold").update(segment_key="stage:active")
    return grown("A-1", Stage.ACTIVE)


def grown(number: str, stage: str, amount: int = 6000) -> Member:
    member = Member.objects.create(member_no=number)
    MemberStats.objects.create(member=member, stage=stage, cell="champions", as_of=NOON)
    points.earn(member_id=member.pk, amount=amount, source="x", currency="growth", moment=NOON)
    return member


def buys(member: Member, no: str, at: datetime = NOON) -> str:
    with clock.frozen(at):
        paid(member, no, 10_000, at=at)
        event = Event.objects.get(name="order.paid", finished_at=None)
        for step in STEPS["order.paid"][:3]:
            step(event)
        Event.objects.update(finished_at=at)
    return Standing.objects.get(member=member).tier.key


def is_now(member: Member, stage: str) -> None:
    MemberStats.objects.filter(member=member).update(stage=stage)


def by_the_hour(at: datetime = NOON) -> tuple[int, int]:
    with clock.frozen(at):
        moved = tier_moves.move_due()
    return moved.rose, moved.fell


def test_an_order_opens_a_gated_tier_to_who_is_in_its_segment_only(anna: Member):
    bob = grown("B-1", Stage.DORMANT)

    assert (buys(anna, "1"), buys(bob, "2")) == ("gold", "silver")


def test_a_gate_that_opens_later_lifts_within_the_hour_and_once(anna: Member):
    is_now(anna, Stage.LAPSING)
    assert buys(anna, "1") == "silver"
    assert by_the_hour() == (0, 0)

    is_now(anna, Stage.ACTIVE)

    assert by_the_hour() == (1, 0)
    assert by_the_hour() == (0, 0)
    assert Standing.objects.get(member=anna).tier.key == "gold"


def test_a_gate_that_shuts_takes_the_tier_at_the_end_of_its_validity_and_not_before(anna: Member):
    assert buys(anna, "1") == "gold"
    end = Standing.objects.get(member=anna).valid_until
    points.earn(member_id=anna.pk, amount=6000, source="y", currency="growth", moment=end - timedelta(days=9))
    is_now(anna, Stage.DORMANT)

    assert by_the_hour(end - timedelta(seconds=1)) == (0, 0)
    assert by_the_hour(end) == (0, 1)
    assert Standing.objects.get(member=anna).tier.key == "silver"


def test_where_tiers_follow_the_value_a_gate_that_shuts_takes_the_tier_within_the_hour(anna: Member):
    Ladder.objects.update(validity={"kind": "none"})
    assert buys(anna, "1") == "gold"
    assert by_the_hour() == (0, 0)

    is_now(anna, Stage.DORMANT)

    assert by_the_hour() == (0, 1)


def test_a_cell_is_a_gate_too_and_who_switched_personalisation_off_is_in_none(anna: Member):
    Tier.objects.filter(key="gold").update(segment_key="cell:champions")
    bob = grown("B-1", Stage.ACTIVE)
    consents.give_consent(
        member_id=bob.pk, purpose="profiling", channel="any", is_granted=False, source="portal", text_version="1"
    )  # fmt: skip

    assert (buys(anna, "1"), buys(bob, "2")) == ("gold", "silver")


def test_saving_the_ladder_and_its_preview_know_who_is_in(anna: Member):
    draft = ladders.current()
    assert draft is not None
    gates = {"stage:active": [anna.pk]}
    assert ladders.foresee(draft, moment=NOON, segments=gates).after == {2: 1}
    assert ladders.foresee(draft, moment=NOON).after == {1: 1}
    with clock.frozen(NOON):
        tier_moves.assess_all(Job.objects.create(kind=ladders.KIND))

    assert tiers.tier_of(member_ids=[anna.pk])[anna.pk].key == "gold"


def test_a_merge_asks_for_the_survivors_segment(anna: Member):
    bob = grown("B-1", Stage.ACTIVE, amount=10)
    points.join(from_id=anna.pk, to_id=bob.pk, source="merge:1", moment=NOON)
    with clock.frozen(NOON):
        tier_moves.join(
            Event(name="member.merged", payload={"survivor_id": bob.pk, "loser_id": anna.pk, "merge_id": 1})
        )

    assert Standing.objects.get(member=bob).tier.key == "gold"
