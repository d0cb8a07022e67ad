"""Plans for groups: to-dos appear when their hours begin, are done or missed by their end, and are called off when a plan ends early.

A message is a group send of the group's owner and counts against the group's quota; what is to be done by hand goes to the owner as
a follow-up. Each step happens once in a group and day, whoever looks how often.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.community import queueing, sending, words
from apps.community.group_models import Group
from apps.community.plan_models import GroupPlan, GroupTodo
from apps.core import audit, clock
from apps.core.errors import NotFound, ValidationFailed
from apps.events import services as events

OPENED, ENDED = "community.todo_opened", "community.todo_ended"
MOST_STEPS, LONGEST_TEXT = 20, 1000
Kind, State = GroupTodo.Kind, GroupTodo.State
# What came of messages: the owner confirmed, or they ended otherwise.
_TOLD = """
update community_grouptodo t
set state = case i.state when 'delivered' then 'done' else 'missed' end, code = i.code, settled_at = %(moment)s
from community_senditem i
where t.state = 'open' and t.kind = 'send' and i.key = 'todo:' || t.id and i.state in ('delivered', 'failed')
returning t.id
"""
_MISSED = """
update community_grouptodo set state = 'missed', code = 'NOT_DONE', settled_at = %(moment)s
where state = 'open' and kind = 'by_hand' and until_at <= %(moment)s returning id
"""
# What a plan that ended left behind at WeCom, because it did not answer then.
_LEFT_OVER = """
select i.key from community_grouptodo t join community_senditem i on i.key = 'todo:' || t.id
where t.state = 'cancelled' and t.settled_at > %s and i.state in ('queued', 'tasked') order by i.key
"""
LEFT_OVER_FOR = timedelta(days=3)


@transaction.atomic
def create(
    *,
    name: str,
    kind: str,
    starts_on: date,
    ends_on: date | None,
    every_days: int | None,
    group_ids: Sequence[int],
    steps: Sequence[dict[str, Any]],
) -> GroupPlan:
    """It holds from now on. Raises ValidationFailed."""
    ordered = sorted(steps, key=lambda step: (step["day"], step["from"]))
    _check(name, kind, starts_on, ends_on, every_days, ordered)
    plan = GroupPlan.objects.create(
        name=name.strip(), kind=kind, starts_on=starts_on, ends_on=ends_on, every_days=every_days, steps=ordered,
        group_ids=sorted(set(group_ids)), made_at=clock.now(),
    )  # fmt: skip
    audit.record("group_plan.created", object_type="group_plan", object_id=plan.pk, after={"name": plan.name})
    return plan


def end(*, plan_id: int, group_id: int | None = None) -> int:
    """Early, everywhere or in one group: nothing new appears, what is open is called off, at WeCom too. Returns how many to-dos."""
    moment = clock.now()
    with transaction.atomic():
        plan = GroupPlan.objects.select_for_update().filter(pk=plan_id).first()
        if plan is None:
            raise NotFound
        still = GroupTodo.objects.filter(plan=plan, state=State.OPEN)
        if group_id is None:
            plan.ended_at = plan.ended_at or moment
        else:
            plan.left_out = sorted({*plan.left_out, group_id})
            still = still.filter(group_id=group_id)
        plan.save(update_fields=["ended_at", "left_out"])
        keys = list(still.select_for_update().values_list("pk", flat=True))
        GroupTodo.objects.filter(pk__in=keys).update(state=State.CANCELLED, settled_at=moment)
        _tell_ended(keys)
        after = {"group": group_id, "to_dos": len(keys)}
        audit.record("group_plan.ended", object_type="group_plan", object_id=plan.pk, after=after)
    sending.call_off_items([_key(pk) for pk in keys], moment=moment)
    return len(keys)


def sweep(*, moment: datetime) -> dict[str, int]:
    """Every minute: what begins now, what came of the messages, what was not done in time. Repeatable. No transaction may be open."""
    with connection.cursor() as cursor:
        cursor.execute(_LEFT_OVER, [moment - LEFT_OVER_FOR])
        left_over = [row[0] for row in cursor.fetchall()]
    sending.call_off_items(left_over, moment=moment)
    made = 0
    for plan in GroupPlan.objects.filter(ended_at=None).order_by("pk"):
        made += _open(plan.pk, moment=moment)
    return {"todos": made, "todos_ended": _settle(_TOLD, moment) + _settle(_MISSED, moment)}


@transaction.atomic
def done_by_hand(*, todo_id: int, moment: datetime) -> bool:
    """The owner has done it; False when it had ended before."""
    return bool(
        GroupTodo.objects.filter(pk=todo_id, kind=Kind.BY_HAND, state=State.OPEN).update(
            state=State.DONE, settled_at=moment
        )
    )


def days_of(plan: GroupPlan, step: dict[str, Any], *, today: date, made_on: date) -> bool:
    """Whether a step of the plan falls on this day in a group that was made on `made_on`."""
    since = today - timedelta(days=step["day"])  # the day from which the step counts
    if plan.ends_on and today > plan.ends_on:
        return False
    if plan.kind == GroupPlan.Kind.NEW_GROUP:
        return since == made_on and made_on >= plan.starts_on
    if plan.kind == GroupPlan.Kind.CYCLE:
        return since >= plan.starts_on and (since - plan.starts_on).days % (plan.every_days or 1) == 0
    return since == plan.starts_on


@transaction.atomic
def _open(plan_id: int, *, moment: datetime) -> int:
    """To-dos of the plan whose hours have begun and not ended yet, each once: the plan's lock makes others wait."""
    plan = GroupPlan.objects.select_for_update().get(pk=plan_id)
    today, local = clock.local_date(moment), clock.local(moment)
    current = [
        (number, step) for number, step in enumerate(plan.steps) if step["from"] <= f"{local:%H:%M}" < step["until"]
    ]
    if plan.ended_at or not current:
        return 0
    living = Group.objects.filter(dismissed_at=None).exclude(pk__in=plan.left_out)
    if plan.group_ids:
        living = living.filter(pk__in=plan.group_ids)
    known = set(GroupTodo.objects.filter(plan=plan, day=today).values_list("group_id", "step"))
    fresh = [
        _todo(plan, group, number, step, today)
        for group in living.order_by("pk")
        for number, step in current
        if (group.pk, number) not in known and days_of(plan, step, today=today, made_on=clock.local_date(group.made_at))
    ]
    GroupTodo.objects.bulk_create(fresh)
    for todo in fresh:
        _begin(todo, moment=moment)
    return len(fresh)


