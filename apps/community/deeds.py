"""What members do for a group's tasks: a check-in a day, something handed in; the reward comes once, with a fact."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.community.group_models import GroupMember
from apps.community.task_models import GroupTask, TaskDeed, TaskReward
from apps.core import audit, clock
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.events import services as events
from apps.members import selectors as members
from apps.members.models import Member

REACHED = "community.task_reached"
LONGEST_NOTE, MOST_DAYS, MOST_POINTS = 300, 366, 100_000
State, Kind = TaskDeed.State, GroupTask.Kind


class NotInGroup(DomainError):
    code = "community_not_in_group"
    title = gettext_lazy("This is for members of the group.")


class TaskOver(DomainError):
    code = "community_task_over"
    title = gettext_lazy("This task does not go on, or has not begun.")


class NothingHandedIn(DomainError):
    code = "community_nothing_handed_in"
    status = 422
    title = gettext_lazy("Write what you hand in, at most 300 characters.")


class DeedSettled(DomainError):
    code = "community_deed_settled"
    title = gettext_lazy("This was looked at already.")


@dataclass(frozen=True)
class Standing:
    """How a member stands with a task. `counted`: days that count now, in a row where the task asks for it."""

    task: GroupTask
    counted: int
    is_today_done: bool
    waits: bool
    is_refused: bool
    is_rewarded: bool


@transaction.atomic
def create(
    *,
    name: str,
    text: str,
    kind: str,
    needed: int,
    is_in_a_row: bool,
    first_on: date,
    last_on: date,
    group_ids: Sequence[int],
    points: int,
    coupon_key: str,
) -> GroupTask:
    """Raises ValidationFailed."""
    days = (last_on - first_on).days + 1
    rights = {
        "/name": (0 < len(name.strip()) <= 60, _("Give it a name.")),
        "/last_on": (0 < days <= MOST_DAYS, _("The last day lies before the first, or more than a year later.")),
        "/needed": (
            needed == 1 if kind == Kind.HAND_IN else 1 <= needed <= max(days, 1),
            _("So many check-ins do not fit between the first and the last day."),
        ),
        "/points": (
            0 <= points <= MOST_POINTS and (points > 0 or coupon_key != ""),
            _("Say what it is rewarded with: points or a coupon."),
        ),
    }
    errors = [
        {"pointer": at, "code": "invalid", "message": said} for at, (is_right, said) in rights.items() if not is_right
    ]
    if errors:
        raise ValidationFailed(errors=errors)
    made = GroupTask.objects.create(
        name=name.strip(), text=text.strip()[:300], kind=kind, needed=needed, first_on=first_on, last_on=last_on,
        is_in_a_row=is_in_a_row and kind == Kind.CHECK_IN, group_ids=sorted(set(group_ids)), points=points,
        coupon_key=coupon_key, made_at=clock.now(),
    )  # fmt: skip
    audit.record("group_task.created", object_type="group_task", object_id=made.pk, after={"name": made.name})
    return made


@transaction.atomic
def end(*, task_id: int) -> None:
    """Nobody can add to it any more; what waits may still be looked at. Raises NotFound."""
    task = GroupTask.objects.select_for_update().filter(pk=task_id).first()
    if task is None:
        raise NotFound
    if task.ended_at is None:
        task.ended_at = clock.now()
        task.save(update_fields=["ended_at"])
        audit.record("group_task.ended", object_type="group_task", object_id=task.pk, after={"name": task.name})


@transaction.atomic
def do(*, task_id: int, member_id: int, note: str = "", moment: datetime) -> Standing:
    """Check in for today, or hand in; today's again changes nothing, but what was refused may be handed in anew.

    Raises NotFound, TaskOver, NotInGroup, NothingHandedIn.
    """
    member_id = members.current_id(member_id)
    Member.objects.select_for_update().get(pk=member_id)  # one deed of a member at a time
    task, today = GroupTask.objects.filter(pk=task_id).first(), clock.local_date(moment)
    if task is None:
        raise NotFound
    if not is_on(task, today=today):
        raise TaskOver
    if not _may(task, groups_of(member_id)):
        raise NotInGroup
    is_check_in, words = task.kind == Kind.CHECK_IN, " ".join(note.split())
    if not is_check_in and not 0 < len(words) <= LONGEST_NOTE:
        raise NothingHandedIn
    known = TaskDeed.objects.filter(task=task, member_id=member_id).exclude(state=State.REFUSED)
    if not (known.filter(day=today) if is_check_in else known).exists():
        state = State.COUNTED if is_check_in else State.WAITING
        TaskDeed.objects.update_or_create(
            task=task, member_id=member_id, day=today,
            defaults={"state": state, "note": "" if is_check_in else words, "at": moment, "judged_at": None},
        )  # fmt: skip
    standing = standings(member_id=member_id, moment=moment, only=task)[0]
    if standing.counted >= task.needed:
        _reward(task, member_id, moment=moment)
        standing = standings(member_id=member_id, moment=moment, only=task)[0]
    return standing


@transaction.atomic
def judge(*, deed_id: int, is_right: bool, moment: datetime) -> None:
    """What was handed in counts, or does not. Raises DeedSettled, NotFound."""
    deed = TaskDeed.objects.select_for_update().select_related("task").filter(pk=deed_id).first()
    if deed is None:
        raise NotFound
    if deed.state != State.WAITING:
        raise DeedSettled
    deed.state, deed.judged_at = State.COUNTED if is_right else State.REFUSED, moment
    deed.save(update_fields=["state", "judged_at"])
    audit.record("group_task.judged", object_type="task_deed", object_id=deed.pk, after={"state": deed.state})
    if is_right:
        _reward(deed.task, members.current_id(deed.member_id), moment=moment)


def standings(*, member_id: int, moment: datetime, only: GroupTask | None = None) -> list[Standing]:
    """How a member stands with the tasks of their groups that are on, or with one."""
    today, mine = clock.local_date(moment), groups_of(member_id)
    on = GroupTask.objects.filter(ended_at=None, first_on__lte=today, last_on__gte=today)
    tasks = [only] if only else [task for task in on.order_by("last_on", "pk") if _may(task, mine)]
    found: dict[int, list[TaskDeed]] = {task.pk: [] for task in tasks}
    for deed in TaskDeed.objects.filter(member_id=member_id, task__in=found).order_by("day"):
        found[deed.task_id].append(deed)
    done = set(TaskReward.objects.filter(member_id=member_id, task__in=found).values_list("task_id", flat=True))
    return [_standing(task, found[task.pk], today=today, is_rewarded=task.pk in done) for task in tasks]


def is_on(task: GroupTask, *, today: date) -> bool:
    return task.ended_at is None and task.first_on <= today <= task.last_on


def groups_of(member_id: int) -> set[int]:
    """Living groups that the member is in."""
    rows = GroupMember.objects.filter(contact__member_id=member_id, left_at=None, group__dismissed_at=None)
    return set(rows.values_list("group_id", flat=True))


def waiting(*, limit: int = 100) -> list[dict[str, Any]]:
    """What was handed in and nobody has looked at yet, the oldest first."""
    rows = TaskDeed.objects.filter(state=State.WAITING).order_by("pk")
    names = ("pk", "note", "at", "task_id", "task__name", "member_id", "member__nickname")
    return [dict(zip(names, row, strict=True)) for row in rows.values_list(*names)[:limit]]


def _may(task: GroupTask, mine: set[int]) -> bool:
    return bool(mine & set(task.group_ids)) if task.group_ids else bool(mine)


def _standing(task: GroupTask, deeds: Sequence[TaskDeed], *, today: date, is_rewarded: bool) -> Standing:
    days = [deed.day for deed in deeds if deed.state == State.COUNTED]
    states = {deed.state for deed in deeds}
    return Standing(
        task, counted=_in_a_row(days, today=today) if task.is_in_a_row else len(days),
        is_today_done=today in days, waits=State.WAITING in states,
        is_refused=states == {State.REFUSED}, is_rewarded=is_rewarded,
    )  # fmt: skip


def _in_a_row(days: Sequence[date], *, today: date) -> int:
    """Up to today, or to yesterday while today is still to come."""
    known, count = set(days), 0
    day = today if today in known else today - timedelta(days=1)
    while day in known:
        count, day = count + 1, day - timedelta(days=1)
    return count


def _reward(task: GroupTask, member_id: int, *, moment: datetime) -> None:
    row, is_new = TaskReward.objects.get_or_create(task=task, member_id=member_id, defaults={"at": moment})
    if is_new:
        events.publish(REACHED, key=str(row.pk), lane=f"member:{member_id}", reward_id=row.pk, member_id=member_id)
