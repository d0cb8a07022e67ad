"""Planning beside a bare INSERT … SELECT into the same indexed table; dispatch beside a bare loop that posts the same bodies.

Runs on a scratch database filled by `orders.bench.generate`; the connection must own the tables: touches are emptied between rounds.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from django.conf import settings
from django.db import connection

from apps.care import dispatch, planning, policies
from apps.care.models import Attempt, Policy, Touch, Version
from apps.core import brand, clock
from apps.core.embedded.servers import free_port
from apps.gateways import sms, wire
from apps.gateways.simulator.client import Client
from apps.members import services as members
from apps.segments import refresh
from apps.segments.models import MemberStats

MOMENT = datetime(2026, 11, 1, 4, 0, tzinfo=UTC)  # noon of the shop day after the last generated order
MESSAGES = {"S": 10_000, "M": 100_000, "L": 400_000}
ALONE = 400  # messages of the slow form: one claim, one request, one record each
ROUNDS = {"S": 15, "M": 5, "L": 1}
SENDING_ROUNDS = 9
_DRAFT = {
    "trigger": "days_since_order",
    "params": {"days": 1, "window_days": 60},
    "channel": "sms",
    "template": "{{ nickname }}，有{{ days_since_order }}天没见到您了，{{ brand }}上了不少新品，得空来看看吧。",
    "missing": {"nickname": {"policy": "default", "value": "会员"}},
}
Line = dict[str, Any]


def bench_touches(size: str) -> Iterator[Line]:
    """Touches per second of planning and of the bare insert of the same rows, in turns; then what growth costs."""
    version = _prepare()
    _pretend_phones()
    ours, theirs = [], []
    for _ in range(ROUNDS[size]):
        ours.append(_planned(version))
        theirs.append(_bare())
    rows = Touch.objects.count()
    yield _beside("touches", size, [rows / seconds for seconds in ours], [rows / seconds for seconds in theirs])
    yield _line("touches again", size, _seconds(lambda: planning.plan(moment=MOMENT, only=version)), median(ours))
    yield from _touch_growth(version, size)


def bench_dispatch(size: str) -> Iterator[Line]:
    """Messages per second of claim, gate, decrypt, render, send, record; beside, in turns, only posting the same bodies."""
    version = _prepare(only=MESSAGES[size])
    ours, theirs, grown, alone = [], [], 0.0, 0.0
    with _simulator() as platform, clock.frozen(MOMENT):
        platform.limits(repeat_seconds=0, template_per_day=10_000)
        for number in range(SENDING_ROUNDS):
            _empty()
            planning.plan(moment=MOMENT, only=version)
            alone, peak = alone or _per_message(), _memory()
            before = _sent()
            taken = _seconds(lambda: dispatch.drain_channel("sms", deadline=time.monotonic() + 3600))
            grown, sent = max(grown, _memory() - peak), _sent() - before
            ours.append(sent / taken)
            theirs.append(sent / _bare_loop(platform, count=sent, number=number))
        assert platform.stats()["delivered_twice"] == {}  # noqa: S101 - a bench that did other work measures nothing
    yield _beside("dispatch", size, ours, theirs)
    yield _line("dispatch to one per message", size, median(ours), alone)
    yield _line("dispatch memory growth, MB", size, grown, None)


def _sent() -> int:
    return Touch.objects.filter(state="sent").count()


def _prepare(*, only: int | None = None) -> Version:
    """Stats, consents and a published policy; with `only`, real phones for that many members and consent for no others."""
    refresh.refresh(MOMENT, full=not MemberStats.objects.exists())
    brand.write("care.gate", {"day_cap": 1, "week_cap": 3, "quiet": [22, 8], "global_holdout_percent": 0})
    with connection.cursor() as cursor:
        cursor.execute("truncate members_consent, members_consentnow, members_identity, members_memberkey")
    recent = MemberStats.objects.filter(last_order_at__gt=MOMENT - timedelta(days=60)).order_by("pk")
    member_ids = list(recent.values_list("pk", flat=True)[:only])
    if only:
        numbers = dict(recent.values_list("pk", "member__member_no")[:only])
        members.resolve_for_import([(no, f"138{n:08d}") for n, no in enumerate(numbers.values())], "bench")
    members.grant_consents(
        member_ids=member_ids[:: 1 if only else 2] + member_ids[1::4] * (not only),
        purpose="care", channel="sms", source="bench", text_version="1", moment=MOMENT,
    )  # fmt: skip
    policy = Policy.objects.filter(key="bench").first() or policies.create(key="bench", name="bench")
    policies.save_draft(policy_id=policy.pk, draft=_DRAFT | {"holdout_percent": 0 if only else 10})
    with connection.cursor() as cursor:
        cursor.execute("vacuum (analyze) members_consentnow")
        cursor.execute("vacuum (analyze) members_identity")
        cursor.execute("vacuum (analyze) segments_memberstats")
    return policies.publish(policy_id=policy.pk)


def _pretend_phones() -> None:
    """Planning only asks whether there is a phone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into members_identity (member_id, kind, namespace, digest, sealed, created_at)"
            " select id, 'phone', '', sha256(int8send(id)), '', %s from members_member where id %% 10 > 0",
            [MOMENT],
        )
        cursor.execute("vacuum (analyze) members_identity")


