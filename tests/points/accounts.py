"""Short words for the tests of the books. The day is a Monday; every posting happens at its noon unless a test says otherwise."""

from datetime import UTC, datetime
from typing import Any

from apps.members.models import Member
from apps.points import services as points
from apps.points.models import Account

MONDAY = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)  # noon in the shop


def totals(member: Member) -> tuple[int, int, int, int]:
    """balance, pending, held, debt."""
    account = Account.objects.get(member=member, currency__key="points")
    return account.balance, account.pending, account.held, account.debt


def earn(member: Member, amount: int, source: str, **more: Any) -> points.Posting:
    return points.earn(**{"member_id": member.pk, "amount": amount, "source": source, "moment": MONDAY} | more)


def spend(member: Member, amount: int, source: str, **more: Any) -> points.Posting:
    return points.spend(**{"member_id": member.pk, "amount": amount, "source": source, "moment": MONDAY} | more)


def hold(member: Member, amount: int, source: str, **more: Any) -> points.Posting:
    return points.hold(**{"member_id": member.pk, "amount": amount, "source": source, "moment": MONDAY} | more)


def join(loser: Member, survivor: Member, source: str = "merge:1") -> int:
    return points.join(from_id=loser.pk, to_id=survivor.pk, source=source, moment=MONDAY)


def part(loser: Member, survivor: Member, source: str = "merge:1") -> int:
    return points.part(from_id=loser.pk, to_id=survivor.pk, source=source, moment=MONDAY)
