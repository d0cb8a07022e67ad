"""Limits on how often somebody may ask: counted in Valkey, all limits of a request (and its idempotency mark) in one round trip.

A window begins with its first request and lets exactly `quota` requests through, whatever process serves them. When Valkey
does not answer, limits that are `closed` are counted in PostgreSQL; the others let everything through.
"""

import hashlib
import hmac
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from functools import cache
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db import connection
from redis.backoff import NoBackoff
from redis.connection import ConnectionInterface, ConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

from apps.core import clock

log = structlog.get_logger("siyu.ratelimits")
PATIENCE = 0.25  # seconds that Valkey has to answer
REST = 1.0  # seconds in which a Valkey that failed is not asked again
BUSY = 60  # seconds after which an unfinished request with an idempotency key counts as crashed
SEEN = 24 * 3600  # seconds a mark is remembered

# KEYS: one counter per limit, then perhaps the mark. ARGV: number of limits, quota and window (ms) of each, then BUSY and SEEN (ms).
# Answers, as one text: index of the limit that is used up (0: none), state of the mark, then used and milliseconds left per limit.
_ASK = """
local limits, refused = tonumber(ARGV[1]), 0
for i = 1, limits do
    if tonumber(redis.call('GET', KEYS[i]) or '0') >= tonumber(ARGV[2 * i]) then refused = i break end
end
local answer = {refused, 0}
for i = 1, limits do
    local used
    if refused == 0 then
        used = redis.call('INCR', KEYS[i])
        if used == 1 then redis.call('PEXPIRE', KEYS[i], ARGV[2 * i + 1]) end
    else
        used = tonumber(redis.call('GET', KEYS[i]) or '0')
    end
    answer[#answer + 1] = used
    answer[#answer + 1] = redis.call('PTTL', KEYS[i])
end
local mark = KEYS[limits + 1]
if mark and refused == 0 then
    local clock = redis.call('TIME')
    local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
    local busy_until = redis.call('GET', mark)
    answer[2] = not busy_until and 1 or tonumber(busy_until) > now and 3 or 2
    if answer[2] ~= 3 then
        redis.call('SET', mark, string.format('%.0f', now + ARGV[2 * limits + 2]), 'PX', ARGV[2 * limits + 3])
    end
end
return table.concat(answer, ' ')
"""

_TAKE_BACK = "if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then redis.call('DECR', KEYS[1]) end"


class Mark(IntEnum):
    """What Valkey remembers of an idempotency key. Only PostgreSQL knows for sure; this saves asking it."""

    UNKNOWN = 0  # Valkey did not answer, or was not asked
    FRESH = 1  # not seen in the last 24 hours
    SEEN = 2  # seen before, and no longer at work
    BUSY = 3  # at work at this moment, or done within the last minute


@dataclass(frozen=True)
class Limit:
    """`quota` requests in `window` seconds for one `subject` (an id, or the digest of an address). `closed`: see the module."""

    name: str
    subject: str
    quota: int
    window: int
    closed: bool = False


@dataclass(frozen=True)
class Verdict:
    """`remaining` requests in the next `reset` seconds."""

    limit: Limit
    is_allowed: bool
    remaining: int
    reset: int


@dataclass(frozen=True)
class Asked:
    """One verdict per limit, in order. All are allowed, or the first that is not refuses the request and none was counted."""

    verdicts: tuple[Verdict, ...]
    mark: Mark = Mark.UNKNOWN

    @property
    def refusal(self) -> Verdict | None:
        return next((verdict for verdict in self.verdicts if not verdict.is_allowed), None)


_ASK_DIGEST = hashlib.sha1(_ASK.encode(), usedforsecurity=False).hexdigest()  # by which Valkey knows the script
_own = threading.local()
_rest = {"until": 0.0}  # per process: when Valkey may be asked again


