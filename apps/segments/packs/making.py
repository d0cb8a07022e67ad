"""A pack from asking to file: only members who allow it, at the moment of asking, of writing and of handing out.

Nobody under 14 without a guardian's word, nobody who switched personalisation off, no pack that is so small that it points at people.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from apps.core import approvals, audit, brand, clock, jobs, reasons, requests
from apps.core.errors import ValidationFailed
from apps.core.models import Approval, Job
from apps.members import consents, minors
from apps.members import selectors as members
from apps.members.models import Identity
from apps.segments import language
from apps.segments.models import Pack, Segment
from apps.segments.packs import hashing
from apps.segments.packs.errors import PackOutdated, PackTooSmall
from apps.stores import access
from apps.stores.access import Access

KIND, PERMISSION = "segments.pack", "segments.pack"
SECOND_FROM = "segments.pack_approval_from"  # members; null: one person is always enough
CHUNK = 2_000
MOST_DAYS = 730
_ADVERTISING = consents.joined("ad", purpose="'advertising'", channel="'any'", moment="%(moment)s")
# Member m may stand in a pack.
_MAY = f"m.status = 'active' and coalesce(ad.is_granted, false) and {consents.PROFILED}"


@dataclass(frozen=True)
class Wanted:
    """What is asked for: values of Pack.Use and Pack.Ids, for whom, of whom."""

    use: str
    recipient: str
    ids: str = Pack.Ids.PHONE.value
    segment_id: int | None = None
    days: int | None = None


def _check_limit(value: Any) -> None:
    if value is not None and (type(value) is not int or not 1 <= value <= 100_000_000):
        raise ValueError("a number of members from 1 on, or null for never")


brand.declare(SECOND_FROM, default=5_000, check=_check_limit)


def ask(*, wanted: Wanted, reason: str, access: Access) -> Job | Approval:
    """Queue a pack, or put it before a second person where it may hold many; a withdrawal waits for nobody.

    Raises Forbidden, ValidationFailed.
    """
    access.reach(PERMISSION)
    wanted = replace(wanted, recipient=" ".join(wanted.recipient.split()))
    reason = " ".join(reason.split())[:200]
    _check(wanted, wanted.recipient, reason)
    least, user_id = brand.read(SECOND_FROM), access.user_id or 0
    if wanted.use == Pack.Use.WITHDRAW or least is None or (members := _size(wanted)) < least:
        return _queue(wanted, reason=reason, user_id=user_id)
    params = {**asdict(wanted), "members": members}
    return approvals.ask_once(kind=KIND, params=params, user_id=user_id, reason=reason)


def _size(wanted: Wanted) -> int:
    """How many could stand in it now."""
    joins, who, asked = _audience(Pack(use=wanted.use, ids=wanted.ids, segment_id=wanted.segment_id, days=wanted.days))
    with connection.cursor() as cursor:
        cursor.execute(f"select count(*) from members_member m {joins} where {who} and ({_MAY})", asked)
        return int(cursor.fetchone()[0])


def _agreed(asked: Approval) -> None:
    approvals.require_open(asked)
    given = {name: value for name, value in asked.params.items() if name != "members"}
    _queue(Wanted(**given), reason=asked.reason, user_id=asked.asked_by_id or 0)


approvals.register(KIND, run=_agreed, permission=PERMISSION, title=_lazy("Make an audience pack"))


def _queue(wanted: Wanted, *, reason: str, user_id: int) -> Job:
    is_back = wanted.use == Pack.Use.WITHDRAW
    with transaction.atomic():
        pack = Pack.objects.create(
            use=wanted.use, ids=wanted.ids, recipient=wanted.recipient, by_id=user_id,
            segment_id=None if is_back else wanted.segment_id, days=None if is_back else wanted.days,
        )  # fmt: skip
        pack.job = jobs.start(kind=KIND, params={"pack": pack.pk}, user_id=user_id)
        pack.save(update_fields=["job"])
        facts = {"use": pack.use, "ids": pack.ids, "segment": pack.segment_id, "days": pack.days, "reason": reason}
        audit.record("segment.pack_asked", object_type="audience_pack", object_id=pack.pk, after=facts)
    return pack.job


@jobs.runner(KIND)
def make(job: Job) -> dict[str, Any]:
    """Params: `pack`. Raises Forbidden, PackTooSmall: nothing is kept then. The file is readable by this process's user only."""
    access.require_still(job.created_by, PERMISSION)
    pack = Pack.objects.get(pk=job.params["pack"])
    if pack.made_at is None:
        with requests.acting(actor=f"user:{job.created_by_id}"):
            try:
                _hash(pack, job)
                _write(pack, job)
            finally:
                with connection.cursor() as cursor:
                    cursor.execute("drop table if exists pack_hashes")
    return {"named": pack.members, "left_out": pack.left_out}


