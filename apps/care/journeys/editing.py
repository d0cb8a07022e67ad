"""What a journey is: drafted, published as frozen versions, paused, stopped, its walkers moved to a newer version.

The message of each send step is a policy of its own, published with the journey; it lives and pauses with it.
"""

from typing import Any

from django.db import connection, transaction

from apps.care import policies, reasons
from apps.care.journeys import graph as graphs
from apps.care.journeys import walking
from apps.care.journeys.errors import NeverPublished, Stopped
from apps.care.models import Enrolment, Journey, JourneyMark, JourneyVersion, Policy, Version
from apps.core import audit, clock
from apps.core.errors import NotFound

_END_ALL = """
    update care_enrolment set ended_at = %(moment)s, ending = 'stopped'
    where journey_id = %(journey)s and ended_at is null returning id
"""
_SKIP_WAITING = """
    update care_touch set state = 'skipped', reason = %(reason)s, settled_at = %(moment)s, slot_on = null
    where settled_at is null and state = 'planned' and policy_id in (select id from care_policy where journey_id = %(journey)s)
"""
# Whoever stands at a step that the newer version has, too, goes on there; the others stay.
_MOVE = """
    update care_enrolment set version_id = %(to)s
    where journey_id = %(journey)s and ended_at is null and version_id <> %(to)s and node = any(%(nodes)s)
"""


@transaction.atomic
def create(*, key: str, name: str, draft: Any = None, priority: int = 50) -> Journey:
    """A new draft; it may be incomplete until it is published."""
    audit.sign()
    journey = Journey(key=key, name=name, draft=draft or {}, priority=priority)
    journey.full_clean(exclude=["draft"])
    journey.save()
    JourneyMark.objects.create(journey=journey)
    return journey


@transaction.atomic
def save_draft(*, journey_id: int, draft: Any, name: str | None = None, priority: int | None = None) -> Journey:
    """Keep what staff wrote, whole or not; who walks goes on by the published version."""
    audit.sign()
    journey = locked(journey_id)
    journey.draft = draft
    journey.name = name if name is not None else journey.name
    journey.priority = priority if priority is not None else journey.priority
    journey.full_clean(exclude=["draft"])
    journey.save(update_fields=["draft", "name", "priority", "changed_at"])
    if priority is not None:
        Policy.objects.filter(journey=journey).update(priority=priority)
    return journey


@transaction.atomic
def publish(*, journey_id: int, user_id: int | None = None) -> JourneyVersion:
    """Freeze the draft as the next version and let it run: who enters from now on walks by it. An unchanged draft adds none.

    Raises ValidationFailed, Stopped.
    """
    audit.sign()
    journey = locked(journey_id)
    if journey.status == Journey.Status.STOPPED:
        raise Stopped
    graph = graphs.checked(journey.draft)
    newest = journey.versions.filter(number=journey.version).first()
    if newest is None or newest.graph != graph.data:
        newest = JourneyVersion.objects.create(
            journey=journey,
            number=journey.version + 1,
            graph=graph.data,
            sends={node.key: _message(journey, node, graph, user_id).pk for node in graph.sends},
            published_at=clock.now(),
            published_by_id=user_id,
        )
    journey.version = newest.number
    _switch(journey, Journey.Status.LIVE)
    return newest


@transaction.atomic
def pause(*, journey_id: int) -> Journey:
    """Nobody enters, nobody takes a step; messages whose time comes meanwhile are skipped. Raises NeverPublished, Stopped."""
    return _switch(_running(journey_id), Journey.Status.PAUSED)


@transaction.atomic
def resume(*, journey_id: int) -> Journey:
    """Go on where everybody stands; what came due too long ago is passed over as late. Raises NeverPublished, Stopped."""
    return _switch(_running(journey_id), Journey.Status.LIVE)


def stop(*, journey_id: int) -> int:
    """End it for good: nobody walks any more, nothing that waits is sent. Returns how many walks ended. Raises NeverPublished.

    It is paused first and on its own, so that senders hear of it at once: to end many walks takes seconds.
    """
    with transaction.atomic():
        audit.sign()
        journey = locked(journey_id)
        if not journey.version:
            raise NeverPublished
        if journey.status == Journey.Status.LIVE:
            _switch(journey, Journey.Status.PAUSED)
    return _end_all(journey_id)


@transaction.atomic
def _end_all(journey_id: int) -> int:
    audit.sign()
    journey = locked(journey_id)
    _switch(journey, Journey.Status.STOPPED)
    params: dict[str, Any] = {"journey": journey.pk, "moment": clock.now(), "reason": reasons.STOPPED}
    with connection.cursor() as cursor:
        cursor.execute(_END_ALL, params)
        ended = [row[0] for row in cursor.fetchall()]
        cursor.execute(_SKIP_WAITING, params)
    walking.call_off(ended)
    return len(ended)


@transaction.atomic
def move(*, journey_id: int) -> int:
    """Let everybody who walks go on by the newest version, where it has the step they stand at. Returns how many moved."""
    journey = _running(journey_id)
    newest = journey.versions.get(number=journey.version)
    nodes = list(graphs.parsed(newest.graph).nodes)
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, {"journey": journey.pk, "to": newest.pk, "nodes": nodes})
        moved = cursor.rowcount
    audit.record(
        "journey.moved", object_type="journey", object_id=journey.pk, after={"to": newest.number, "members": moved}
    )
    return moved


@transaction.atomic
def take_out(*, enrolment_id: int) -> Enrolment:
    """One member's walk ends by hand; what waits for them is not sent. Ended already: nothing happens. Raises NotFound."""
    row = Enrolment.objects.select_for_update().filter(pk=enrolment_id).first()
    if row is None:
        raise NotFound
    if walking.end([row.pk], ending=Enrolment.Ending.STOPPED, moment=clock.now(), reason=reasons.STOPPED):
        row.refresh_from_db()
        audit.record("journey.taken_out", object_type="enrolment", object_id=row.pk, after={"member": row.member_id})
    return row


def locked(journey_id: int) -> Journey:
    """The journey, held until the transaction ends. Raises NotFound."""
    journey = Journey.objects.select_for_update().filter(pk=journey_id).first()
    if journey is None:
        raise NotFound
    return journey


def _running(journey_id: int) -> Journey:
    audit.sign()
    journey = locked(journey_id)
    if not journey.version:
        raise NeverPublished
    if journey.status == Journey.Status.STOPPED:
        raise Stopped
    return journey


def _switch(journey: Journey, status: Journey.Status) -> Journey:
    """Its messages live and pause with it."""
    journey.status = status
    journey.save(update_fields=["version", "status", "changed_at"])
    of_messages = Policy.Status.LIVE if status == Journey.Status.LIVE else Policy.Status.PAUSED
    Policy.objects.filter(journey=journey).exclude(status=of_messages).update(status=of_messages)
    return journey


def _message(journey: Journey, node: graphs.Node, graph: graphs.Graph, user_id: int | None) -> Version:
    """The care version of a send step; one that says the same as the newest is that one."""
    policy, _is_new = Policy.objects.get_or_create(
        key=f"{journey.key}.{node.key}",
        defaults={
            "name": (node.data.get("name") or journey.name)[:60],
            "priority": journey.priority,
            "journey": journey,
        },
    )
    policy.draft = graphs.message(node, of=graph)
    policy.save(update_fields=["draft", "changed_at"])
    return policies.publish(policy_id=policy.pk, user_id=user_id)
