"""What staff do with a task, and calling off what nobody needs any more. Who may see a task the door has checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from apps.core import clock
from apps.core.errors import NotFound
from apps.events import services as events
from apps.followups.errors import OutcomeMissing, TaskSettled, TaskTaken, WrongAssignee, WrongDay
from apps.followups.models import Entry, Task
from apps.stores.models import Staff

COMPLETED, CANCELLED = "followup.completed", "followup.cancelled"
FURTHEST = timedelta(days=365)
_CANCEL = """
with gone as (
    update followups_task t set state = 'cancelled', settled_at = %(moment)s
    where t.state = 'open' and {which} returning t.id
)
insert into followups_entry (task_id, kind, at) select id, 'cancelled', %(moment)s from gone order by id
"""
_MOVE = """
with moved as (
    update followups_task t set assignee_id = %(to)s::bigint,
        pooled_at = case when %(to)s::bigint is null then %(moment)s::timestamptz end
    where t.state = 'open' and t.assignee_id = %(was)s
      and (%(to)s::bigint is null or t.store_id is not distinct from %(store)s::bigint)
      and (%(within)s::bigint[] is null or t.store_id = any(%(within)s::bigint[])) returning t.id
)
insert into followups_entry (task_id, kind, at, by_id, to_id)
select id, %(kind)s, %(moment)s, %(by)s::bigint, %(to)s::bigint from moved order by id
"""


@dataclass(frozen=True)
class By:
    """Who acts. `may_manage`: also on tasks that somebody else has."""

    staff_id: int
    may_manage: bool = False


@transaction.atomic
def take(*, task_id: int, by: By) -> None:
    """It is mine now. Mine already: nothing happens. Raises TaskTaken, TaskSettled, NotFound."""
    task = _mine_to_change(task_id, by)
    if task.assignee_id != by.staff_id:
        _give(task, to=by.staff_id, kind=Entry.Kind.TAKEN, by=by)


@transaction.atomic
def complete(*, task_id: int, outcome: str, evidence: str, by: By) -> None:
    """Done, with what came of it; whoever does it has it. The same again is a no-op; publishes `followup.completed`.

    Raises OutcomeMissing, TaskTaken, TaskSettled, NotFound.
    """
    if outcome not in Task.Outcome.values:
        raise OutcomeMissing
    done = Task.objects.filter(pk=task_id, state=Task.State.DONE, outcome=outcome, settled_by_id=by.staff_id)
    if done.exists():
        return
    task = _mine_to_change(task_id, by)
    task.assignee_id, task.pooled_at = task.assignee_id or by.staff_id, None
    task.outcome, task.evidence = outcome, " ".join(evidence.split())[:500]
    _settle(task, state=Task.State.DONE, kind=Entry.Kind.DONE, by=by)
    _publish(COMPLETED, task)


@transaction.atomic
def postpone(*, task_id: int, due_on: date, by: By) -> None:
    """To the end of that shop day. Raises WrongDay (past, too far, after the task's own end), TaskTaken, TaskSettled, NotFound."""
    moment, due_at = clock.now(), clock.day_end(due_on) - timedelta(seconds=1)
    task = _mine_to_change(task_id, by)
    if not moment <= due_at <= moment + FURTHEST or (task.expires_at and due_at > task.expires_at):
        raise WrongDay
    task.due_at = due_at
    task.save(update_fields=["due_at"])
    Entry.objects.create(task=task, kind=Entry.Kind.POSTPONED, at=moment, by_id=by.staff_id, due_at=due_at)


@transaction.atomic
def hand_over(*, task_id: int, to_staff_id: int | None, by: By) -> None:
    """To a colleague of the same store, or (None) back to its pool. Raises WrongAssignee, TaskTaken, TaskSettled, NotFound."""
    task = _mine_to_change(task_id, by)
    if to_staff_id is not None and not _works_there(to_staff_id, task.store_id):
        raise WrongAssignee
    if task.assignee_id != to_staff_id:
        kind = Entry.Kind.RETURNED if to_staff_id is None else Entry.Kind.HANDED_OVER
        _give(task, to=to_staff_id, kind=kind, by=by)


@transaction.atomic
def hand_over_all(*, from_staff_id: int, to_staff_id: int | None, by: By, store_ids: Sequence[int] | None) -> int:
    """Somebody leaves: all they have open in these stores (None: all) to a colleague, or to the pools. Returns how many.

    A colleague gets those of their own store. Raises WrongAssignee for one who has left.
    """
    to = Staff.objects.filter(pk=to_staff_id, is_active=True, user__isnull=False).first() if to_staff_id else None
    if to_staff_id and (to is None or to.pk == from_staff_id):
        raise WrongAssignee
    with connection.cursor() as cursor:
        cursor.execute(
            _MOVE,
            {
                "was": from_staff_id, "to": to_staff_id, "store": to.store_id if to else None, "moment": clock.now(),
                "within": None if store_ids is None else list(store_ids), "by": by.staff_id,
                "kind": Entry.Kind.HANDED_OVER if to else Entry.Kind.RETURNED,
            },
        )  # fmt: skip
        return cursor.rowcount


@transaction.atomic
def cancel(*, task_id: int, by: By) -> None:
    """Called off by hand; publishes `followup.cancelled`. Raises TaskTaken, TaskSettled, NotFound."""
    task = _mine_to_change(task_id, by)
    _settle(task, state=Task.State.CANCELLED, kind=Entry.Kind.CANCELLED, by=by)
    _publish(CANCELLED, task)


@transaction.atomic
def cancel_by_sources(*, sources: Sequence[str]) -> int:
    """Call off what these sources gave out and is still open; no fact, since whoever asks knows. Returns how many."""
    return _cancelled("t.source = any(%(sources)s)", sources=list(sources))


@transaction.atomic
def cancel_by_prefix(*, prefix: str, member_ids: Sequence[int] | None = None) -> int:
    """The same for all sources that begin so ("journey:lapsing."), of some members or of all."""
    mine = "" if member_ids is None else "t.member_id = any(%(members)s) and "
    like = prefix.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    return _cancelled(f"{mine}t.source like %(like)s", like=like, members=list(member_ids or ()))


@transaction.atomic
def cancel_of_members(*, member_ids: Sequence[int]) -> int:
    """Nobody turns to these members any more."""
    return _cancelled("t.member_id = any(%(members)s)", members=list(member_ids))


def _cancelled(which: str, **values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_CANCEL.format(which=which), {**values, "moment": clock.now()})
        return cursor.rowcount


def _mine_to_change(task_id: int, by: By) -> Task:
    """The open task, locked. Its assignee is read afterwards: a join would show whoever had it before the lock was waited for."""
    task = Task.objects.select_for_update().filter(pk=task_id).first()
    if task is None:
        raise NotFound
    if task.state != Task.State.OPEN:
        raise TaskSettled
    if task.assignee_id not in {None, by.staff_id} and not by.may_manage:
        raise TaskTaken(name=Staff.objects.values_list("name", flat=True).get(pk=task.assignee_id))
    return task


def _works_there(staff_id: int, store_id: int | None) -> bool:
    there = Q(store_id=store_id)  # None: of head office
    return Staff.objects.filter(there, pk=staff_id, is_active=True, user__isnull=False).exists()


def _give(task: Task, *, to: int | None, kind: str, by: By) -> None:
    moment = clock.now()
    task.assignee_id, task.pooled_at = to, moment if to is None else None
    task.save(update_fields=["assignee", "pooled_at"])
    Entry.objects.create(task=task, kind=kind, at=moment, by_id=by.staff_id, to_id=to)


def _settle(task: Task, *, state: str, kind: str, by: By) -> None:
    moment: datetime = clock.now()
    task.state, task.settled_at, task.settled_by_id = state, moment, by.staff_id
    task.save(update_fields=["state", "settled_at", "settled_by", "outcome", "evidence", "assignee", "pooled_at"])
    Entry.objects.create(task=task, kind=kind, at=moment, by_id=by.staff_id)


def _publish(name: str, task: Task) -> None:
    events.publish(
        name, key=str(task.pk), lane=f"member:{task.member_id}" if task.member_id else "", task_id=task.pk,
        member_id=task.member_id, source=task.source, kind=task.kind, outcome=task.outcome,
    )  # fmt: skip