def check_fresh(pack: Pack) -> None:
    """Before a file goes out. Raises PackOutdated when somebody in it has taken their word back."""
    if pack.use == Pack.Use.WITHDRAW:
        return
    asked = {"pack": pack.pk, **_moment(clock.now())}
    with connection.cursor() as cursor:
        cursor.execute(
            f"select count(*) from segments_packmember p join members_member m on m.id = p.member_id {_ADVERTISING}"
            f" where p.pack_id = %(pack)s and not ({_MAY})",
            asked,
        )
        gone = cursor.fetchone()[0]
    if gone:
        raise PackOutdated(members=gone)


def allowing(*, moment: datetime) -> int:
    """How many members may stand in a pack."""
    with connection.cursor() as cursor:
        cursor.execute(f"select count(*) from members_member m {_ADVERTISING} where {_MAY}", _moment(moment))
        return int(cursor.fetchone()[0])


def recipients() -> list[str]:
    """Everybody for whom a pack was made, by name."""
    made = Pack.objects.filter(made_at__isnull=False).order_by("recipient")
    return list(made.values_list("recipient", flat=True).distinct())


def hashes_of(member_id: int) -> set[str]:
    """As they stand in files of packs: for the search through these before an erasure."""
    kinds = [kind.value for kind in Pack.Ids]
    rows = Identity.objects.filter(member_id=member_id, kind__in=kinds).values_list(
        "kind", "sealed", "member__key__wrapped"
    )
    opened = [
        (kind, members.open_identity(kind, wrapped=bytes(wrapped), sealed=bytes(sealed)))
        for kind, sealed, wrapped in rows
        if wrapped is not None
    ]
    return {hashing.digest(kind, value) for kind, value in opened if value}


def _check(wanted: Wanted, recipient: str, reason: str) -> None:
    errors = []
    if wanted.use not in Pack.Use.values:
        errors.append(("/use", _("Choose what the pack is for.")))
    if wanted.ids not in Pack.Ids.values:
        errors.append(("/ids", _("Choose what is hashed.")))
    if not 2 <= len(recipient) <= 40:
        errors.append(("/recipient", _("Name the platform that gets the pack, in 2 to 40 letters.")))
    if not reasons.said(reason):
        errors.append(("/reason", _("Say in a few words what the pack is for.")))
    if wanted.use != Pack.Use.WITHDRAW and not _has_source(wanted):
        errors.append(("/source", _("Choose a segment, or from 1 to 730 days for buyers.")))
    if errors:
        raise ValidationFailed(errors=[{"pointer": at, "code": "invalid", "message": text} for at, text in errors])


def _has_source(wanted: Wanted) -> bool:
    if wanted.days is not None:
        return wanted.segment_id is None and 1 <= wanted.days <= MOST_DAYS
    return wanted.segment_id is not None and Segment.objects.filter(pk=wanted.segment_id, archived_at=None).exists()


def _audience(pack: Pack) -> tuple[str, str, dict[str, Any]]:
    """Of whom: joins and a condition on member m, whoever allows it or not, and the parameters."""
    asked: dict[str, Any] = _moment(clock.now()) | {"pack": pack.pk}
    if pack.use == Pack.Use.WITHDRAW:
        asked |= {"recipient": pack.recipient, "ids": pack.ids}
        return _ADVERTISING, f"m.id in ({_HANDED_OUT}) and not ({_MAY})", asked
    if pack.segment_id is not None:
        asked |= {"segment": pack.segment_id}
        return _ADVERTISING, f"m.id in ({_INSIDE})", asked
    rule = {"field": "last_order_at", "op": "within", "value": {"last_days": pack.days}}
    read = language.compiled(rule, moment=asked["moment"])
    return f"{read.joins} {_ADVERTISING}", f"{read.base} and {read.condition}", read.params | asked


