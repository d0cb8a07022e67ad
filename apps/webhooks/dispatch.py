"""Send what is due: claim, send with no transaction open, record. A slow endpoint holds up nobody but itself.

This thread alone talks to the database, on the one connection that also holds the lane; the calls go out on threads that hold none,
at most four at a time to an endpoint, one while it fails. A killed worker leaves deliveries in `sending`; when their lease has run
out they go out again under the same id, so a receiver that keeps ids takes each once.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core import brand, clock, ids, outbound
from apps.core.outbound import Answer, NoAnswer, Refused
from apps.webhooks import endpoints, signing
from apps.webhooks.models import Attempt, Delivery, Endpoint
from apps.webhooks.settings import OFF_AFTER

MESSAGE = "evt"
AT_ONCE = 4  # calls under way to one endpoint
LEASE = timedelta(seconds=60)  # a call takes at most outbound.SECONDS
# Seconds before each try, by the example of Standard Webhooks: ten in 75 hours and a half.
PLAN = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
_JITTER = 0.1  # of a pause, on top of it
_LONGEST_WISH = 86_400  # seconds of a Retry-After that are taken at its word
_LANE = 7_490_401  # advisory lock: one drain claims at a time, whatever the number of workers
_THREADS = AT_ONCE * endpoints.MOST
_ANSWER = 1_000  # characters kept

ERRORS: dict[str, Promise] = {
    **outbound.TEXTS,
    "timeout": _("No answer within 15 seconds."),
    "tls": _("The certificate of the other side is not in order."),
    "connect": _("Nobody took the connection."),
    "broken": _("The connection broke off, or the answer was no HTTP."),
    "answered": _("The answer was not 2xx."),
    "endpoint_off": _("The endpoint was switched off."),
    "endpoint_gone": _("The endpoint was removed."),
}

_CLAIM = """
    with taken as (
        select d.id from webhooks_endpoint e
        cross join lateral (
            select count(*) as n from webhooks_delivery u
            where u.endpoint_id = e.id and u.settled_at is null and u.state = 'sending' and u.due_at > %(moment)s
        ) busy
        cross join lateral (
            select w.id from webhooks_delivery w
            where w.endpoint_id = e.id and w.settled_at is null and w.due_at <= %(moment)s
            order by w.due_at, w.id
            limit greatest(0, case when e.failing_since is null then %(at_once)s else 1 end - busy.n)
            for update skip locked
        ) d
        where e.off = '' and e.retired_at is null
    )
    update webhooks_delivery d set state = 'sending', tries = d.tries + 1, due_at = %(lease)s
    from taken t, webhooks_endpoint e, webhooks_message m
    where d.id = t.id and e.id = d.endpoint_id and m.id = d.message_id
    returning d.id, d.endpoint_id, d.tries, e.url, m.id, m.body
"""


@dataclass(frozen=True)
class Call:
    """A claimed delivery with all that its call needs."""

    delivery_id: int
    endpoint_id: int
    tries: int
    url: str
    message_id: str
    body: bytes
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What came of a call. `error` is "" when the other side took it."""

    call: Call
    signed_at: datetime
    took_ms: int
    status: int | None = None
    error: str = ""
    answer: str = ""
    wish: float = 0.0  # seconds that the other side asked us to wait


def drain(*, seconds: float = 50.0) -> Counter[str]:
    """Send what is due, for about `seconds`; the next drain may begin while the last calls of this one are still out.

    Returns how many were delivered, retried later, failed for good. Raises RuntimeError inside a transaction.
    """
    if connection.in_atomic_block:
        raise RuntimeError("drain() must not run inside a transaction")
    figures: Counter[str] = Counter()
    with ThreadPoolExecutor(_THREADS) as pool:
        with _lane() as is_free:
            under_way = _claiming(pool, figures, deadline=time.monotonic() + seconds) if is_free else set()
        while under_way:
            under_way = _recorded(under_way, figures)
    return figures


def send_due() -> Counter[str]:
    """One round: what is due now, each once. Returns as `drain`."""
    with ThreadPoolExecutor(_THREADS) as pool:
        out = {pool.submit(copy_context().run, send, call) for call in claim()}
        return record([one.result() for one in out])


def claim() -> list[Call]:
    """What is due at every endpoint that is on, as many each as it may have under way, taken for LEASE."""
    moment = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"moment": moment, "lease": moment + LEASE, "at_once": AT_ONCE})
        rows = cursor.fetchall()
    secrets = signing.living(endpoint_ids=[row[1] for row in rows], moment=moment)
    return [
        Call(one, endpoint, tries, url, ids.encode(MESSAGE, message), body.encode(), tuple(secrets[endpoint]))
        for one, endpoint, tries, url, message, body in rows
    ]


