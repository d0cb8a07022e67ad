"""The ways of a split against each other: counted as drawn, chosen only when proven, and for those who come from then on."""

from datetime import datetime, timedelta

import pytest

from apps.care.journeys import choosing, editing, entering
from apps.care.journeys import graph as graphs
from apps.care.models import Enrolment, Journey, JourneyVersion, Step
from apps.core.models import AuditEntry
from apps.members.models import Member
from apps.orders.models import Order
from tests.care.conftest import NOON, Shop
from tests.care.walks import journey, rest, tick, walked

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
ARMS = [{"percent": 50, "next": "one"}, {"percent": 50, "next": "two"}]
EACH = 300


def split(**more: object) -> Journey:
    node = {"key": "fork", "kind": "split", "arms": ARMS, **more}
    return journey(node, rest("one", "end", days=90), rest("two", "end", days=90), return_days=10)


def crowd(made: Journey, *, buyers: tuple[int, int], held_out: int = 0) -> None:
    """So many members came to each way at NOON; of each so many bought two days later. Some more, held out, all bought."""
    version = made.versions.get()
    people = Member.objects.bulk_create(Member(member_no=f"W{n}", joined_at=NOON) for n in range(2 * EACH + held_out))
    walks = Enrolment.objects.bulk_create(
        Enrolment(
            journey=made, version=version, member=one, occurrence="x", node="one", arrived_at=NOON, due_at=NOON + 90 * DAY,
            entered_at=NOON, is_held_out=n >= 2 * EACH,
        )
        for n, one in enumerate(people)
    )  # fmt: skip
    Step.objects.bulk_create(
        Step(enrolment=walk, node="fork", outcome="2" if EACH <= n < 2 * EACH else "1", at=NOON) for n, walk in enumerate(walks)
    )  # fmt: skip
    who = [*people[: buyers[0]], *people[EACH : EACH + buyers[1]], *people[2 * EACH :]]
    Order.objects.bulk_create(
        Order(source="t", order_no=one.member_no, member=one, status="paid", total_cents=900, paid_at=NOON + 2 * DAY)
        for one in who
    )


def fork(made: Journey) -> tuple[JourneyVersion, graphs.Node]:
    version = made.versions.order_by("-number")[0]
    return version, graphs.parsed(version.graph).nodes["fork"]


def come(shop: Shop, moment: datetime, count: int = 12, *, held_out: bool = False) -> list[str]:
    """The ways that new members take."""
    people = [shop.member() for _ in range(count)]
    entering.put_in(journey_key="care", member_ids=[one.pk for one in people], occurrence="y", moment=moment)
    Enrolment.objects.filter(member__in=people).update(is_held_out=held_out)
    tick(moment)
    return sorted({walked(one.pk)[0][1] for one in people})


def test_the_proven_way_is_everybodys_from_then_on(shop: Shop, noon: datetime) -> None:
    made = split(winner_days=7)
    crowd(made, buyers=(20, 90), held_out=40)
    assert choosing.compare(*fork(made), as_of=NOON + DAY).arms == [(EACH, 0, 0), (EACH, 0, 0)]
    assert choosing.choose_due(moment=NOON + 7 * DAY - timedelta(seconds=1)) == 0, "its time of trial is not over"
    assert come(shop, NOON + 6 * DAY) == ["1", "2"]
    assert choosing.choose_due(moment=NOON + 7 * DAY) == 1
    assert choosing.choose_due(moment=NOON + 8 * DAY) == 0
    assert AuditEntry.objects.filter(action="journey.way_chosen").count() == 1
    assert come(shop, NOON + 8 * DAY) == ["2"]
    assert come(shop, NOON + 8 * DAY, held_out=True) == ["1", "2"], "they go as they were drawn"
    found = choosing.compare(*fork(made), as_of=NOON + 30 * DAY)
    assert found.chosen == 1
    assert sum(members for members, _, _ in found.arms) == 2 * EACH + 12, (
        "who came after the choice was drawn by nobody"
    )
    assert [back for _, back, _ in found.arms] == [20, 90], "those held out count in none"


@pytest.mark.parametrize(("days", "buyers"), [(7, (40, 44)), (7, (3, 5)), (None, (20, 90))])
def test_nothing_is_chosen_unproven_or_unasked(
    shop: Shop, noon: datetime, days: int | None, buyers: tuple[int, int]
) -> None:
    made = split(**({"winner_days": days} if days else {}))
    crowd(made, buyers=buyers)
    assert choosing.choose_due(moment=NOON + 60 * DAY) == 0
    assert come(shop, NOON + 60 * DAY) == ["1", "2"]


def test_a_choice_is_void_once_the_ways_are_others(shop: Shop, noon: datetime) -> None:
    made = split(winner_days=7)
    crowd(made, buyers=(20, 90))
    assert choosing.choose_due(moment=NOON + 7 * DAY) == 1
    draft = made.versions.get().graph
    draft["nodes"][0]["arms"] = [{"percent": 40, "next": "one"}, {"percent": 60, "next": "two"}]
    editing.save_draft(journey_id=made.pk, draft=draft)
    editing.publish(journey_id=made.pk)
    found = choosing.compare(*fork(made), as_of=NOON + 9 * DAY)
    assert (found.chosen, found.first_at, found.arms) == (None, None, [(0, 0, 0), (0, 0, 0)])
    assert come(shop, NOON + 9 * DAY) == ["1", "2"]
