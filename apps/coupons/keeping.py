"""What happens to coupons that are out, other than their use: recalled, restored, made to last longer, run out. Each leaves a line of
history; no coupon is ever deleted, and what was recalled does not go back into the stock."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.core import audit, clock, jobs
from apps.core.models import Job, User
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Coupon, Entry, Use
from apps.events import services as events

KIND = "coupons.recall"
CHUNK = 5_000
EXPIRED = "coupons.expired"
State = Coupon.State
_FREE = (State.UNCLAIMED, State.READY)
_NOT_NOW = {
    State.RESERVED: "coupon_reserved",
    State.USED: "coupon_already_redeemed",
    State.GIVEN: "coupon_given",
    State.RECALLED: "coupon_recalled",
}
_RECALL = """
with gone as (
    update coupons_coupon set state = 'recalled'
     where id in (
        select id from coupons_coupon where {which} and state in ('unclaimed', 'ready') order by id limit {chunk} for no key update)
       and state in ('unclaimed', 'ready')
    returning id
), closed as (
    update coupons_gift set state = 'revoked', settled_at = %(moment)s where state = 'open' and coupon_id in (select id from gone)
)
insert into coupons_entry (coupon_id, kind, by_id, note, at) select id, 'recalled', %(by)s, %(note)s, %(moment)s from gone
"""
_EXPIRE = """
with gone as (
    update coupons_coupon c set state = 'expired' from (
        select id from coupons_coupon where state in ('unclaimed', 'ready') and ends_at <= %(moment)s
         order by ends_at limit %(most)s for no key update skip locked
    ) due where c.id = due.id returning c.id, c.ends_at
)
insert into coupons_entry (coupon_id, kind, note, at) select id, 'expired', '', ends_at from gone
"""


@transaction.atomic
def recall(*, coupon_id: int, by: User | None = None, note: str = "") -> Coupon:
    """Take back a coupon that nobody has used; an offer to a friend ends with it. Again: a no-op. Raises CouponRefused."""
    row = locked(coupon_id)
    if row.state != State.RECALLED:
        if row.state not in _FREE:
            raise refusal(row)
        _run(_RECALL.format(which="id = %(id)s", chunk=1), id=row.pk, by=_id(by), note=note, moment=clock.now())
        audit.record("coupon.recalled", object_type="coupon", object_id=row.pk, after={"note": note})
        row.refresh_from_db()
    return row


@transaction.atomic
def restore(*, coupon_id: int, by: User | None = None, note: str = "") -> Coupon:
    """Undo a recall: the coupon is what it was before, its days run as ever. Raises CouponRefused when it is not recalled."""
    row = locked(coupon_id)
    if row.state != State.RECALLED:
        raise refusal(row)
    row.state = State.UNCLAIMED if row.member_id is None else State.READY
    row.save(update_fields=["state"])
    _note(row, Entry.Kind.RESTORED, by, note)
    audit.record("coupon.restored", object_type="coupon", object_id=row.pk, after={"note": note})
    return row


@transaction.atomic
def extend(*, coupon_id: int, ends_at: datetime, by: User | None = None, note: str = "") -> Coupon:
    """Let a usable or run-out coupon count longer; its member is told of the new end in time. Raises CouponRefused for others, and
    for an end that is not later (coupon_expired)."""
    row = locked(coupon_id)
    if row.state not in (State.READY, State.EXPIRED) or row.ends_at is None or row.member_id is None:
        raise refusal(row)
    if ends_at <= max(row.ends_at, clock.now()):
        raise over(row)
    row.state, row.ends_at, row.told_at = State.READY, ends_at, None
    row.save(update_fields=["state", "ends_at", "told_at"])
    _note(row, Entry.Kind.EXTENDED, by, note)
    audit.record(
        "coupon.extended", object_type="coupon", object_id=row.pk, after={"ends_at": ends_at.isoformat(), "note": note}
    )
    return row


def start_recall(*, template_id: int, user: User, batch_id: int | None = None, note: str = "") -> Job:
    """Recall all unused coupons of a template, or of one batch of it, as a job; its result counts them."""
    params = {"template_id": template_id, "batch_id": batch_id, "note": note[:200], "by": user.pk}
    return jobs.start(kind=KIND, params=params, user_id=user.pk)


@jobs.runner(KIND)
def recall_all(job: Job) -> dict[str, Any]:
    """In chunks, each committed: begun again it finds what is left. What is used or reserved meanwhile stays."""
    said, done = job.params, 0
    which = "template_id = %(template)s" + (" and batch_id = %(batch)s" if said["batch_id"] else "")
    statement = _RECALL.format(which=which, chunk=CHUNK)
    values = {"template": said["template_id"], "batch": said["batch_id"], "by": said["by"], "note": said["note"]}
    while recalled := _run(statement, moment=clock.now(), **values):
        done += recalled
        jobs.report(job, done=done)
    audit.record("coupon.recalled_all", object_type="coupon_template", object_id=said["template_id"], after=said)
    return {"recalled": done}


def recall_of_members(*, member_ids: Sequence[int], note: str) -> int:
    """Whatever these members could still use. Returns how many. Repeatable."""
    return recall_where("member_id = any(%(members)s)", note=note, members=list(member_ids))


def recall_where(which: str, *, by: User | None = None, note: str, **values: Any) -> int:
    """All unused coupons that a condition of ours names, in the caller's transaction. Returns how many. Repeatable."""
    statement, done = _RECALL.format(which=which, chunk=CHUNK), 0
    while recalled := _run(statement, by=_id(by), note=note, moment=clock.now(), **values):
        done += recalled
    return done


