"""A live stream's burst: reminders of all who asked, due in one minute, go to WeCom within its quota; members' pages answer meanwhile.

The simulator stands for WeCom. The pages are asked by a process of its own, one after the other: first while nothing else happens, then
during the burst.
"""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test import RequestFactory

from apps.community import bench as community
from apps.community import queueing, quotas, sending, syncing
from apps.community.models import Contact, SendItem
from apps.core import brand, clock, tokens
from apps.core.models import User
from apps.members.models import Member

REMINDED = {"S": 2_000, "M": 50_000, "L": 50_000}
STAFF, CHUNK = 120, 500
IDLE = 5.0  # seconds of pages before it begins
PAGE, COOKIE = "/my/live/", "my"
Line = dict[str, Any]


def bench_burst(size: str) -> Iterator[Line]:
    """Seconds until the last reminder is with WeCom; the pages' p95 in milliseconds, beside the idle one."""
    count, cookie = REMINDED[size], _log_in()
    community.forget()
    with community.simulator() as platform:
        staff = [f"sim-{number:03d}" for number in range(STAFF)]
        platform.wecom("staff", userids=staff)
        platform.wecom("crowd", userids=staff, count=count)
        platform.wecom("limits", sends_per_day=1)
        brand.write(quotas.SPAN, "day")
        syncing.read_all()
        moment, run = clock.now(), uuid4().hex[:8]
        known = Contact.objects.order_by("pk").values_list("external_userid", flat=True)
        notes = [queueing.Note(f"{run}:{name}", name, "马上开播") for name in known]
        with _pages(cookie) as told:
            time.sleep(IDLE)
            idle = _p95(told)
            began = time.monotonic()
            for first in range(0, len(notes), CHUNK):
                queueing.queue(notes[first : first + CHUNK], moment=moment)
            while sending.make(moment=clock.now()):
                pass
            seconds, busy = time.monotonic() - began, _p95(told)
    sent = SendItem.objects.filter(key__startswith=f"{run}:", state="tasked").count()
    assert sent == count == len(notes), sent  # noqa: S101 - a bench that did other work measures nothing
    yield {"name": "burst of reminders with WeCom, seconds", "size": size, "figure": round(seconds, 2), "rows": sent,
           "baseline": None, "ratio": None}  # fmt: skip
    yield {"name": "members' page during the burst, p95 ms", "size": size, "figure": busy, "baseline": idle,
           "ratio": round(busy / idle, 2)}  # fmt: skip


def _log_in() -> str:
    user = User.objects.create_user(uuid4().hex)
    Member.objects.create(member_no=user.username[:20], user=user)
    store = SessionStore()
    store["family"] = tokens.open_family(user_id=user.pk, client="portal", label="bench").family_id
    store.save()
    return store.session_key or ""


@contextmanager
def _pages(cookie: str) -> Iterator[Connection]:
    """Pages are asked without a pause until it ends; what is sent to the connection is answered by the milliseconds since then."""
    ours, theirs = multiprocessing.Pipe()
    connections.close_all()
    asking = multiprocessing.get_context("fork").Process(target=_ask, args=(theirs, cookie), daemon=True)
    asking.start()
    try:
        yield ours
    finally:
        asking.kill()
        asking.join()


def _ask(told: Connection, cookie: str) -> None:
    handler, taken = WSGIHandler(), []
    while True:
        request = RequestFactory(headers={"cookie": f"{COOKIE}={cookie}"}).get(
            PAGE, secure=True, HTTP_HOST=settings.ALLOWED_HOSTS[0].lstrip(".")
        )
        began = time.monotonic()
        answer = handler.get_response(request)
        taken.append((time.monotonic() - began) * 1000)
        assert answer.status_code == 200, answer.status_code  # noqa: S101 - as above
        if told.poll():
            told.recv()
            told.send(taken)
            taken = []


def _p95(told: Connection) -> float:
    """Milliseconds, of the pages since the last asking."""
    told.send(None)
    taken = sorted(told.recv())
    return round(taken[len(taken) * 95 // 100], 1)
