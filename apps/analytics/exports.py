"""Members of a list as a CSV file, by job: masked unless the person may see numbers and says why; the file goes after three days."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from apps.analytics.lists import members as listed
from apps.analytics.lists import select
from apps.core import audit, clock, jobs, logs, reasons, requests
from apps.core.errors import Forbidden, ValidationFailed
from apps.core.files.rejects import harmless
from apps.core.models import Job
from apps.members import consents, minors
from apps.members import phones as phone_numbers
from apps.members import selectors as members
from apps.members.models import Attribute
from apps.members.names import half_hidden
from apps.segments.packs import making
from apps.stores import access
from apps.stores.access import Access

KIND, EXCHANGES, CODES = "members.export", "points.exchanges_export", "coupons.write_codes"
PACKS = making.KIND
KINDS = (
    KIND,
    EXCHANGES,
    CODES,
    PACKS,
)  # lists of members, of hashes and of codes, however they are asked for: their files live as long, and each fetch is noted
PERMISSION, FULL = "members.export", "members.unmask"
SEGMENTS = "segments.view"  # asked for beside PERMISSION where the list is a segment's
CHUNK, SHOWN = 2_000, 20
KEPT_FOR = timedelta(days=3)
_ROWS = f"""
select m.id, m.member_no, m.nickname, m.gender, m.birth_year, m.birth_month, m.birth_day, h.code as store, m.source,
       m.status, m.tags, m.attributes, m.joined_at, case when p.is_profiled then s.stage end as stage,
       case when p.is_profiled then s.cell end as cell, coalesce(s.orders, 0) as orders,
       coalesce(s.net_cents, 0) as net_cents, s.last_order_at
from members_member m
left join segments_memberstats s on s.member_id = m.id
left join stores_store h on h.id = m.home_store_id
cross join lateral (select {consents.PROFILED} as is_profiled) p
where m.id = any(%(members)s) order by m.id
"""
_COLUMNS = (
    "member_no", "nickname", "phone", "gender", "birthday", "store", "source", "status", "joined_at", "tags", "stage",
    "cell", "orders", "net_total", "last_order_at",
)  # fmt: skip


def start(*, wanted: listed.Wanted, is_full: bool, reason: str, access: Access) -> Job:
    """Queue an export of a list. Raises Forbidden, ValidationFailed (whole numbers need a reason)."""
    access.reach(PERMISSION)
    _may_ask(access, wanted)
    params = {"wanted": wanted.params(), "is_full": is_full, "about": listed.about(wanted=wanted)}
    return begin(KIND, "members.exported", params=params, reason=reason, access=access)


def begin(kind: str, act: str, *, params: dict[str, Any], reason: str, access: Access) -> Job:
    """Queue an export and note it as `act`. `params`: `wanted`, `is_full`, `about`. Raises as `checked`."""
    clean = checked(is_full=params["is_full"], reason=reason, access=access)
    job = jobs.start(kind=kind, params=params, user_id=access.user_id)
    facts = {"filters": params["wanted"], "is_full": params["is_full"], **clean}
    audit.record(act, object_type="job", object_id=job.pk, after=facts)
    return job


def checked(*, is_full: bool, reason: str, access: Access) -> dict[str, str]:
    """What the audit trail keeps of the reason. Raises Forbidden, ValidationFailed: whole names and numbers need one."""
    reason = reasons.said(reason)
    if is_full and not access.can(FULL):
        raise Forbidden
    if is_full and not reason:
        sentence = _("Say in a few words why you need the whole numbers.")
        raise ValidationFailed(errors=[{"pointer": "/reason", "code": "required", "message": sentence}])
    return dict(logs.scrub(None, "", {"reason": reason})) if is_full else {}


@jobs.runner(KIND)
def export(job: Job) -> dict[str, Any]:
    """Params: `wanted`, `is_full`, `about`. Sees what its owner may see now; the file is readable by this process's user only."""
    reader, is_full = reader_of(job)
    wanted = listed.Wanted.of_params(job.params["wanted"], stores=reader.store_ids(PERMISSION))
    _may_ask(reader, wanted)
    fields = list(Attribute.objects.all())
    heads = [*_COLUMNS, *(f"field_{field.key}" for field in fields)]

    def chunks() -> Iterator[list[list[str]]]:
        for rows in _chunks(wanted):
            phones = members.phones([row["id"] for row in rows])
            yield [_cells(row, phone=phones.get(row["id"], ""), fields=fields, is_full=is_full) for row in rows]

    return write(job, what="members", heads=heads, chunks=chunks())