def recall_source(*, source: str, note: str) -> int:
    """What was issued for this, if it is still unused; 0 otherwise."""
    return recall_where("source = %(source)s", note=note, source=source)


@transaction.atomic
def restore_source(*, source: str) -> bool:
    """Whether something was issued for this. What no person recalled since is usable again for the rest of its days."""
    row = Coupon.objects.select_for_update().filter(source=source).first()
    if row is None:
        return False
    if row.state == State.RECALLED and not Entry.objects.filter(coupon=row, kind="recalled", by__isnull=False).exists():
        row.state = State.READY
        row.save(update_fields=["state"])
        _note(row, Entry.Kind.RESTORED, None, "")
    return True


def expire_due(*, moment: datetime | None = None, at_most: int = CHUNK) -> int:
    """Write down the end of up to so many coupons, earliest first. Nobody depends on it: readers compare the days. Call until 0."""
    return _run(_EXPIRE, moment=moment or clock.now(), most=at_most)


def expire_all(*, moment: datetime | None = None) -> int:
    """All of them, in chunks of about a tenth of a second; then one fact `coupons.expired` (at, count). Returns how many."""
    moment = moment or clock.now()
    total, size = 0, 200
    while True:
        began = time.monotonic()
        chunk = expire_due(moment=moment, at_most=size)
        if not chunk:
            break
        total += chunk
        size = max(50, min(CHUNK, 2 * size, int(size * 0.1 / (time.monotonic() - began))))
    if total:
        with transaction.atomic():
            events.publish(EXPIRED, key=moment.isoformat(), at=moment.isoformat(), count=total)
    return total


def locked(coupon_id: int) -> Coupon:
    """Raises CouponRefused (coupon_not_found)."""
    found = Coupon.objects.select_for_update(of=("self",)).select_related("template").filter(pk=coupon_id).first()
    if found is None:
        raise CouponRefused("coupon_not_found")
    return found


def refusal(row: Coupon) -> CouponRefused:
    """Why nothing of the kind can be done with it in its state. Reads the last use for those that say when and where."""
    if row.state == State.EXPIRED:
        return over(row)
    facts: dict[str, object] = {}
    if row.state in (State.RESERVED, State.USED):
        use = (
            Use.objects.filter(coupon=row, state__in=[Use.State.RESERVED, Use.State.DONE])
            .select_related("store")
            .first()
        )
        facts = {"at": _minute(use.done_at if use else None), "until": _minute(use.reserved_until if use else None)}
        facts["where"] = use.store.name if use and use.store else ""
    return CouponRefused(_NOT_NOW.get(State(row.state), "coupon_not_found"), **facts)


def over(row: Coupon) -> CouponRefused:
    return CouponRefused("coupon_expired", ended_at=_day(row.ends_at))


def _minute(at: datetime | None) -> str:
    return f"{clock.local(at):%Y-%m-%d %H:%M}" if at else ""


def _day(end: datetime | None) -> str:
    """The last day on which it counts."""
    return "" if end is None else f"{clock.local(end - timedelta(microseconds=1)):%Y-%m-%d}"


def _note(row: Coupon, kind: str, by: User | None, note: str) -> None:
    Entry.objects.create(coupon=row, kind=kind, by=by, note=note[:200])


def _id(by: User | None) -> int | None:
    return None if by is None else by.pk


def _run(statement: str, **values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount
