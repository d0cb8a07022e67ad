"""Ingest beside the least that any ingest must do: parse, check, COPY. The same batches, taken in turns, without HTTP."""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from apps.activity import batches, partitions, services
from apps.core import clock

BATCHES = {"S": 60, "M": 400, "L": 2_000}
ROUNDS = {"S": 7, "M": 5, "L": 3}
EVENTS = 200  # per batch: what a phone collects in an afternoon, or a till in a minute

Line = dict[str, Any]


def bench_events(size: str) -> Iterator[Line]:
    """Events per second from the text of the body to the committed rows. The connection must own its tables: they are emptied."""
    moment = clock.now()
    partitions.keep(moment)
    bodies = [_body(number, moment=moment) for number in range(BATCHES[size])]
    events = EVENTS * len(bodies)
    ours, theirs, again = [], [], []
    for _ in range(ROUNDS[size]):
        theirs.append(_timed(lambda: _each(bodies, _baseline)))
        ours.append(_timed(lambda: _each(bodies, _ingest)))
        again.append(_seconds(lambda: _each(bodies, _ingest)))
    yield _line("events", size, events / median(ours), events / median(theirs))
    yield _line("events sent again", size, events / median(again), events / median(theirs))
    checks = median(_seconds(lambda: _each(bodies, _check)) for _ in ours)
    yield _line("events parse and check alone", size, events / checks, events / median(theirs))


def _ingest(body: str) -> None:
    given = json.loads(body)
    with transaction.atomic():
        services.ingest(
            batch=given["events"],
            member_id=None,
            anonymous_id=given["anonymous_id"],
            source="bench",
            sent_at=given["sent_at"],
        )


def _baseline(body: str) -> None:
    """The same parsing and the same checks, then COPY into the same months with the same indexes: nothing told from its repeat."""
    given, moment = json.loads(body), clock.now()
    found = batches.sort_out(given["events"], received_at=moment, sent_at=given["sent_at"])
    received, anonymous = moment.isoformat(), given["anonymous_id"]
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in found.rows:
            values = (row["o"], received, row["e"], row["n"], anonymous, "bench", json.dumps(row["p"]), row["l"], False)
            copy.write_row(values)


def _check(body: str) -> None:
    given = json.loads(body)
    batches.sort_out(given["events"], received_at=clock.now(), sent_at=given["sent_at"])


_COPY = """
copy activity_event (occurred_at, received_at, event_id, name, anonymous_id, source, properties, is_late, is_stitched) from stdin
"""


def _body(number: int, *, moment: datetime) -> str:
    """A mix as a shop's mini-program sends it, two days deep; the same one every time."""
    chance = random.Random(number)  # noqa: S311 - invented events
    names: tuple[tuple[str, Callable[[], dict[str, Any]]], ...] = (
        ("page_viewed", lambda: {"path": f"/goods/{chance.randrange(900)}/", "seconds": chance.randrange(90)}),
        ("product_viewed", lambda: {"sku": f"P{chance.randrange(9000):05d}", "price_cents": chance.randrange(90_000)}),
        ("added_to_cart", lambda: {"sku": f"P{chance.randrange(9000):05d}", "quantity": 1, "category": "羊毛围巾"}),
        ("searched", lambda: {"query": "秋冬 羊毛围巾", "results": chance.randrange(40)}),
        ("custom.quiz_step", lambda: {"step": chance.randrange(9), "answer": "喜欢驼色", "is_last": False}),
    )
    events = []
    for _ in range(EVENTS):
        name, properties = names[min(int(chance.expovariate(0.9)), len(names) - 1)]
        at = moment - timedelta(seconds=chance.randrange(172_800))
        key = str(UUID(int=chance.getrandbits(128), version=4))
        events.append({"event_id": key, "name": name, "occurred_at": at.isoformat(), "properties": properties()})
    return json.dumps(
        {"anonymous_id": f"bench-{number:08d}", "sent_at": moment.isoformat(), "events": events}, ensure_ascii=False
    )


def _each(bodies: Sequence[str], act: Callable[[str], None]) -> None:
    for body in bodies:
        act(body)


def _timed(work: Callable[[], None]) -> float:
    with connection.cursor() as cursor:
        cursor.execute("truncate activity_event, activity_receipt, activity_visitor cascade")
    return _seconds(work)


def _seconds(work: Callable[[], None]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def _line(name: str, size: str, figure: float, baseline: float) -> Line:
    return {
        "name": name,
        "size": size,
        "figure": round(figure),
        "baseline": round(baseline),
        "ratio": round(figure / baseline, 3),
    }
