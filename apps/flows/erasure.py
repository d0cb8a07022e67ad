"""Erasing a member: one transaction takes away everything that names the person; a list outside the database outlives backups.

What stays is declared per table with its reason (`apps/*/privacy.py`) and shown in the processing record. Every step may be
repeated: the job after a crash, and `replay` after a backup was restored, find the same work or none.
"""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import Field, Model

from apps.core import audit, clock, holdings, ids
from apps.core.holdings import Holding
from apps.events import services as events
from apps.flows import job_files
from apps.flows.models import Erased, PrivacyRequest
from apps.members import selectors as members
from apps.members import states
from apps.members.models import Identity, Member
from apps.segments.packs import making

log = structlog.get_logger("siyu.privacy")
Keys = list[tuple[Holding, list[Any]]]
TELLING = 6  # bytes: two Chinese characters, a short card number
OPEN = (PrivacyRequest.State.COOLING, PrivacyRequest.State.WAITING, PrivacyRequest.State.READY)


def run_due() -> dict[str, int]:
    """Erase everybody whose cool-off is over; one failure does not hold up the others. Returns counts."""
    moment = clock.now()
    counts = {"erased": 0, "failed": 0}
    for member_id in Member.objects.filter(status=Member.Status.CANCELLED).order_by("pk").values_list("pk", flat=True):
        if states.cools_until(member_id) > moment:
            continue
        try:
            counts["erased"] += erase(member_id=member_id)
        except Exception:
            log.exception("erasure failed", member_id=member_id)
            counts["failed"] += 1
    return counts


def erase(*, member_id: int) -> bool:
    """Erase a cancelled member now, with the records that were merged into theirs. False: they are not cancelled (any more)."""
    with transaction.atomic():
        member = Member.objects.select_for_update().filter(pk=member_id, status=Member.Status.CANCELLED).first()
        if member is None:
            return False
        moment, words = clock.now(), _words(member)
        states.depart(member_id=member_id)
        for record in (member, *Member.objects.filter(merged_into=member_id).order_by("pk")):
            words |= _words(record)
            _put_on_the_list(record, moment)
            _erase_rows(record)
            _forget_answers(record.pk, words)
        _settle(member_id)
        audit.record("member.erased", object_type="member", object_id=member_id)
        events.publish("member.erased", key=str(member_id), lane=f"member:{member_id}", member_id=member_id)
    job_files.remove_naming(sorted(words))
    return True


def replay() -> int:
    """Erase again who stands on the list but not as erased: a backup older than the erasure was restored. Returns how many.

    The list is the file `ERASURES_FILE` and the table. A member who joined at another moment is another person with the same id.
    """
    again = 0
    for member_id, joined_at in sorted({*_listed_in_file(), *Erased.objects.values_list("member_id", "joined_at")}):
        done = (Member.Status.ERASED, Member.Status.MERGED)
        here = Member.objects.filter(pk=member_id, joined_at=joined_at).exclude(status__in=done)
        if here.exists():
            states.cancel(member_id=member_id)
            again += erase(member_id=member_id)
    return again


def _put_on_the_list(member: Member, moment: datetime) -> None:
    """In the file first: should the transaction fail, the line names somebody whose erasure is tried again anyway."""
    if Erased.objects.filter(pk=member.pk).exists():
        return
    line = {"member_id": member.pk, "joined_at": member.joined_at.isoformat(), "at": moment.isoformat()}
    settings.ERASURES_FILE.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(settings.ERASURES_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())
    Erased.objects.create(member_id=member.pk, joined_at=member.joined_at, at=moment)


def _listed_in_file() -> Iterator[tuple[int, datetime]]:
    """A line cut off by a crash names nobody: its transaction never committed."""
    if not settings.ERASURES_FILE.exists():
        return
    for line in settings.ERASURES_FILE.read_text().splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        yield row["member_id"], datetime.fromisoformat(row["joined_at"])


def _erase_rows(member: Member) -> None:
    """Keys first: once the account is gone from the member, no path leads from it to its rows."""
    found: Keys = [
        (held, list(held.rows(member.pk).values_list("pk", flat=True))) for held in reversed(holdings.holdings())
    ]
    _erase_audit(member, found)
    for own in holdings.erases():
        own(member.pk)
    for held, keys in found:
        rows = holdings.model_of(held.model)._default_manager.filter(pk__in=keys)
        if keys and held.on_erase == "keep" and held.blank:
            rows.update(**{name: _empty(held, name) for name in held.blank})
        elif keys and held.on_erase == "delete":
            rows.delete()
    _end_sessions(member.user_id)


def _empty(held: Holding, name: str) -> Any:
    field: Field = holdings.model_of(held.model)._meta.get_field(name)  # type: ignore[assignment]
    return None if field.null else field.get_default()


def _erase_audit(member: Member, found: Keys) -> None:
    """What the audit trail says about values of the member's rows goes; that something happened stays."""
    names = [("member", str(member.pk))]
    with connection.cursor() as cursor:
        cursor.execute("select tgrelid::regclass::text from pg_trigger where tgfoid = 'core_audit_row'::regproc")
        audited = {table for (table,) in cursor.fetchall()}
        for held, keys in found:
            model: type[Model] = holdings.model_of(held.model)
            if model._meta.db_table in audited:
                names += [(model._meta.db_table, str(key)) for key in keys]
        cursor.execute(
            "select flows_erase_audit(%s, %s, %s, %s)",
            [member.pk, member.user_id, [kind for kind, _ in names], [key for _, key in names]],
        )


def _forget_answers(member_id: int, words: set[str]) -> None:
    """Answers kept for programs that repeat a request (`core.idempotency`), where they name the member. Short words say too little."""
    naming = [ids.encode(members.PREFIX, member_id).encode(), *(word.encode() for word in words)]
    with connection.cursor() as cursor:
        cursor.execute(
            "delete from core_idempotencykey"
            " where exists (select from unnest(%s::bytea[]) w(word) where position(w.word in body) > 0)",
            [[word for word in naming if len(word) >= TELLING]],
        )


def _end_sessions(user_id: int | None) -> None:
    """Only sessions that are alive: dead ones are cleared daily and hold an account's id at most."""
    if user_id is None:
        return
    for session in Session.objects.filter(expire_date__gt=clock.now()).iterator():
        if session.get_decoded().get("_auth_user_id") == str(user_id):
            session.delete()


def _settle(member_id: int) -> None:
    open_ones = PrivacyRequest.objects.filter(member_id=member_id, state__in=OPEN)
    erasures = open_ones.filter(kind=PrivacyRequest.Kind.ERASURE)
    erasures.update(state=PrivacyRequest.State.DONE, settled_at=clock.now())
    open_ones.update(state=PrivacyRequest.State.EXPIRED, settled_at=clock.now())


def _words(member: Member) -> set[str]:
    """What the person is called and recognised by, for the search through files."""
    own = [member.nickname, member.member_no, *members.phones([member.pk]).values()]
    own += [str(row["value"]) for row in holdings.shown()[Identity._meta.label](member.pk) if row["value"]]
    return {word.removeprefix("+86") for word in own if len(word) > 1} | making.hashes_of(member.pk)
