"""A shop at noon of a Tuesday: members who buy, consent and have phones; policies that are live."""

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from apps.care import policies
from apps.care.models import Policy, Touch, Version
from apps.core import brand
from apps.gateways.simulator.client import Client
from apps.members import services as members
from apps.members.models import Member
from apps.orders.models import Change, Order
from tests.processes import Simulator

CHINA = timezone(timedelta(hours=8))
NOON = datetime(2026, 3, 10, 12, 0, tzinfo=CHINA)
LAPSING = {
    "trigger": "stage_entered",
    "params": {"stage": "lapsing", "window_days": 14},
    "channel": "sms",
    "template": "{{ nickname }}，有{{ days_since_order }}天没见到您了，来看看新品吧。",
    "missing": {"nickname": {"policy": "default", "value": "会员"}},
    "holdout_percent": 0,
}


class Shop:
    """Makes what a test needs; every method returns ids or rows."""

    def __init__(self) -> None:
        self.made = 0

    def member(
        self,
        *,
        nickname: str = "林溪",
        phone: bool = True,
        consents: tuple[tuple[str, str], ...] = (("care", "sms"), ("care", "inbox")),
        birthday: date | None = None,
    ) -> Member:
        self.made += 1
        member_id = members.register(
            source="test",
            member_no=f"M{self.made}",
            nickname=nickname,
            phone=f"139{self.made:08d}" if phone else "",
            birthday=birthday,
        )
        for purpose, channel in consents:
            self.consent(member_id, purpose=purpose, channel=channel)
        return Member.objects.get(pk=member_id)

    def consent(self, member_id: int, *, purpose: str = "care", channel: str = "sms", given: bool = True) -> None:
        members.give_consent(
            member_id=member_id, purpose=purpose, channel=channel, is_granted=given, source="test", text_version="1"
        )

    def buys(self, member: Member, *, at: datetime, cents: int = 10_000, **more: Any) -> Order:
        self.made += 1
        order = Order.objects.create(
            source="test", order_no=f"O{self.made}", member=member, status="paid", total_cents=cents, paid_at=at, **more
        )
        Change.objects.create(member=member, due_at=at)
        return order

    def lapsing_member(self, *, days: float = 32, at: datetime = NOON, **more: Any) -> Member:
        """Bought once, `days` ago: after 30 days a member of one order is lapsing."""
        member = self.member(**more)
        self.buys(member, at=at - timedelta(days=days))
        return member

    def policy(self, key: str = "lapsing", *, priority: int = 100, **draft: Any) -> Version:
        made = policies.create(key=key, name=key, draft=LAPSING | draft, priority=priority)
        return policies.publish(policy_id=made.pk)

    def limits(self, **values: Any) -> None:
        brand.write("care.gate", brand.read("care.gate") | values)


@pytest.fixture
def shop(db: None) -> Shop:
    return Shop()


@pytest.fixture
def noon(clock: Callable[[datetime], datetime]) -> datetime:
    return clock(NOON)


@pytest.fixture
def platform(simulator: Simulator) -> Client:
    return Client(simulator.url)


def touches() -> list[tuple[str, str, str, str]]:
    """(member number, policy, state, reason), sorted."""
    rows = Touch.objects.values_list("member__member_no", "policy__key", "state", "reason")
    return sorted(rows)


def paused(key: str) -> None:
    policies.pause(policy_id=Policy.objects.get(key=key).pk)
