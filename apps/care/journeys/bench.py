"""Journeys set by set beside the same steps one member at a time; and what a minute costs in which nobody's turn comes.

Runs on a scratch database filled by `orders.bench.generate`; the connection must own the tables: walks are emptied between rounds.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from django.db import connection

from apps.care.journeys import editing, entering, stepping
from apps.care.models import Enrolment, Journey, Step
from apps.core import brand, clock
from apps.members import services as members
from apps.members.models import Member
from apps.segments import refresh
from apps.segments.models import MemberStats

MOMENT = datetime(2026, 11, 1, 4, 0, tzinfo=UTC)  # noon of the shop day after the last generated order
WALKERS = {"S": 10_000, "M": 100_000, "L": 400_000}
ALONE, ROUNDS, JOURNEYS = 300, 3, 10
_GRAPH: dict[str, Any] = {
    "entry": {"kind": "call"},
    "again": {"kind": "each"},
    "holdout_percent": 10,
    "ends": [{"when": {"kind": "order"}, "is_goal": True}],
    "nodes": [
        {
            "key": "worth", "kind": "branch", "otherwise": "rest",
            "ways": [{"rule": {"field": "orders", "op": "gte", "value": 2}, "next": "arms"}],
        },
        {"key": "arms", "kind": "split", "arms": [{"percent": 50, "next": "note"}, {"percent": 50, "next": "other"}]},
        {"key": "note", "kind": "send", "channel": "inbox", "template": "{{ brand }}上了新品，来看看吧。", "next": "rest"},
        {"key": "other", "kind": "send", "channel": "inbox", "template": "{{ brand }}想您了，来坐坐吧。", "next": "rest"},
        {"key": "rest", "kind": "wait", "for": {"kind": "time", "days": 30}, "next": "end"},
        {"key": "end", "kind": "exit"},
    ],
}  # fmt: skip
Line = dict[str, Any]


def bench_journeys(size: str) -> Iterator[Line]:
    """Members per second from the door through three steps to a rest: set by set, and by the same code one at a time."""
    member_ids = _prepare(WALKERS[size])
    ours, alone = [], []
    with clock.frozen(MOMENT):
        for _ in range(ROUNDS):
            ours.append(len(member_ids) / _walked(member_ids, chunk=stepping.CHUNK))
            alone.append(ALONE / _walked(member_ids[:ALONE], chunk=1))
        _walked(member_ids, chunk=stepping.CHUNK)
        steps = Step.objects.count()
        idle = median(_seconds(MOMENT + timedelta(minutes=n)) for n in (1, 2, 3, 4, 6, 7, 8))
        watch = _seconds(MOMENT + timedelta(minutes=30))
    line = {"name": "journeys, members per second", "size": size, "figure": round(median(ours))}
    yield line | {"baseline": round(median(alone)), "ratio": round(median(ours) / median(alone), 2)}
    yield {"name": "journeys, steps noted", "size": size, "figure": steps, "baseline": None, "ratio": None}
    waiting = f"{len(member_ids)} waiting in one of {JOURNEYS} journeys"
    yield {
        "name": f"idle tick, ms, {waiting}",
        "size": size,
        "figure": round(idle * 1000, 1),
        "baseline": None,
        "ratio": None,
    }
    yield {
        "name": f"watching tick, ms, {waiting}",
        "size": size,
        "figure": round(watch * 1000, 1),
        "baseline": None,
        "ratio": None,
    }


def _prepare(count: int) -> list[int]:
    refresh.refresh(MOMENT, full=not MemberStats.objects.exists())
    brand.write("care.gate", {"day_cap": 1, "week_cap": 3, "quiet": [22, 8], "global_holdout_percent": 0})
    with connection.cursor() as cursor:
        cursor.execute("truncate members_consent, members_consentnow")
    member_ids = list(Member.objects.filter(status="active").order_by("pk").values_list("pk", flat=True)[:count])
    members.grant_consents(
        member_ids=member_ids, purpose="care", channel="inbox", source="bench", text_version="1", moment=MOMENT
    )
    for number in range(JOURNEYS):
        key = f"bench-{number}"
        journey = Journey.objects.filter(key=key).first() or editing.create(key=key, name=key, draft=_GRAPH)
        editing.publish(journey_id=journey.pk)
    with connection.cursor() as cursor:
        cursor.execute("vacuum (analyze) members_consentnow")
        cursor.execute("vacuum (analyze) segments_memberstats")
    return member_ids


def _walked(member_ids: list[int], *, chunk: int) -> float:
    """Seconds from the door until everybody rests."""
    with connection.cursor() as cursor:
        cursor.execute("truncate care_step, care_enrolment, care_attempt, care_receipt, care_touch cascade")
        cursor.execute("vacuum (analyze) care_enrolment")
    begun, kept = time.perf_counter(), stepping.CHUNK
    stepping.CHUNK = chunk
    try:
        entering.put_in(
            journey_key="bench-0", member_ids=member_ids, occurrence="bench", moment=MOMENT, by_program=True
        )
        stepping.tick(MOMENT, seconds=3600)
    finally:
        stepping.CHUNK = kept
    taken = time.perf_counter() - begun
    assert Enrolment.objects.filter(node="rest").count() == len(member_ids)  # noqa: S101 - else it measured nothing
    return taken


def _seconds(moment: datetime) -> float:
    begun = time.perf_counter()
    stepping.tick(moment)
    return time.perf_counter() - begun
