"""Pairs of records that may be one person, for staff to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from apps.core import clock, requests
from apps.members import selectors
from apps.members.models import Doubt, Member

LISTED = 100


@dataclass(frozen=True)
class Case:
    """An open pair. `first_id` joined the house earlier (smaller id)."""

    id: int
    first_id: int
    second_id: int
    cause: str
    at: datetime


def raise_doubt(*, member_ids: tuple[int, int], cause: str) -> bool:
    """Put a pair before staff; a pair that was looked at already, or is one member by now, is not asked about again."""
    found = selectors.current_ids(member_ids)
    first, second = sorted(found.get(member_id, member_id) for member_id in member_ids)
    if first == second:
        return False
    _row, is_new = Doubt.objects.get_or_create(
        first_id=first, second_id=second, defaults={"cause": cause, "at": clock.now()}
    )
    return is_new


def waiting(*, store_ids: Sequence[int] | None = None, limit: int = LISTED) -> list[Case]:
    """Open pairs that a log-in raised, newest first; with `store_ids` only those of which both lie in these home stores.

    Pairs that merely look alike have a page of their own (`duplicates`).
    """
    members = Member.objects.filter(merged_into=None)
    seen = selectors.within(members, store_ids).values("pk")
    open_ones = Doubt.objects.filter(state=Doubt.State.OPEN).exclude(cause=Doubt.Cause.FOUND)
    rows = open_ones.filter(first__in=seen, second__in=seen).order_by("-id")
    return [Case(row.pk, row.first_id, row.second_id, row.cause, row.at) for row in rows[:limit]]


def decide_apart(*, member_ids: tuple[int, int]) -> bool:
    """They are two people: the pair is not shown again. False when it was not open."""
    return bool(_settle(member_ids, Doubt.State.APART))


def decide_merged(*, member_ids: tuple[int, int]) -> None:
    _settle(member_ids, Doubt.State.MERGED)


def decide_undone(*, member_ids: tuple[int, int]) -> None:
    """A merge was undone: whoever undid it said that they are two."""
    first, second = sorted(member_ids)
    Doubt.objects.filter(first_id=first, second_id=second).update(state=Doubt.State.APART, decided_at=clock.now())


def _settle(member_ids: tuple[int, int], state: str) -> int:
    pair = Q(first_id=min(member_ids), second_id=max(member_ids))
    return Doubt.objects.filter(pair, state=Doubt.State.OPEN).update(
        state=state, decided_at=clock.now(), decided_by=requests.origin().actor
    )
