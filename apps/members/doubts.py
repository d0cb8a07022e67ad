"""Pairs of records that may be one person, for staff to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Q

from apps.core import clock, requests
from apps.members import selectors
from apps.members.models import Doubt, Member

LISTED = 100
# What was asked or decided about an alias holds for the record it became part of.
_CARRY = """
insert into members_doubt (first_id, second_id, cause, state, score, reasons, at, decided_at, decided_by)
select least(o.other, %(to)s), greatest(o.other, %(to)s), o.cause, o.state, o.score, o.reasons, o.at, o.decided_at, o.decided_by
  from (select d.*, case when d.first_id = %(of)s then d.second_id else d.first_id end as other
          from members_doubt d where %(of)s in (d.first_id, d.second_id)) o
  join members_member m on m.id = o.other and m.merged_into_id is null
 where o.other <> %(to)s and o.state in ('open', 'apart')
 order by 1, 2 on conflict (first_id, second_id) do nothing returning id
"""


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


def carry_over(*, of_id: int, to_id: int) -> list[int]:
    """After a merge: repeat the pairs of the merged record for the one that stays. Returns the ids of the new rows."""
    with connection.cursor() as cursor:
        cursor.execute(_CARRY, {"of": of_id, "to": to_id})
        return [row_id for (row_id,) in cursor.fetchall()]


def take_back(row_ids: Sequence[int]) -> None:
    """Undo `carry_over`; what led to a merge since stays on record."""
    Doubt.objects.filter(pk__in=row_ids).exclude(state=Doubt.State.MERGED).delete()


def decide_undone(*, member_ids: tuple[int, int]) -> None:
    """A merge was undone: whoever undid it said that they are two."""
    first, second = sorted(member_ids)
    Doubt.objects.filter(first_id=first, second_id=second).update(state=Doubt.State.APART, decided_at=clock.now())


def _settle(member_ids: tuple[int, int], state: str) -> int:
    pair = Q(first_id=min(member_ids), second_id=max(member_ids))
    return Doubt.objects.filter(pair, state=Doubt.State.OPEN).update(
        state=state, decided_at=clock.now(), decided_by=requests.origin().actor
    )
