"""What came back: who counts, in which arm, and the intervals against published figures."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from apps.care import results
from apps.care.models import Touch, Version
from apps.members.models import Member
from apps.orders.models import Order
from tests.care.conftest import NOON, Shop


@pytest.mark.parametrize(
    ("hits", "of", "other_hits", "other_of", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17:873, table II, method 10
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (0, 10, 0, 10, -0.2775, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0000),
        (10, 10, 0, 10, 0.6075, 1.0000),
    ],
)
def test_newcombes_own_table(hits: int, of: int, other_hits: int, other_of: int, low: float, high: float) -> None:
    found = results.newcombe(hits, of, other_hits, other_of)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert found.value == pytest.approx(hits / of - other_hits / other_of)


def test_the_bootstrap_finds_the_interval_of_a_mean() -> None:
    dice = np.random.default_rng(7)
    left, right = dice.normal(1000, 100, 4000).round(), dice.normal(900, 100, 1000).round()
    sides = [
        dict(zip(*map(np.ndarray.tolist, np.unique(side, return_counts=True)), strict=True)) for side in (left, right)
    ]
    found = results.bootstrap(*sides)
    error = (left.var() / 4000 + right.var() / 1000) ** 0.5
    assert found.value == pytest.approx(left.mean() - right.mean())
    assert found.low == pytest.approx(found.value - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(found.value + 1.96 * error, abs=0.15 * error)
    assert results.bootstrap(*sides) == found


@pytest.fixture
def version(shop: Shop) -> Version:
    return shop.policy(holdout_percent=50, return_days=30)


def _touch(
    version: Version, *, treated: bool, state: str = "sent", at: datetime = NOON, member: Member | None = None
) -> Member:
    member = member or Member.objects.create(member_no=f"R{Member.objects.count()}")
    Touch.objects.create(
        policy_id=version.policy_id, version=version, member=member, occurrence=f"test:{at.timestamp()}", channel="sms",
        state=state, reason="stage_left" if state == "skipped" else "", is_treated=treated, decided_at=at,
    )  # fmt: skip
    return member


@pytest.mark.django_db
def test_the_window_opens_after_the_decision_and_closes_at_its_last_moment(shop: Shop, version: Version) -> None:
    for after in (timedelta(0), timedelta(seconds=1), timedelta(days=30), timedelta(days=30, seconds=1)):
        shop.buys(_touch(version, treated=True), at=NOON + after, cents=100)
    found = results.effect(policy_id=version.policy_id, as_of=NOON + timedelta(days=31))
    assert (found.treated.members, found.treated.returned, found.treated.net_cents) == (4, 2, 200)


@pytest.mark.django_db
def test_both_arms_count_as_decided_whatever_became_of_the_message(shop: Shop, version: Version) -> None:
    for state in ("sent", "failed", "skipped", "unknown"):
        shop.buys(_touch(version, treated=True, state=state), at=NOON + timedelta(days=1))
    shop.buys(_touch(version, treated=False, state="held_out"), at=NOON + timedelta(days=1))
    _touch(version, treated=False, state="held_out")
    skipped = _touch(version, treated=True)
    Touch.objects.filter(member=skipped).update(is_treated=None, state="skipped", reason="no_consent")
    found = results.effect(policy_id=version.policy_id, as_of=NOON + timedelta(days=31))
    assert (found.treated.members, found.treated.returned) == (4, 4)
    assert (found.held_out.members, found.held_out.returned, found.held_out.rate) == (2, 1, 0.5)
    assert found.states == {"sent": 1, "failed": 1, "skipped": 1, "unknown": 1}
    assert found.arrived == 1


@pytest.mark.django_db
def test_refunded_cancelled_and_empty_orders_are_no_return(shop: Shop, version: Version) -> None:
    later = NOON + timedelta(days=1)
    shop.buys(_touch(version, treated=True), at=later, refunded_cents=10_000)
    shop.buys(_touch(version, treated=True), at=later, cents=0)
    Order.objects.filter(pk=shop.buys(_touch(version, treated=True), at=later).pk).update(status="cancelled")
    shop.buys(_touch(version, treated=True), at=later, refunded_cents=4_000)
    found = results.effect(policy_id=version.policy_id, as_of=NOON + timedelta(days=31))
    assert (found.treated.members, found.treated.returned, found.treated.net_cents) == (4, 1, 6_000)


@pytest.mark.django_db
def test_open_windows_wait_unless_asked_for(shop: Shop, version: Version) -> None:
    shop.buys(_touch(version, treated=True), at=NOON + timedelta(days=1))
    _touch(version, treated=True, at=NOON + timedelta(days=5))
    as_of = NOON + timedelta(days=30)
    closed = results.effect(policy_id=version.policy_id, as_of=as_of)
    so_far = results.effect(policy_id=version.policy_id, as_of=as_of, so_far=True)
    assert (closed.treated.members, closed.still_open, closed.is_so_far) == (1, 1, False)
    assert (so_far.treated.members, so_far.still_open, so_far.is_so_far) == (2, 1, True)


@pytest.mark.django_db
def test_a_member_counts_once_by_the_first_decision(shop: Shop, version: Version) -> None:
    member = _touch(version, treated=True)
    _touch(version, treated=True, member=member, at=NOON + timedelta(days=10))
    shop.buys(member, at=NOON + timedelta(days=11))
    found = results.effect(policy_id=version.policy_id, as_of=NOON + timedelta(days=90))
    assert (found.treated.members, found.treated.returned) == (1, 1)


@pytest.mark.django_db
@pytest.mark.parametrize(("treated", "held_out", "returns", "enough"), [
    (100, 100, 10, True), (99, 100, 10, False), (100, 99, 10, False), (100, 100, 9, False),
])  # fmt: skip
def test_too_little_says_so(
    shop: Shop, version: Version, treated: int, held_out: int, returns: int, enough: bool
) -> None:
    members = [_touch(version, treated=True) for _ in range(treated)]
    for _ in range(held_out):
        _touch(version, treated=False, state="held_out")
    for member in members[:returns]:
        shop.buys(member, at=NOON + timedelta(days=1))
    found = results.effect(policy_id=version.policy_id, as_of=NOON + timedelta(days=31))
    assert found.is_enough is enough
    if enough:
        assert found.difference is not None
        assert found.difference.value == pytest.approx(0.1)
        assert found.net is not None
        assert found.net.value == pytest.approx(1_000)
    else:
        assert (found.difference, found.net) == (None, None)
