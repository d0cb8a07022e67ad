"""What the steps of a journey do to their walkers, a chunk at a time: each notes where everybody goes on and why.

A step that takes no time is as late as the one before it: what follows counts from when its turn was, not from when somebody came to
it. A message that was late, or goes out later, is what the next step counts from.

All run in the transaction that holds the walkers, so what they give and the step that says so are one.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from apps.care import planning
from apps.care.journeys import callees, choosing, walking
from apps.care.journeys import graph as graphs
from apps.care.journeys.graph import Graph, Node
from apps.care.journeys.walking import Moves, Walker
from apps.care.models import Journey, JourneyMark, JourneyVersion, Touch, Version
from apps.coupons import issuing
from apps.coupons.models import Coupon, Template
from apps.events import services as events
from apps.followups import assigning as followups
from apps.members import attributes, tagging
from apps.members.models import Attribute, Tag
from apps.points import services as points
from apps.segments import language

HELD_OUT, DONE, GIVEN, NO_DATE, BUDGET = "held_out", "done", "given", "no_date", "budget_used"


@dataclass(frozen=True)
class Step:
    """A step of a published journey, its turn taken at `moment`."""

    journey: Journey
    version: JourneyVersion
    graph: Graph
    node: Node
    moment: datetime


def send(step: Step, walkers: Sequence[Walker], moves: Moves) -> None:
    """Decide by the gate; whoever gets the message goes on when it is due, everybody else now."""
    late = step.moment - timedelta(days=step.graph.data["late_days"])
    due = planning.Due(
        """select member_id, occurrence, due_at <= %(late)s as is_late, false as is_old, is_held_out
        from care_enrolment where id = any(%(walkers)s)""",
        {"walkers": [walker.id for walker in walkers], "late": late},
        "t.is_held_out",
    )
    version = Version.objects.select_related("policy").get(pk=step.version.sends[step.node.key])
    after = planning.decide(version, due=due, moment=step.moment)
    if per_minute := step.graph.data.get("per_minute"):
        _spread(version, after=after, per_minute=per_minute, moment=step.moment)
    decided = _decided(version, walkers)
    for walker in walkers:
        touch_id, state, reason, send_at = decided[walker.id]
        outcome = reason if state == Touch.State.SKIPPED else state
        moves.add(walker, outcome, step.node.next, max(send_at or step.moment, step.moment), touch_id)


def wait(step: Step, walkers: Sequence[Walker], moves: Moves) -> None:
    """The time is over. Whose date never comes leaves, or takes the other way."""
    dated = {walker.id for walker in walkers}
    if step.node.data["for"]["kind"] == "date":
        with connection.cursor() as cursor:
            cursor.execute(
                "select e.id from care_enrolment e join members_member m on m.id = e.member_id"
                f" where e.id = any(%(ids)s) and {walking.has_date(step.node, zone=walking.clock_of(step.graph))}",
                {"ids": list(dated)},
            )
            dated = {row[0] for row in cursor.fetchall()}
    for walker in walkers:
        if walker.id in dated:
            moves.add(walker, DONE, step.node.next, walker.due_at)
        else:
            moves.add(walker, NO_DATE, step.node.data.get("otherwise", ""), walker.due_at)


def timed_out(step: Step, walkers: Sequence[Walker], moves: Moves) -> None:
    """Whoever waited for something and saw it in time was moved when it came."""
    for walker in walkers:
        moves.add(walker, "timeout", step.node.data["timeout"], walker.due_at)


def branch(step: Step, walkers: Sequence[Walker], moves: Moves) -> None:
    left = list(walkers)
    for number, way in enumerate(step.node.data["ways"], start=1):
        fitting = holds(way["rule"], [walker.member_id for walker in left], moment=step.moment)
        for walker in left:
            if walker.member_id in fitting:
                moves.add(walker, str(number), way["next"], walker.due_at)
        left = [walker for walker in left if walker.member_id not in fitting]
    for walker in left:
        moves.add(walker, "otherwise", step.node.data["otherwise"], walker.due_at)


def split(step: Step, walkers: Sequence[Walker], moves: Moves) -> None:
    """By chance; by the way that was chosen since, everybody. Those held out go as they were drawn."""
    way = None
    if step.node.data.get("winner_days"):
        way = choosing.chosen(JourneyMark.objects.get(journey=step.journey), step.node)
    for walker in walkers:
        number = way
        if number is None or walker.is_held_out:
            number = arm_of(f"{step.journey.key}.{step.node.key}", walker.member_id, step.node.data["arms"])
        moves.add(walker, str(number + 1), step.node.data["arms"][number]["next"], walker.due_at)


def arm_of(key: str, member_id: int, arms: Sequence[dict[str, Any]]) -> int:
    """The first 4 bytes of sha256("journey.step:member_id"), as a share of 2^32, in the row of the arms' shares: always the same."""
    place = int.from_bytes(hashlib.sha256(f"{key}:{member_id}".encode()).digest()[:4]) * 100
    reached = 0
    for number, arm in enumerate(arms):
        reached += arm["percent"]
        if place < reached * 2**32:
            return number
    raise ValueError("shares below 100")


