"""A program that is on, members who invite, friends who come and buy: what the tests of referral are about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from apps.core import clock
from apps.members import services as members
from apps.members.models import Member
from apps.orders import services as orders
from apps.orders.models import Order
from apps.referral import services
from apps.referral.models import Credit

NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def program(**fields: Any) -> None:
    services.set_program(**{"is_on": True, "points": 200, "friend_points": 50, "keep_days": 7} | fields)


def member(name: str = "林若溪", *, source: str = "test", phone: str = "", at: datetime = NOON - 90 * DAY) -> Member:
    with clock.frozen(at):
        return Member.objects.get(pk=members.register(source=source, nickname=name, phone=phone))


def friend_of(advocate: Member, name: str = "沈悦", *, at: datetime = NOON, phone: str = "") -> Member:
    """Registered by the advocate's code; the fact waits for `run_flows`."""
    with clock.frozen(at):
        slug = services.invite(member_id=advocate.pk).code.slug
    return member(name, source=f"code:{slug}", phone=phone, at=at)


def buys(who: Member, *, cents: int = 9_900, at: datetime = NOON) -> Order:
    with clock.frozen(at):
        number = f"R{Order.objects.count()}"
        row = orders.record(source="test", order_no=number, member_id=who.pk, lines=[], total_cents=cents)
        return orders.mark_paid(order_id=row.pk)


def credit(friend: Member) -> Credit:
    return Credit.objects.get(friend=friend)


def stage(friend: Member) -> tuple[str, str]:
    found = credit(friend)
    return found.stage, found.why
