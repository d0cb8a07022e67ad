"""A write that is sent twice happens once: its answer is stored under the client's key in the transaction of its effect.

The unique key in PostgreSQL decides; the mark that Valkey keeps (`ratelimits.Mark`) only saves the look before the first try and
lets a copy that overtakes its original be told so at once.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import DatabaseError, transaction
from django.utils.translation import gettext_lazy as _

from apps.core import clock, prepared, ratelimits
from apps.core.errors import DomainError
from apps.core.models import IdempotencyKey
from apps.core.ratelimits import Mark

KEPT_FOR = timedelta(hours=24)
LONGEST = 255
# Bare, or quoted as the draft standard has it: also what the document says of the header.
HEADER = r"""^([!#-~][!-~]*|"([!#-\[\]-~]|\\["\\])+")$"""
_HEADER, _ESCAPED = re.compile(HEADER), re.compile(r"\\(.)")
CHUNK = 5_000
REFUSED = 400  # from this status on
NOT_STORED = frozenset({401, 429})  # log in, step up or wait, and the same request may succeed; nor is any 5xx stored


_FIND = """
    select digest, status, body, headers from core_idempotencykey
     where actor = %s and route = %s and key = %s and created_at > %s
"""
_STORE = """
    insert into core_idempotencykey as k (actor, route, key, digest, member_id, status, headers, body, created_at)
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
    on conflict (actor, route, key) do update set
        digest = excluded.digest, member_id = excluded.member_id, status = excluded.status,
        headers = excluded.headers, body = excluded.body,
        created_at = case when k.created_at <= %s then excluded.created_at else core_key_is_taken() end
    returning 1
"""
_TAKEN = "SY001"  # the SQLSTATE of core_key_is_taken()


class IdempotencyKeyRequired(DomainError):
    code = "idempotency_key_required"
    status = 400
    title = _("This call needs an Idempotency-Key header of 1 to 255 visible characters.")


class IdempotencyKeyReused(DomainError):
    code = "idempotency_key_reused"
    status = 422
    title = _("This Idempotency-Key was used for a request with other content.")


class IdempotencyInProgress(DomainError):
    code = "idempotency_in_progress"
    title = _("The first request with this Idempotency-Key is still at work.")
    is_retryable = True


@dataclass(frozen=True)
class Claim:
    """One key of one actor ("user:7") on one route ("POST /api/v1/orders"); `digest` is that of the body."""

    actor: str
    route: str
    key: str
    digest: bytes = b""
    member_id: int | None = None

    @property
    def mark(self) -> str:
        return hashlib.sha256("\0".join((self.actor, self.route, self.key)).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Answer:
    """What was answered, to the byte."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    is_replayed: bool = False


class _Overtaken(Exception):
    """Another copy committed first: all that this one did is rolled back."""


def read_key(header: str) -> str:
    """The key of a header, quoted (as the draft standard has it) or bare; blanks around it the server has taken off.

    Raises IdempotencyKeyRequired for whatever `HEADER` does not allow: two writings of one key must not be two keys.
    """
    if len(header) > LONGEST or not _HEADER.fullmatch(header):
        raise IdempotencyKeyRequired
    return _ESCAPED.sub(r"\1", header[1:-1]) if header[0] == '"' else header


def once(claim: Claim, *, mark: Mark, act: Callable[[], Answer]) -> Answer:
    """The stored answer of this claim, or that of `act`, whose effects commit together with the stored answer.

    `act` answers refusals too: what it wrote before is undone, and the refusal is stored by itself.
    Raises IdempotencyKeyReused, IdempotencyInProgress.
    """
    if mark != Mark.FRESH:
        if stored := find(claim):
            return stored
        if mark == Mark.BUSY:
            raise IdempotencyInProgress
    is_kept = False
    try:
        with transaction.atomic():
            answer = act()
            is_kept = answer.status < 500 and answer.status not in NOT_STORED
            if answer.status >= REFUSED:
                transaction.set_rollback(True)
            else:
                _store(claim, answer)
        if answer.status >= REFUSED and is_kept:
            with transaction.atomic():
                _store(claim, answer)
    except _Overtaken:
        winner = find(claim)
        if winner is None:
            raise IdempotencyInProgress from None
        return winner
    finally:
        if not is_kept:
            ratelimits.forget(claim.mark)
    return answer


def find(claim: Claim) -> Answer | None:
    """What was answered to this claim in the last 24 hours. Raises IdempotencyKeyReused for another body."""
    row = prepared.row(_FIND, [claim.actor, claim.route, claim.key, clock.now() - KEPT_FOR])
    if row is None:
        return None
    digest, status, body, headers = row
    if digest != claim.digest:
        raise IdempotencyKeyReused
    return Answer(status=status, body=body, headers=headers, is_replayed=True)


def purge() -> int:
    """Remove answers older than 24 hours, in chunks. Returns how many went."""
    edge, gone = clock.now() - KEPT_FOR, 0
    while batch := list(IdempotencyKey.objects.filter(created_at__lt=edge).values_list("pk", flat=True)[:CHUNK]):
        gone += IdempotencyKey.objects.filter(pk__in=batch).delete()[0]
    return gone


def _store(claim: Claim, answer: Answer) -> None:
    """The last thing its transaction does. A copy still at work is waited for; an expired answer is replaced.

    Raises _Overtaken when another copy's answer is there already.
    """
    moment = clock.now()
    given = [
        claim.actor, claim.route, claim.key, claim.digest, claim.member_id, answer.status,
        json.dumps(answer.headers), answer.body, moment, moment - KEPT_FOR,
    ]  # fmt: skip
    try:
        prepared.last(_STORE, given)
    except DatabaseError as wrong:
        if getattr(wrong.__cause__, "sqlstate", None) == _TAKEN:
            raise _Overtaken from wrong
        raise