def _hash(pack: Pack, job: Job) -> None:
    """Fill `pack_hashes`, a table of this connection: the hashes of the audience, chunk by chunk, with progress."""
    joins, who, asked = _audience(pack)
    allowed = "" if pack.use == Pack.Use.WITHDRAW else f"and ({_MAY})"
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists pack_hashes")
        cursor.execute("create temp table pack_hashes (member_id bigint, digest text)")
        cursor.execute(f"select count(*) from members_member m {joins} where {who}", asked)
        total = cursor.fetchone()[0]
    done = 0
    for rows in _chunks(
        f"select m.id, x.sealed, x.wrapped from members_member m {joins}"
        f" join lateral ({members.sealed('%(ids)s')}) x on true where {who} {allowed}",
        asked | {"ids": pack.ids},
    ):
        with connection.cursor() as cursor, cursor.copy("copy pack_hashes from stdin") as copy:
            for member_id, sealed, wrapped in rows:
                value = members.open_identity(pack.ids, wrapped=bytes(wrapped), sealed=bytes(sealed))
                if value:
                    copy.write_row((member_id, hashing.digest(pack.ids, value)))
        done += len(rows)
        jobs.report(job, done=done, total=max(total, done))
    pack.left_out = total


def _chunks(statement: str, asked: dict[str, Any]) -> Iterator[list[Any]]:
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(f"{statement} and m.id > %(after)s order by m.id limit {CHUNK}", asked | {"after": after})
            rows = cursor.fetchall()
        if not rows:
            return
        yield rows
        after = rows[-1][0]


@transaction.atomic
def _write(pack: Pack, job: Job) -> None:
    """Whoever took their word back while it was hashed is left out. Sorted by hash, so that the order says nothing."""
    is_back, moment = pack.use == Pack.Use.WITHDRAW, clock.now()
    with connection.cursor() as cursor:
        if not is_back:
            cursor.execute(_KEEP, {"pack": pack.pk, "recipient": pack.recipient, **_moment(moment)})
        kept = (
            ""
            if is_back
            else "where member_id in (select p.member_id from segments_packmember p where p.pack_id = %(pack)s)"
        )
        cursor.execute(f"select distinct digest from pack_hashes {kept} order by digest", {"pack": pack.pk})
        digests = [row[0] for row in cursor.fetchall()]
    if not is_back and len(digests) < settings.PACK_LEAST_MEMBERS:
        raise PackTooSmall(members=len(digests), least=settings.PACK_LEAST_MEMBERS)
    pack.members, pack.left_out, pack.made_at = len(digests), max(pack.left_out - len(digests), 0), moment
    pack.save(update_fields=["members", "left_out", "made_at"])
    facts = {"members": pack.members, "left_out": pack.left_out}
    audit.record("segment.pack_made", object_type="audience_pack", object_id=pack.pk, after=facts)
    path = jobs.result_path(f"pack-{job.pk}.csv")
    with jobs.private(path) as file:
        file.writelines(f"{digest}\n" for digest in digests)
    Job.objects.filter(pk=job.pk).update(result_file=path.name)


def _moment(moment: datetime) -> dict[str, Any]:
    return minors.as_of(moment) | {"moment": moment}


_INSIDE = "select b.member_id from segments_membership b where b.segment_id = %(segment)s"
_HANDED_OUT = """
select p.member_id from segments_packmember p join segments_pack k on k.id = p.pack_id
where p.recipient = %(recipient)s and k.ids = %(ids)s
"""
_KEEP = f"""
insert into segments_packmember (pack_id, member_id, recipient, at)
select %(pack)s, m.id, %(recipient)s, %(moment)s from members_member m {_ADVERTISING}
where {_MAY} and m.id in (select member_id from pack_hashes)
"""
