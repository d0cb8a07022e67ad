"""Campaigns: what the form means as a journey, who may start one, what a test decides, what came back."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.care import gate, second_person
from apps.care.campaigns import costs, plans, results, running
from apps.care.campaigns.costs import Entry
from apps.care.journeys import acts, editing, stepping
from apps.care.journeys import graph as graphs
from apps.care.models import Attempt, Campaign, Journey, Policy, Touch, Version
from apps.core import approvals, brand
from apps.core.errors import ValidationFailed
from apps.core.models import Approval, User
from apps.members.models import Member
from apps.orders.models import Order
from tests.care.conftest import NOON, Shop

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon")]
A, B = ({"channel": "inbox", "template": f"新茶到店，{word}"} for word in ("欢迎来尝", "到店有礼"))
PLAN: dict[str, Any] = {"variants": [A, B], "at": "2026-03-12T10:30", "holdout_percent": 10}


def _user(name: str) -> int:
    return User.objects.create_user(name).pk


def _campaign(**more: Any) -> Campaign:
    return running.create(name="Spring", plan=PLAN | more)


def _started(**more: Any) -> Campaign:
    row = _campaign(**more)
    assert running.start(campaign_id=row.pk, user_id=_user(f"u{row.pk}")) is None
    row.refresh_from_db()
    return row


def test_a_plan_is_a_journey_with_a_draw_a_test_and_a_rest_that_waits() -> None:
    plan = plans.checked(PLAN | {"test_percent": 20, "test_days": 3}, moment=NOON)
    graph = graphs.checked(plans.graph(plan, starts_at=NOON))
    arms = graph.nodes["arms"].data["arms"]
    assert [(arm["percent"], arm["next"]) for arm in arms] == [(10, "send_a"), (10, "send_b"), (80, "rest")]
    assert graph.nodes["rest"].data["for"] == {"kind": "time", "days": 3, "hours": 1}
    assert [arm["next"] for arm in graph.nodes["others"].data["arms"]] == ["send_a_more", "send_b_more"]
    won = graphs.checked(plans.graph(plan, starts_at=NOON, winner="B"))
    assert (won.nodes["rest"].next, "others" in won.nodes, "send_a_more" in won.nodes) == ("send_b_more", False, False)


@pytest.mark.parametrize(("change", "pointer"), [
    ({"variants": []}, "/variants"), ({"at": "2026-03-09"}, "/at"), ({"at": "2026-02-30"}, "/at"),
    ({"holdout_percent": 51}, "/holdout_percent"),
    ({"test_percent": 20, "every": "week"}, "/test_percent"), ({"test_percent": 20, "variants": [A]}, "/test_percent"),
    ({"per_minute": 0}, "/per_minute"), ({"baseline_percent": 90, "lift_percent": 20}, "/baseline_percent"),
    ({"variants": [A, B | {"template": "{{ nobody }}"}]}, "/variants/1/template"),
    ({"variants": [A | {"coupon": "none"}, B]}, "/variants/0/coupon"), ({"audience": {"field": "?"}}, "/audience"),
    ({"every": "day", "until": "2026-03-11"}, "/until"),
])  # fmt: skip
def test_what_is_wrong_stands_at_its_place_and_nothing_starts(change: dict[str, Any], pointer: str) -> None:
    row = _campaign(**change)
    with pytest.raises(ValidationFailed) as wrong:
        running.start(campaign_id=row.pk, user_id=_user("u"))
    errors: Any = wrong.value.facts["errors"]
    assert [error["pointer"][: len(pointer)] for error in errors] == [pointer] * len(errors)
    assert Journey.objects.get().status == "draft"


def test_a_started_campaign_runs_as_a_journey_and_cannot_be_changed() -> None:
    row = _started()
    assert (row.journey.status, row.starts_at) == ("live", datetime.fromisoformat("2026-03-12T10:30+08:00"))
    assert sorted(Policy.objects.values_list("key", flat=True)) == [f"{row.journey.key}.send_{one}" for one in "ab"]
    with pytest.raises(running.AlreadyStarted):
        running.save(campaign_id=row.pk, name="x", plan={})
    with pytest.raises(running.AlreadyStarted):
        running.start(campaign_id=row.pk, user_id=_user("x"))


def test_above_so_many_members_a_second_person_agrees_to_what_was_shown(shop: Shop) -> None:
    brand.write(second_person.SETTING, 2)
    for _ in range(2):
        shop.member()
    row, first, second = _campaign(), _user("first"), _user("second")
    question = running.start(campaign_id=row.pk, user_id=first)
    assert question
    assert (question.params["members"], Journey.objects.get().status) == (2, "draft")
    assert running.start(campaign_id=row.pk, user_id=first) == question
    with pytest.raises(approvals.OwnApproval):
        approvals.decide(approval_id=question.pk, user_id=first, is_agreed=True)
    running.save(campaign_id=row.pk, name="Spring", plan=PLAN | {"holdout_percent": 0})
    with pytest.raises(running.MovedOn):
        approvals.decide(approval_id=question.pk, user_id=second, is_agreed=True)
    assert Journey.objects.get().status == "draft"
    running.save(campaign_id=row.pk, name="Spring", plan=PLAN)
    approvals.decide(approval_id=question.pk, user_id=second, is_agreed=True)
    assert (Journey.objects.get().status, Approval.objects.get().state) == ("live", "approved")


def _decided(row: Campaign, node: str, *, members: int, returns: int, treated: bool = True) -> list[int]:
    """So many members decided about at the start; some buy for ¥100 a day later."""
    policy = Policy.objects.get(key=f"{row.journey.key}.{node}")
    version, at = Version.objects.get(policy=policy), row.starts_at
    assert at
    made = Member.objects.count()
    people = Member.objects.bulk_create(Member(member_no=f"{node}{made + n}") for n in range(members))
    state = "delivered" if treated else "held_out"
    Touch.objects.bulk_create(
        Touch(
            policy=policy, version=version, member=one, occurrence="at", channel="inbox", state=state,
            is_treated=treated, decided_at=at, settled_at=at,
        ) for one in people
    )  # fmt: skip
    for member in people[:returns]:
        _buys(member, at + timedelta(days=1))
    return [one.pk for one in people]


def _buys(member: Member, at: datetime, **more: Any) -> None:
    Order.objects.create(
        source="t",
        order_no=f"O{member.pk}",
        member=member,
        status="paid",
        paid_at=at,
        **({"total_cents": 10_000} | more),
    )


@pytest.mark.parametrize(("returned", "decision", "winner"), [
    ((20, 150), "winner", "B"), ((150, 20), "winner", "A"), ((60, 66), "no_difference", ""), ((2, 3), "too_little", ""),
])  # fmt: skip
def test_the_rest_gets_the_winner_only_when_the_test_says_so(
    returned: tuple[int, int], decision: str, winner: str
) -> None:
    row = _started(test_percent=20, test_days=3)
    for node, returns in zip(("send_a", "send_b"), returned, strict=True):
        _decided(row, node, members=400, returns=returns)
    assert row.starts_at
    ends = row.starts_at + timedelta(days=3)
    assert running.decide_due(moment=ends - timedelta(seconds=1)) == 0
    assert running.decide_due(moment=ends) == 1
    assert running.decide_due(moment=ends) == 0
    row.refresh_from_db()
    assert (row.decision, row.winner, row.journey.version) == (decision, winner, 2 if winner else 1)
    if winner:
        graph = graphs.parsed(row.journey.versions.get(number=2).graph)
        assert graph.nodes["rest"].next == f"send_{winner.lower()}_more"


def test_arms_of_the_wrong_size_decide_nothing() -> None:
    row = _started(test_percent=20)
    _decided(row, "send_a", members=300, returns=10)
    _decided(row, "send_b", members=450, returns=200)
    assert row.starts_at
    running.decide_due(moment=row.starts_at + timedelta(days=3))
    row.refresh_from_db()
    assert (row.decision, row.winner) == ("mismatch", "")


def test_the_result_counts_refunds_each_cost_once_and_nobody_twice() -> None:
    row = _started(holdout_percent=50)
    treated = _decided(row, "send_a", members=200, returns=100)
    _decided(row, "send_b", members=200, returns=100)
    for node in ("send_a", "send_b"):
        _decided(row, node, members=200, returns=20, treated=False)
    assert row.starts_at
    touch = Touch.objects.filter(member_id=treated[1]).get()
    Attempt.objects.create(touch=touch, number=1, key="k", state="accepted", cost_cents=500, at=NOON)
    Attempt.objects.create(touch=touch, number=2, key="k", state="unknown", cost_cents=500, at=NOON)
    day = NOON.date()
    entries = [
        Entry(row.journey.key, "ads", day, 9_000, "a"),
        Entry(f"{row.journey.key}.send_a", "print", day, 1_000, "p"),
    ]
    costs.enter(entries, user_id=None)
    found = results.of(row, as_of=row.starts_at + timedelta(days=20))
    assert (found.spent.messages, found.spent.entered, found.spent.whole) == (1_000, 10_000, 11_000)
    assert (found.treated.members, found.treated.returned, found.treated.net_cents) == (400, 200, 2_000_000)
    assert (found.held_out.members, found.held_out.returned, found.lift.code) == (400, 40, "better")
    assert found.net
    assert found.net.value == 5_000 - 1_000
    assert found.roi
    assert found.roi.value == pytest.approx((4_000 * 400 - 11_000) / 11_000)
    assert found.test
    assert [item.code for item in found.test.comparisons] == ["no_difference"]


def test_a_refunded_order_is_no_return_and_who_is_in_two_variants_counts_in_none() -> None:
    row = _started()
    first = _decided(row, "send_a", members=3, returns=1)
    Order.objects.update(refunded_cents=10_000)
    _buys(Member.objects.get(pk=first[1]), NOON + timedelta(days=3), total_cents=5_000, refunded_cents=2_000)
    policy = Policy.objects.get(key=f"{row.journey.key}.send_b")
    Touch.objects.create(
        policy=policy, version=policy.versions.get(), member_id=first[2], occurrence="at", channel="inbox",
        state="sent", is_treated=True, decided_at=NOON + timedelta(days=3),
    )  # fmt: skip
    assert row.starts_at
    found = results.of(row, as_of=row.starts_at + timedelta(days=20))
    assert (found.treated.members, found.treated.returned, found.treated.net_cents) == (2, 1, 3_000)


def test_a_stopped_campaign_sends_nothing_that_waits() -> None:
    row = _started()
    ids = _decided(row, "send_a", members=50, returns=0)
    Touch.objects.filter(member_id__in=ids).update(state="planned", settled_at=None)
    editing.stop(journey_id=row.journey_id)
    assert set(Touch.objects.values_list("state", "reason")) == {("skipped", "stopped")}
    assert set(Policy.objects.values_list("status", flat=True)) == {"paused"}


def test_the_engine_draws_the_arms_sends_the_test_and_gives_the_rest_the_winner(shop: Shop) -> None:
    """120 members, two of ten in the test; what comes out of it is written by hand, the walk is the engine's."""
    for _ in range(120):
        shop.member(phone=False, consents=(("marketing", "inbox"),))
    row = _started(test_percent=20, test_days=3, holdout_percent=10)
    at = row.starts_at
    assert at
    for minutes in range(3):
        stepping.tick(at + timedelta(minutes=minutes))
    key, people = row.journey.key, list(Member.objects.values_list("pk", flat=True))
    arms = graphs.parsed(row.journey.versions.get().graph).nodes["arms"].data["arms"]
    drawn = {one: acts.arm_of(f"{key}.arms", one, arms) for one in people}
    held = {one for one in people if gate.is_held_out(key, member_id=one, percent=10)}
    for number, node in enumerate(("send_a", "send_b")):
        touched = Touch.objects.filter(policy__key=f"{key}.{node}").values_list("member_id", "state")
        assert set(touched) == {
            (one, "held_out" if one in held else "planned") for one in people if drawn[one] == number
        }
    for node, returns in (("send_a", 20), ("send_b", 150)):
        _decided(row, node, members=400, returns=returns)
    assert running.decide_due(moment=at + timedelta(days=3)) == 1
    for minutes in range(61, 64):
        stepping.tick(at + timedelta(days=3, minutes=minutes))
    later = Touch.objects.filter(policy__key__endswith=plans.MORE).values_list("policy__key", "member_id")
    assert set(later) == {(f"{key}.send_b{plans.MORE}", one) for one in people if drawn[one] == 2}