def _planned(version: Version) -> float:
    _empty()
    return _seconds(lambda: planning.plan(moment=MOMENT, only=version))


def _bare() -> float:
    """The same rows again, from a table beside, into the same indexes and foreign keys."""
    columns = ", ".join(f.attname for f in Touch._meta.concrete_fields if not f.primary_key)
    with connection.cursor() as cursor:
        cursor.execute(f"create temp table made as select {columns} from care_touch order by id")
        cursor.execute("analyze made")
        _empty()
        seconds = _seconds(lambda: cursor.execute(f"insert into care_touch ({columns}) select {columns} from made"))
        cursor.execute("drop table made")
    return seconds


def _touch_growth(version: Version, size: str) -> Iterator[Line]:
    """The same run over a quarter, a half and all of the members who are due."""
    before = None
    for share, times in ((4, "x1"), (2, "x2"), (1, "x4")):
        days = 60 // share
        version.params = {"days": 1, "window_days": days}
        now = _planned(version)
        rows = Touch.objects.count()
        yield {"name": "touches growth", "size": f"{size} {times}", "figure": now, "rows": rows,
               "baseline": before, "ratio": now / before if before else None}  # fmt: skip
        before = now


def _per_message() -> float:
    """Messages per second when each is claimed, sent and recorded alone (a task's own cost comes on top)."""
    whole, dispatch.CHUNK = dispatch.CHUNK, 1
    try:
        started = time.perf_counter()
        for _ in range(ALONE):
            dispatch.send_chunk("sms")
        return ALONE / (time.perf_counter() - started)
    finally:
        dispatch.CHUNK = whole


def _bare_loop(platform: Client, *, count: int, number: int) -> float:
    """Seconds to post bodies like those that were sent, one after the other, over one kept connection."""
    taken, template = 0.0, f"bench-v{Policy.objects.get(key='bench').version}"
    texts = list(Attempt.objects.order_by("-pk").values_list("text", flat=True)[:1000])
    for start in range(0, count, sms.BATCH_SIZE):
        body = [
            {
                "key": f"bare:{number}:{start + n}",
                "to": f"+86139{start + n:08d}",
                "text": texts[(start + n) % len(texts)],
                "kind": "marketing",
                "template": template,
            }
            for n in range(min(sms.BATCH_SIZE, count - start))
        ]
        content = json.dumps({"messages": body}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "X-Sim-Now": MOMENT.isoformat()}
        started = time.perf_counter()
        reply = wire.post(platform.url, path="/sms/send", body=content, headers=headers)
        taken += time.perf_counter() - started
        assert b'"OK"' in reply.body  # noqa: S101 - as above
    return taken


@contextmanager
def _simulator() -> Iterator[Client]:
    """A platform of our own for this run."""
    port, earlier = free_port(), settings.SIMULATOR_URL
    with tempfile.TemporaryDirectory() as folder:
        running = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "apps.gateways.simulator", "--port", str(port), "--state", str(Path(folder))],
            env=os.environ.copy(), cwd=settings.BASE_DIR, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        platform = Client(f"http://127.0.0.1:{port}")
        try:
            _answers(platform)
            settings.SIMULATOR_URL = platform.url
            sms.breaker.succeeded()
            dispatch._registered.clear()
            yield platform
        finally:
            settings.SIMULATOR_URL = earlier
            running.terminate()
            running.wait()


def _answers(platform: Client) -> None:
    for _ in range(200):
        try:
            platform.stats()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the simulator did not start")


def _empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute("truncate care_receipt, care_touch, care_attempt, care_run, care_step")


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _beside(name: str, size: str, ours: list[float], theirs: list[float]) -> Line:
    """Medians; the ratio is that of the rounds, each measured beside its own baseline: a machine's speed drifts."""
    line = _line(name, size, median(ours), median(theirs))
    return line | {"ratio": median(a / b for a, b in zip(ours, theirs, strict=True))}


def _line(name: str, size: str, figure: float, baseline: float | None) -> Line:
    return {"name": name, "size": size, "figure": figure, "baseline": baseline,
            "ratio": figure / baseline if baseline else None}  # fmt: skip