def reader_of(job: Job) -> tuple[Access, bool]:
    """Who reads the file with the rights of now, and whether it is whole. Raises Forbidden."""
    reader, is_full = access.of_user(job.created_by), bool(job.params["is_full"])
    if is_full and not reader.can(FULL):
        raise Forbidden
    return reader, is_full


def write(job: Job, *, what: str, heads: Sequence[str], chunks: Iterable[list[list[str]]]) -> dict[str, Any]:
    """The job's file, chunk by chunk, with progress; its result. `what` is what a row is: "members"."""
    path, done = jobs.result_path(f"{what}-{job.pk}.csv"), 0
    with requests.acting(actor=f"user:{job.created_by_id}"), jobs.private(path) as file:
        file.write("\ufeff")  # Excel then reads it as UTF-8
        out = csv.writer(file)
        out.writerow(heads)
        for rows in chunks:
            out.writerows(rows)
            done += len(rows)
            jobs.report(job, done=done, total=max(done, int(job.params.get("about", 0))))
    Job.objects.filter(pk=job.pk).update(result_file=path.name)
    return {what: done, "is_full": bool(job.params["is_full"]), "until": (clock.now() + KEPT_FOR).isoformat()}


def purge() -> int:
    """Remove files older than three days; their jobs stay. Returns how many went."""
    old = Job.objects.filter(kind__in=KINDS, finished_at__lt=clock.now() - KEPT_FOR).exclude(result_file="")
    gone = 0
    for job in old:
        jobs.result_path(job.result_file).unlink(missing_ok=True)
        Job.objects.filter(pk=job.pk).update(result_file="")
        gone += 1
    return gone


def _may_ask(access: Access, wanted: listed.Wanted) -> None:
    """Raises Forbidden."""
    if wanted.segment:
        access.reach(SEGMENTS)


def of_segment(key: str, *, user_id: int | None = None) -> list[Job]:
    """Exports of a segment's members, newest first: those of one person, or everybody's."""
    found = Job.objects.filter(kind=KIND, params__wanted__segment=key).select_related("created_by__staff")
    return list((found if user_id is None else found.filter(created_by_id=user_id)).order_by("-id")[:SHOWN])


def _chunks(wanted: listed.Wanted) -> Iterator[list[dict[str, Any]]]:
    after = 0
    while found := listed.ids_after(wanted=wanted, after=after, limit=CHUNK):
        yield select.rows(_ROWS, minors.as_of(clock.now()) | {"members": found})
        after = found[-1]


def _cells(row: dict[str, Any], *, phone: str, fields: list[Attribute], is_full: bool) -> list[str]:
    values = row | {
        "nickname": row["nickname"] if is_full else half_hidden(row["nickname"]),
        "phone": phone.removeprefix("+86") if is_full else phone_numbers.masked(phone),
        "birthday": _birthday(row, is_full=is_full),
        "tags": ";".join(row["tags"]),
        "joined_at": _day(row["joined_at"]),
        "last_order_at": _day(row["last_order_at"]),
        "net_total": f"{row['net_cents'] / 100:.2f}",
    }
    attributes = select.json_value(row["attributes"]) or {}
    cells = [values[name] for name in _COLUMNS] + [_field(attributes.get(field.key)) for field in fields]
    return [harmless("" if cell is None else str(cell)) for cell in cells]


def _field(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _birthday(row: dict[str, Any], *, is_full: bool) -> str:
    """Without the year where the row is masked, as on the pages."""
    if not row["birth_month"]:
        return ""
    day = f"{row['birth_month']:02d}-{row['birth_day']:02d}"
    return f"{row['birth_year']}-{day}" if is_full and row["birth_year"] else day


def _day(moment: datetime | None) -> str:
    return clock.local_date(moment).isoformat() if moment else ""