def give_points(step: Step, walkers: Sequence[Walker], moves: Moves) -> None:
    getting, left = _within_budget(step, walkers, moves)
    amount = step.node.data["amount"]
    grants = [(walker.member_id, walking.source(walker.id, step.node.key)) for walker in getting]
    told = points.earn_many(grants=grants, amount=amount, note=step.journey.name, moment=step.moment)
    for walker in getting:
        _told(step, moves, walker, told.get(walker.member_id, "member_gone"))
    for walker in left:
        _told(step, moves, walker, BUDGET)


def give_coupon(step: Step, walkers: Sequence[Walker], moves: Moves) -> None:
    template = Template.objects.get(key=step.node.data["template"])
    if step.node.data.get("is_only_live"):  # asked before the budget: whoever holds one takes nobody's place
        holding = _holding(template.pk, walkers, step.moment)
        for walker in walkers:
            if walker.member_id in holding and not walker.is_held_out:
                _told(step, moves, walker, "has_one")
        walkers = [walker for walker in walkers if walker.is_held_out or walker.member_id not in holding]
    getting, left = _within_budget(step, walkers, moves)
    if getting:
        source = (
            f"journey:{step.node.key}:{getting[0].id}"  # the first of this chunk: nobody is in two chunks of a step
        )
        answers = issuing.issue_many(
            member_ids=[walker.member_id for walker in getting], template_id=template.pk, source=source,
            channel=Coupon.Channel.CARE, origin=step.journey.key, moment=step.moment,
        )  # fmt: skip
        told = {answer.member_id: answer.outcome for answer in answers}
        for walker in getting:
            _told(step, moves, walker, told.get(walker.member_id, "coupon_member_gone"))
    for walker in left:
        _told(step, moves, walker, BUDGET)


def tag(step: Step, walkers: Sequence[Walker], moves: Moves) -> None:
    ids = [walker.member_id for walker in walkers if not walker.is_held_out]
    if ids and (tag_ids := _tag_ids(step.node.data.get("remove", ()))):
        tagging.take(member_ids=ids, tag_ids=tag_ids)
    if ids and (tag_ids := _tag_ids(step.node.data.get("add", ()))):
        tagging.give(member_ids=ids, tag_ids=tag_ids, source="rule")
    _all_done(step, walkers, moves)


def _tag_ids(names: Sequence[str]) -> list[int]:
    """Of those that are still there."""
    return list(Tag.objects.filter(name__in=names).order_by("pk").values_list("pk", flat=True))


def attribute(step: Step, walkers: Sequence[Walker], moves: Moves) -> None:
    field = Attribute.objects.get(key=step.node.data["field"])
    value = graphs.value_of(field, step.node.data["value"])[1]
    for walker in walkers:
        if not walker.is_held_out:
            attributes.set_attributes(member_id=walker.member_id, values={field.key: value})
    _all_done(step, walkers, moves)


def followup(step: Step, walkers: Sequence[Walker], moves: Moves) -> None:
    """A task for whoever knows the member; it is called off when the walk ends by a purchase."""
    data = step.node.data
    due_at = step.moment + timedelta(hours=data.get("due_hours", 48))
    followups.assign_many(
        [
            followups.NewTask(
                source=walking.source(walker.id, step.node.key), kind=data.get("task", "call"), title=data["title"],
                note=data.get("text", ""), due_at=due_at, member_id=walker.member_id,
            )
            for walker in walkers if not walker.is_held_out
        ]
    )  # fmt: skip
    for walker in walkers:
        outcome = HELD_OUT if walker.is_held_out else walking.ASSIGNED
        moves.add(walker, outcome, step.node.next, walker.due_at)


def webhook(step: Step, walkers: Sequence[Walker], moves: Moves) -> None:
    """One fact a member: ids only. Where the endpoint is off or gone, the step says so and everybody goes on."""
    if why := callees.why_not(step.node.data["endpoint"]):
        for walker in walkers:
            moves.add(walker, HELD_OUT if walker.is_held_out else why, step.node.next, walker.due_at)
        return
    ids = ",".join(str(walker.id) for walker in walkers if not walker.is_held_out)
    if ids:
        events.publish_many(
            "journey.called",
            query=f"""
                select e.id || ':{step.node.key}' as key, 'member:' || e.member_id as lane, jsonb_build_object(
                    'journey', '{step.journey.key}', 'node', '{step.node.key}', 'enrolment_id', e.id, 'member_id', e.member_id,
                    'source', e.occurrence, 'endpoint', v.graph -> 'nodes' -> {step.node.place:d} ->> 'endpoint'
                ) as payload
                from care_enrolment e join care_journeyversion v on v.id = e.version_id where e.id in ({ids}) order by e.id
            """,
        )
    _all_done(step, walkers, moves)