def send(call: Call) -> Outcome:
    """Touches no database, and never raises for what the other side does."""
    signed_at, began = clock.now(), time.monotonic()
    timestamp = int(signed_at.timestamp())
    signature = signing.signature(call.secrets, message_id=call.message_id, timestamp=timestamp, body=call.body)
    headers = {
        "Content-Type": "application/json", "User-Agent": "Siyu-Webhooks/1", "webhook-id": call.message_id,
        "webhook-timestamp": str(timestamp), "webhook-signature": signature,
    }  # fmt: skip
    try:
        told = outbound.post(call.url, body=call.body, headers=headers)
    except (Refused, NoAnswer) as failure:
        return Outcome(call, signed_at, _since(began), error=failure.code)
    is_taken = 200 <= told.status < 300
    return Outcome(
        call, signed_at, _since(began), status=told.status, error="" if is_taken else "answered",
        answer=_excerpt(told), wish=_wish(told),
    )  # fmt: skip


def record(outcomes: Sequence[Outcome]) -> Counter[str]:
    """Write down what came of calls, each in a transaction of its own."""
    return Counter(_record(outcome) for outcome in outcomes)


@transaction.atomic
def _record(outcome: Outcome) -> str:
    call, moment = outcome.call, clock.now()
    row = Delivery.objects.select_for_update().get(pk=call.delivery_id)
    Attempt.objects.create(
        delivery=row, signed_at=outcome.signed_at, took_ms=outcome.took_ms, status=outcome.status, error=outcome.error,
        answer=outcome.answer,
    )  # fmt: skip
    if row.settled_at or (outcome.error and row.tries != call.tries):
        return "late"  # its lease had run out: who took it then decides, unless the other side has taken it here
    row.status, row.error = outcome.status, outcome.error
    if not outcome.error:
        row.state, row.settled_at = Delivery.State.DELIVERED, moment
        Endpoint.objects.filter(pk=call.endpoint_id).update(succeeded_at=moment, failing_since=None)
    else:
        is_off = _judge_endpoint(outcome, moment)
        if is_off or call.tries >= len(PLAN):
            row.state, row.settled_at = Delivery.State.FAILED, moment
        else:
            row.state, row.due_at = Delivery.State.WAITING, moment + _pause(call.tries, outcome.wish)
    row.save(update_fields=["state", "status", "error", "due_at", "settled_at"])
    return str(row.state)


def _judge_endpoint(outcome: Outcome, moment: datetime) -> bool:
    """Note the failure; whether the endpoint is off now."""
    rows = Endpoint.objects.filter(pk=outcome.call.endpoint_id)
    rows.filter(failing_since=None).update(failing_since=moment)
    if outcome.status == 410:
        endpoints.turn_off_by_itself(endpoint_id=outcome.call.endpoint_id, why=Endpoint.Off.GONE, moment=moment)
    days = brand.read(OFF_AFTER)
    if days and rows.filter(failing_since__lte=moment - timedelta(days=days)).exists():
        endpoints.turn_off_by_itself(endpoint_id=outcome.call.endpoint_id, why=Endpoint.Off.FAILING, moment=moment)
    return not rows.filter(off="", retired_at=None).exists()


def _pause(tries: int, wish: float) -> timedelta:
    """After `tries` tries; a little more each time by chance, so that not all come back at once."""
    return timedelta(seconds=max(PLAN[tries] * (1 + _JITTER * random.random()), wish))  # noqa: S311 - no secret


def _claiming(pool: ThreadPoolExecutor, figures: Counter[str], *, deadline: float) -> set[Future[Outcome]]:
    """Claim and record until nothing is due and nothing is out, or time is up; returns what is still out then."""
    under_way: set[Future[Outcome]] = set()
    while time.monotonic() < deadline:
        under_way |= {pool.submit(copy_context().run, send, call) for call in claim()}
        if not under_way:
            break
        under_way = _recorded(under_way, figures)
    return under_way


def _recorded(under_way: set[Future[Outcome]], figures: Counter[str]) -> set[Future[Outcome]]:
    """Wait for the first to come back, at most half a second (new ones may be due), and write down what has."""
    done, still = wait(under_way, timeout=0.5, return_when=FIRST_COMPLETED)
    figures.update(record([one.result() for one in done]))
    return still


@contextmanager
def _lane() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [_LANE])
        is_free = bool(cursor.fetchone()[0])
        try:
            yield is_free
        finally:
            if is_free:
                cursor.execute("select pg_advisory_unlock(%s)", [_LANE])


def _since(began: float) -> int:
    return round(1000 * (time.monotonic() - began))


def _excerpt(told: Answer) -> str:
    text = told.body.decode("utf-8", errors="replace")
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "�" for letter in text)[:_ANSWER]


def _wish(told: Answer) -> float:
    """`Retry-After` in seconds, where it is one we follow; a date is not."""
    said: Any = told.headers.get("retry-after", "")
    return (
        float(min(int(said), _LONGEST_WISH))
        if told.status in (429, 503) and said.isdecimal() and len(said) < 9
        else 0.0
    )