def _todo(plan: GroupPlan, group: Group, number: int, step: dict[str, Any], today: date) -> GroupTodo:
    return GroupTodo(
        plan=plan, group=group, step=number, day=today, kind=step["kind"], text=step["text"],
        from_at=_at(today, step["from"]), until_at=_at(today, step["until"]),
    )  # fmt: skip


def _begin(todo: GroupTodo, *, moment: datetime) -> None:
    if todo.kind == Kind.BY_HAND:
        events.publish(OPENED, key=str(todo.pk), todo_id=todo.pk)
        return
    note = queueing.GroupNote(_key(todo.pk), todo.group_id, todo.text)
    if not queueing.queue_group(note, until=todo.until_at, moment=moment):
        todo.state, todo.code, todo.settled_at = State.MISSED, queueing.QUOTA, moment
        todo.save(update_fields=["state", "code", "settled_at"])


@transaction.atomic
def _settle(statement: str, moment: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"moment": moment})
        keys = sorted(row[0] for row in cursor.fetchall())
    _tell_ended(keys)
    return len(keys)


def _tell_ended(keys: Sequence[int]) -> None:
    if keys:
        events.publish(ENDED, key=str(min(keys)), todo_ids=sorted(keys))


def _key(todo_id: int) -> str:
    return f"todo:{todo_id}"


def _at(day: date, text: str) -> datetime:
    """ "24:00" is the day's end."""
    hours, minutes = map(int, text.split(":"))
    return clock.day_start(day) + timedelta(hours=hours, minutes=minutes)


def _check(
    name: str, kind: str, starts_on: date, ends_on: date | None, every_days: int | None, steps: Sequence[dict[str, Any]]
) -> None:
    is_cycle = kind == GroupPlan.Kind.CYCLE
    found = {
        "/name": (0 < len(name.strip()) <= 60, _("Give it a name.")),
        "/ends_on": (ends_on is None or ends_on >= starts_on, _("The last day lies before the first.")),
        "/every_days": (
            is_cycle == (every_days is not None) and (every_days or 1) in range(1, 366),
            _("A round has 1 to 365 days; other plans have no rounds."),
        ),
        "/steps": (0 < len(steps) <= MOST_STEPS, _("A plan has 1 to %(most)s steps.") % {"most": MOST_STEPS}),
    }
    for number, step in enumerate(steps):
        fits = step["from"] < step["until"] and 0 < len(step["text"].strip()) <= LONGEST_TEXT
        may_precede = kind == GroupPlan.Kind.FESTIVAL
        fits = fits and step["kind"] in Kind.values and (-365 if may_precede else 0) <= step["day"] <= 365
        sentence = _("Step %(number)s: say what is to be done, and hours that end after they begin.")
        found[f"/steps/{number}"] = (fits, sentence % {"number": number + 1})
        word = words.found_in(step["text"])
        said = _("Step %(number)s has “%(word)s” in it, which the house does not say.") % {
            "number": number + 1,
            "word": word,
        }
        found[f"/steps/{number}/text"] = (not word, said)
    errors = [
        {"pointer": at, "code": "invalid", "message": said} for at, (is_right, said) in found.items() if not is_right
    ]
    if errors:
        raise ValidationFailed(errors=errors)