def ask(limits: Sequence[Limit], *, mark: str = "") -> Asked:
    """Count a request against its limits, and take its idempotency mark, in one round trip."""
    if time.monotonic() < _rest["until"]:
        return _without_valkey(limits)
    windows = [number for limit in limits for number in (limit.quota, limit.window * 1000)]
    keys = [_key(limit) for limit in limits] + ([f"mark:{mark}"] if mark else [])
    try:
        found = _run(len(keys), *keys, len(limits), *windows, BUSY * 1000, SEEN * 1000)
    except (RedisError, OSError):
        log.warning("valkey does not answer: limits are counted in the database, or not at all")
        _rest["until"] = time.monotonic() + REST
        return _without_valkey(limits)
    refused, state, *pairs = map(int, found.split())  # one text: read in a third of the time of a list
    verdicts = tuple(
        Verdict(
            limit=limit,
            is_allowed=refused != number + 1,
            remaining=max(limit.quota - pairs[2 * number], 0),
            reset=max(-(-pairs[2 * number + 1] // 1000), 1),
        )
        for number, limit in enumerate(limits)
    )
    return Asked(verdicts=verdicts, mark=Mark(state))


def forget(mark: str) -> None:
    """Take the mark of a request back that left nothing, so that its repeat need not wait. Losing this costs a minute."""
    try:
        _client(settings.REDIS_URL).delete(f"mark:{mark}")
    except (RedisError, OSError):
        log.warning("mark not taken back")


def clear(limit: Limit) -> None:
    """Begin counting anew, because the one who was counted has proved who they are."""
    try:
        _client(settings.REDIS_URL).delete(_key(limit))
    except (RedisError, OSError):
        log.warning("limit not cleared")
    with connection.cursor() as cursor:
        cursor.execute("delete from core_ratewindow where name = %s and subject = %s", [limit.name, limit.subject])


def take_back(limit: Limit) -> None:
    """Uncount one request, because only those that failed are to be counted. Never below none."""
    if time.monotonic() >= _rest["until"]:
        try:
            _client(settings.REDIS_URL).eval(_TAKE_BACK, 1, _key(limit))
        except (RedisError, OSError):
            log.warning("limit not taken back")
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "update core_ratewindow set used = used - 1 where name = %s and subject = %s and used > 0",
            [limit.name, limit.subject],
        )


def wake() -> None:
    """Ask Valkey again at once, whatever happened before."""
    _rest["until"] = 0.0


def subject_of(text: str) -> str:
    """The digest under which an address or phone is counted: neither stands in Valkey nor in a table."""
    return hmac.digest(settings.INDEX_KEY, b"limit:" + text.encode(), hashlib.sha256).hex()[:32]


def purge() -> int:
    """Remove windows that are over. Returns how many went."""
    with connection.cursor() as cursor:
        cursor.execute("delete from core_ratewindow where ends_at < %s", [clock.now()])
        return cursor.rowcount


def _key(limit: Limit) -> str:
    return f"limit:{limit.name}:{limit.subject}"


def _without_valkey(limits: Sequence[Limit]) -> Asked:
    return Asked(verdicts=tuple(_counted(limit) for limit in limits if limit.closed))


def _counted(limit: Limit) -> Verdict:
    """One statement: the row lock of the upsert makes the count exact."""
    moment = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """insert into core_ratewindow as w (name, subject, used, ends_at) values (%(name)s, %(subject)s, 1, %(end)s)
               on conflict (name, subject) do update set
                   used = case when w.ends_at <= %(now)s then 1 else least(w.used + 1, %(quota)s + 1) end,
                   ends_at = case when w.ends_at <= %(now)s then excluded.ends_at else w.ends_at end
               returning used, ends_at""",
            {
                "name": limit.name,
                "subject": limit.subject,
                "now": moment,
                "end": moment + timedelta(seconds=limit.window),
                "quota": limit.quota,
            },
        )
        used, ends_at = cursor.fetchone()
    reset = max(round((ends_at - moment).total_seconds()), 1)
    return Verdict(limit=limit, is_allowed=used <= limit.quota, remaining=max(limit.quota - used, 0), reset=reset)


@cache
def _client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)


def _run(*arguments: str | int) -> Any:
    """The script's answer. A connection that Valkey has closed meanwhile (a restart) is opened once more."""
    line = _line(settings.REDIS_URL)
    try:
        return _send(line, *arguments)
    except RedisConnectionError:
        line.disconnect()
        return _send(line, *arguments)


def _send(line: ConnectionInterface, *arguments: str | int) -> Any:
    try:
        line.send_packed_command([_packed("EVALSHA", _ASK_DIGEST, *arguments)])
        return line.read_response()
    except NoScriptError:
        line.send_packed_command([_packed("EVAL", _ASK, *arguments)])
        return line.read_response()


def _packed(*arguments: str | int) -> bytes:
    """A command as Valkey reads it (RESP), for a tenth of the calls that the library makes of it."""
    parts = [str(argument).encode() for argument in arguments]
    return b"".join([b"*%d\r\n" % len(parts), *[b"$%d\r\n%b\r\n" % (len(part), part) for part in parts]])


def _line(url: str) -> ConnectionInterface:
    """This thread's own connection: every call of the API asks, and a client with its pool costs more than the answer."""
    lines: dict[str, ConnectionInterface] = _own.__dict__
    if url not in lines:
        pool = ConnectionPool.from_url(
            url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, protocol=2, retry=Retry(NoBackoff(), 0)
        )
        lines[url] = pool.make_connection()
    return lines[url]