def leave(step: Step, walkers: Sequence[Walker], moves: Moves) -> None:
    for walker in walkers:
        moves.add(walker, DONE, "", walker.due_at)


def holds(rule: dict[str, Any], member_ids: Sequence[int], *, moment: datetime) -> set[int]:
    """Those of these members of whom a rule is true."""
    if not member_ids:
        return set()
    asked = language.compiled(rule, moment=moment, only="select unnest(%(walkers)s::bigint[])")
    with connection.cursor() as cursor:
        cursor.execute(asked.members(more="and m.id = any(%(walkers)s)"), asked.params | {"walkers": list(member_ids)})
        return {row[0] for row in cursor.fetchall()}


def _decided(version: Version, walkers: Sequence[Walker]) -> dict[int, tuple[int, str, str, datetime | None]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """select e.id, t.id, t.state, t.reason, t.send_at
            from care_enrolment e join care_touch t
              on t.policy_id = %s and t.member_id = e.member_id and t.occurrence = e.occurrence
            where e.id = any(%s)""",
            [version.policy_id, [walker.id for walker in walkers]],
        )
        return {row[0]: row[1:] for row in cursor.fetchall()}


def _spread(version: Version, *, after: int, per_minute: int, moment: datetime) -> None:
    """No more than so many messages of a step a minute: the new ones queue behind those of this minute and later."""
    with connection.cursor() as cursor:
        cursor.execute(
            """with ahead as (
                select count(*) as n from care_touch
                where policy_id = %(policy)s and id <= %(after)s and state not in ('skipped', 'held_out')
                  and send_at >= date_trunc('minute', %(moment)s::timestamptz)
            ), queued as (
                select id, row_number() over (order by send_at, id) - 1 + (select n from ahead) as place from care_touch
                where policy_id = %(policy)s and state = 'planned' and settled_at is null and id > %(after)s
            )
            update care_touch t set send_at = t.send_at + make_interval(mins => (q.place / %(most)s)::int)
            from queued q where q.id = t.id""",
            {"policy": version.policy_id, "after": after, "most": per_minute, "moment": moment},
        )


def _within_budget(step: Step, walkers: Sequence[Walker], moves: Moves) -> tuple[list[Walker], list[Walker]]:
    """Who may get something, and for whom it is used up. Those held out go on with nothing."""
    getting = []
    for walker in walkers:
        if walker.is_held_out:
            moves.add(walker, HELD_OUT, step.node.next, walker.due_at)
        else:
            getting.append(walker)
    most = step.node.data.get("most")
    if most is None:
        return getting, []
    JourneyMark.objects.select_for_update().get(journey=step.journey)  # two chunks would both see room
    with connection.cursor() as cursor:
        cursor.execute(
            """select count(*) from care_step p join care_enrolment e on e.id = p.enrolment_id
            where e.journey_id = %s and p.node = %s and p.outcome = %s""",
            [step.journey.pk, step.node.key, GIVEN],
        )
        room = max(0, most - cursor.fetchone()[0])
    return getting[:room], getting[room:]


def _holding(template_id: int, walkers: Sequence[Walker], moment: datetime) -> set[int]:
    ready = Coupon.objects.filter(
        template_id=template_id,
        member_id__in=[w.member_id for w in walkers],
        state=Coupon.State.READY,
        ends_at__gt=moment,
    )
    return set(ready.values_list("member_id", flat=True))


def _told(step: Step, moves: Moves, walker: Walker, outcome: str) -> None:
    """Given, or why not: then the other way, where there is one."""
    is_given = outcome in ("done", "again")
    to = step.node.next if is_given else step.node.data.get("otherwise", step.node.next)
    moves.add(walker, GIVEN if is_given else outcome[:30], to, walker.due_at)


def _all_done(step: Step, walkers: Sequence[Walker], moves: Moves) -> None:
    for walker in walkers:
        moves.add(walker, HELD_OUT if walker.is_held_out else DONE, step.node.next, walker.due_at)


ACTS: dict[str, Callable[[Step, Sequence[Walker], Moves], None]] = {
    "send": send, "wait": wait, "await": timed_out, "branch": branch, "split": split, "points": give_points,
    "coupon": give_coupon, "tag": tag, "attribute": attribute, "followup": followup, "webhook": webhook, "exit": leave,
}  # fmt: skip
