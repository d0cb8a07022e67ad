"""The public schedule's feed answered 304 beside an empty view; a stream's whole set of reminders decided about in its minute.

Runs on an empty scratch database whose tables the connection owns; each run makes members and a stream of its own.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import RequestFactory

from apps.care import planning, policies
from apps.care.models import Touch
from apps.core import clock
from apps.livestream import planning as streams
from apps.livestream import upkeep
from apps.livestream.models import Stream, Subscription
from apps.members import services as members
from apps.members.models import Member

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)  # 20:00 in the shop
DUE = AT - timedelta(minutes=15)
REMINDED = {"S": 2_000, "M": 50_000, "L": 200_000}
CALLS, ROUNDS = 200, 5
_DRAFT = {
    "trigger": "live_reminder", "params": {"before": "quarter"}, "channel": "inbox", "template": "{{ live_title }}马上开播。",
    "holdout_percent": 0, "is_transactional": True, "send_hour": 0,
}  # fmt: skip
Line = dict[str, Any]


def bench_live(size: str) -> Iterator[Line]:
    """Answers per second through the whole chain of middleware, by turns; then seconds from the due minute to the last decision."""
    run = uuid4().hex[:8]
    stream = _prepare(run, count=REMINDED[size])
    handler = WSGIHandler()
    tag = handler.get_response(_asked("/live.json"))["ETag"]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(_per_second(handler, "/live.json", expected=304, HTTP_IF_NONE_MATCH=tag))
        theirs.append(_per_second(handler, "/healthz", expected=200))
    yield _line("feed 304", size, median(ours), median(theirs))
    with clock.frozen(DUE):
        started = time.monotonic()
        upkeep.remind_due(moment=DUE)
        planning.decide_triggered(trigger="live_reminder", moment=DUE, before="quarter")
        seconds = time.monotonic() - started
    made = Touch.objects.filter(occurrence__startswith=f"live:{stream.pk}:", state="planned").count()
    assert made == REMINDED[size], made  # noqa: S101 - a bench that did other work measures nothing
    yield {"name": "reminders of a minute decided, seconds", "size": size, "figure": seconds, "rows": made,
           "baseline": None, "ratio": None}  # fmt: skip


def _prepare(run: str, *, count: int) -> Stream:
    policy = policies.create(key=f"live-{run}", name="bench", draft=_DRAFT)
    policies.publish(policy_id=policy.pk)
    made = Member.objects.bulk_create((Member(member_no=f"{run}{n}") for n in range(count)), batch_size=5_000)
    ids = [row.pk for row in made]
    members.grant_consents(
        member_ids=ids,
        purpose="care",
        channel="inbox",
        source="bench",
        text_version="1",
        moment=DUE - timedelta(days=1),
    )
    with clock.frozen(DUE - timedelta(hours=12)):
        room, host = streams.add_room(platform="douyin", name=run), streams.add_host(name=run)
        wanted = streams.Wanted(
            title=run, room_id=room.pk, host_id=host.pk, starts_at=AT, ends_at=AT + timedelta(hours=2)
        )
        stream = streams.plan(wanted=wanted)
        asked = (Subscription(stream=stream, member_id=key, asked_at=clock.now()) for key in ids)
        Subscription.objects.bulk_create(asked, batch_size=5_000)
    with connection.cursor() as cursor:
        cursor.execute("vacuum (analyze) members_member, members_consentnow, livestream_subscription")
    return stream


def _asked(path: str, **headers: str) -> Any:
    host = settings.ALLOWED_HOSTS[0].lstrip(".")
    return RequestFactory().get(path, secure=True, HTTP_HOST=host, **headers)  # type: ignore[arg-type]


def _per_second(handler: WSGIHandler, path: str, *, expected: int, **headers: str) -> float:
    requests = [_asked(path, **headers) for _ in range(CALLS)]
    started = time.monotonic()
    answers = [handler.get_response(request).status_code for request in requests]
    seconds = time.monotonic() - started
    assert set(answers) == {expected}, set(answers)  # noqa: S101 - as above
    return CALLS / seconds


def _line(name: str, size: str, figure: float, baseline: float) -> Line:
    return {"name": name, "size": size, "figure": figure, "baseline": baseline, "ratio": figure / baseline}
