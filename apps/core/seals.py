"""The seal of the audit trail: whoever changes, adds or removes a line behind the database's back breaks a chain of digests.

Every few minutes the lines that came since are sealed together. A seal's digest covers the digest before it, who did what to which
thing when, and the digest of each line's before and after, kept beside it. So what an erased member's lines said may go, as the law
wants, and the line itself still proves that it was there. The network address is not sealed. The newest digest goes to the log as
well: kept elsewhere, it shows a chain that was forged as a whole.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import Sum

from apps.core import alerts
from apps.core.models import AuditEntry, AuditSeal, TaskRun

SEAL, CHECK, ALERT = "core.seal_audit", "core.check_audit", "core.audit_broken"
LOCK = 7_490_318  # advisory: one chain, one writer
MOST = 20_000  # lines of one seal
log = structlog.get_logger("siyu.audit")

_CONTENT = "sha256(convert_to(jsonb_build_array(before, after)::text, 'UTF8'))"
_FIXED = """jsonb_build_array(id, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), actor, request_id, action,
    object_type, object_id)::text"""
_LINES = f"""
select count(*), coalesce(max(id), 0), coalesce(string_agg({_CONTENT}, ''::bytea order by id), ''::bytea),
    sha256(convert_to(coalesce(string_agg({_FIXED}, E'\\n' order by id), ''), 'UTF8'))
from (select * from core_auditentry where id > %(after)s and id <= %(upto)s order by id limit %(most)s) lines
"""
# Lines of an erased member have lost what they said; that they did is written on them.
_CHANGED = f"""
select id from (
    select id, before, after, {_CONTENT} as content, row_number() over (order by id) as place
    from core_auditentry where id > %(after)s and id <= %(upto)s
) lines
where content <> substr(%(contents)s::bytea, (place::int - 1) * 32 + 1, 32)
  and not (before is null and after = '{{"erased": true}}')
order by id limit 1
"""


@dataclass(frozen=True)
class State:
    """`sealed` of all `lines`; `checked_at`: when the whole chain was last gone through; `faults` then."""

    lines: int
    sealed: int
    sealed_at: datetime | None
    digest: str
    checked_at: datetime | None
    faults: int


def seal() -> int:
    """Seal what may be sealed; returns how many lines. A line that a transaction still writes waits for the next time."""
    sealed = 0
    while new := _seal_once():
        sealed += new
        if new < MOST:
            break
    return sealed


@transaction.atomic
def _seal_once() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        last = AuditSeal.objects.order_by("-pk").first()
        after, upto = (last.upto, last.next_upto) if last else (0, 0)
        if last and upto > after and not _is_settled(last.next_xid):
            return 0
        newest, horizon = _horizon(cursor)
        if newest == after:
            return 0
        cursor.execute(_LINES, {"after": after, "upto": upto, "most": MOST})
        count, reached, contents, fixed = cursor.fetchone()
        # Up to a full seal it ends where it ends; else everything up to the mark of last time is in.
        upto = reached if count == MOST else upto
        if count == 0 and upto == newest:
            return 0
        digest = _digest(bytes(last.digest) if last else b"", fixed, contents)
        AuditSeal.objects.create(
            after=after, upto=upto, lines=count, contents=contents, digest=digest, next_upto=newest, next_xid=horizon
        )
    if count:
        log.info("audit_sealed", upto=upto, lines=count, digest=bytes(digest).hex())
    return int(count)


def check() -> dict[str, Any]:
    """Go through the whole chain: {"lines", "faults"}, with a fault also {"first_fault": see `_fault`}. A fault raises the alert."""
    before, after, lines, fault = b"", 0, 0, None
    for one in AuditSeal.objects.order_by("pk").iterator(chunk_size=50):
        lines += one.lines
        fault = _fault(one, before=before, after=after)
        if fault is not None:
            alerts.raise_once(ALERT, key=f"{ALERT}:{one.pk}:{fault}", seal=one.pk, line=fault)
            return {"lines": lines, "faults": 1, "first_fault": fault}
        before, after = bytes(one.digest), one.upto
    return {"lines": lines, "faults": 0}


def _fault(one: AuditSeal, *, before: bytes, after: int) -> int | None:
    """The first line that says something else than when it was sealed; 0: one is missing, new or another's, or the chain is broken.

    None: all is well.
    """
    contents = bytes(one.contents)
    with connection.cursor() as cursor:
        cursor.execute(_LINES, {"after": one.after, "upto": one.upto, "most": MOST + 1})
        count, _reached, _contents, fixed = cursor.fetchone()
        if one.after != after or count != one.lines or _digest(before, fixed, contents) != bytes(one.digest):
            return 0
        cursor.execute(_CHANGED, {"after": one.after, "upto": one.upto, "contents": contents})
        found = cursor.fetchone()
    return int(found[0]) if found else None


def state() -> State:
    last = AuditSeal.objects.filter(lines__gt=0).order_by("-pk").first()
    run = TaskRun.objects.filter(task=CHECK, error="", finished_at__isnull=False).order_by("-pk").first()
    sealed = AuditSeal.objects.aggregate(lines=Sum("lines"))["lines"] or 0
    waiting = AuditEntry.objects.filter(pk__gt=last.upto if last else 0).count()
    return State(
        lines=sealed + waiting,
        sealed=sealed,
        sealed_at=last.at if last else None,
        digest=bytes(last.digest).hex() if last else "",
        checked_at=run.finished_at if run else None,
        faults=int(run.figures.get("faults", 0)) if run else 0,
    )


def _digest(before: bytes, fixed: bytes, contents: bytes) -> bytes:
    return hashlib.sha256(bytes(before) + bytes(fixed) + hashlib.sha256(bytes(contents)).digest()).digest()


def _horizon(cursor: Any) -> tuple[int, int]:
    """The newest line there is, and this transaction's own number: whoever had one before may still write a line before it."""
    cursor.execute("select coalesce(max(id), 0) from core_auditentry")
    newest = cursor.fetchone()[0]
    cursor.execute("select pg_current_xact_id()::text::bigint")
    return int(newest), int(cursor.fetchone()[0])


def _is_settled(horizon: int) -> bool:
    """Whether every transaction with a smaller number has ended."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= %s", [horizon])
        return bool(cursor.fetchone()[0])
