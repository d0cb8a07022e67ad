"""One file into a list from beginning to end, and back: what comes in or goes out does so in one transaction."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from apps.core import audit, clock
from apps.core.errors import NotFound
from apps.core.files import reading, rejects, staging
from apps.core.files.progress import Progress
from apps.segments import defining
from apps.segments.lists import finding
from apps.segments.lists.errors import REASONS, NobodyFound, NoKey, NothingToUndo
from apps.segments.models import Segment, Upload


@dataclass(frozen=True)
class Wanted:
    """Into which list, and how (a value of Upload.How). Without `segment_id` a new one with this key and name is made."""

    how: str
    segment_id: int | None = None
    key: str = ""
    name: str = ""
    by_user_id: int | None = None


def run(
    *,
    path: Path,
    wanted: Wanted,
    file_name: str = "",
    source: str = "",
    dry_run: bool = False,
    job_id: int | None = None,
    rejected_to: Callable[[], Path],
    progress: Callable[[Progress], None] = lambda step: None,
) -> dict[str, Any]:
    """Take the members of a file into a list. Returns figures; raises FileRefused, NotFound, KeyTaken: nothing is written then.

    Repeatable: a job runs its file once; the same file again changes nothing. `progress` may raise to stop before anything is
    written. `source` is every file's, and says nothing here.
    """
    begun = time.monotonic()
    try:
        staged = staging.stage(
            path,
            layout=finding.LAYOUT,
            progress=lambda done, total, rows: progress(Progress("read", done, total, rows)),
        )
        if not staged.columns:
            raise NoKey
        finding.name(
            columns=staged.columns, heard=lambda done: progress(Progress("check", done, staged.rows, staged.rows))
        )
        finding.find(takes_out=wanted.how == Upload.How.REMOVE)
        members, rejected = finding.found(), rejects.count()
        if wanted.how == Upload.How.REPLACE and not members:
            raise NobodyFound
        if dry_run:
            figures = _would(wanted, members)
        else:
            said = {"file_name": file_name, "digest": reading.digest(path), "rows": staged.rows, "rejected": rejected}
            figures = _taken(wanted, members, job_id=job_id, said=said)
        rejected_file = rejects.write(rejected_to, reasons=REASONS, columns=finding.LAYOUT.columns)
    finally:
        staging.drop(*finding.TABLES)
    return {
        "rows": staged.rows,
        "named": len(members),
        **figures,
        "rejected": rejected,
        "rejected_file": str(rejected_file or ""),
        "seconds": round(time.monotonic() - begun, 2),
        "dry_run": dry_run,
        "notices": staged.notices(),
    }


def undo(*, segment_id: int) -> Upload:
    """Take the last upload back: who came by it goes, who went by it comes. Whom somebody moved since then stays as they are.

    Raises NothingToUndo, NotFound.
    """
    with transaction.atomic():
        if not Segment.objects.select_for_update().filter(pk=segment_id, archived_at=None).exists():
            raise NotFound
        last = last_upload(segment_id)
        if last is None:
            raise NothingToUndo
        with connection.cursor() as cursor:
            cursor.execute(_BACK, {"segment": segment_id, "build": last.build_id})
            came, went = cursor.fetchone()
        defining.move(segment_id=segment_id, add=went, remove=came, undoes=last.pk)
        last.undone_at = clock.now()
        last.save(update_fields=["undone_at"])
        audit.record("segment.upload_undone", object_type="segment", object_id=segment_id, after={"upload": last.pk})
    return last


def last_upload(segment_id: int) -> Upload | None:
    """The one that `undo` takes back: the newest that changed something and was not undone."""
    return Upload.objects.filter(segment_id=segment_id, build__isnull=False, undone_at=None).order_by("-id").first()


def forget(member_id: int) -> None:
    """Before a member is erased: they go out of every list, so that its size stays true."""
    lists = Segment.objects.filter(kind=Segment.Kind.LIST, archived_at=None).order_by("pk")
    inside = lists.extra(
        where=[
            "exists (select from segments_membership b where b.segment_id = segments_segment.id and b.member_id = %s)"
        ],
        params=[member_id],
    )
    for segment_id in list(inside.values_list("pk", flat=True)):
        defining.move(segment_id=segment_id, remove=[member_id])


@transaction.atomic
def _taken(wanted: Wanted, members: list[int], *, job_id: int | None, said: dict[str, Any]) -> dict[str, Any]:
    done = Upload.objects.filter(job_id=job_id).select_related("segment").first() if job_id is not None else None
    if done is not None:  # a worker was lost after it had written
        return {"came": done.came, "went": done.went, "segment": done.segment.key}
    segment = _list(wanted)
    asked: dict[str, Any] = {"remove": members} if wanted.how == Upload.How.REMOVE else {"add": members}
    asked["replaces"] = wanted.how == Upload.How.REPLACE
    moved = defining.move(segment_id=segment.pk, **asked)
    upload = Upload.objects.create(
        segment=segment, job_id=job_id, how=wanted.how, came=moved.came, went=moved.went, build_id=moved.build_id,
        by_id=wanted.by_user_id, **said,
    )  # fmt: skip
    facts = {"upload": upload.pk, "how": wanted.how, "came": moved.came, "went": moved.went}
    facts |= {name: value for name, value in said.items() if name != "file_name"}  # it may name a person
    audit.record("segment.uploaded", object_type="segment", object_id=segment.pk, after=facts)
    return {"came": moved.came, "went": moved.went, "segment": segment.key}


def _list(wanted: Wanted) -> Segment:
    if wanted.segment_id is None:
        return defining.create_list(key=wanted.key, name=wanted.name, by_user_id=wanted.by_user_id)
    found = Segment.objects.filter(pk=wanted.segment_id, kind=Segment.Kind.LIST, archived_at=None).first()
    if found is None:
        raise NotFound
    return found


def _would(wanted: Wanted, members: list[int]) -> dict[str, Any]:
    """What taking it in would do."""
    with connection.cursor() as cursor:
        cursor.execute(_WOULD, {"segment": wanted.segment_id, "members": members})
        held, named = cursor.fetchone()
    came = 0 if wanted.how == Upload.How.REMOVE else len(members) - named
    went = {Upload.How.ADD.value: 0, Upload.How.REMOVE.value: named, Upload.How.REPLACE.value: held - named}[wanted.how]
    return {"came": came, "went": went}


_WOULD = """
select count(*), count(*) filter (where member_id = any(%(members)s::bigint[]))
from segments_membership where segment_id = %(segment)s
"""
# The members of one upload whom nothing moved since; a record merged meanwhile means its survivor.
_BACK = """
with mine as (
    select coalesce(m.merged_into_id, m.id) as id, p.is_entry from segments_passage p join members_member m on m.id = p.member_id
    where p.segment_id = %(segment)s and p.build_id = %(build)s and not exists (
        select from segments_passage q where q.segment_id = p.segment_id and q.member_id = p.member_id and q.id > p.id)
)
select coalesce(array_agg(id) filter (where is_entry), '{}'), coalesce(array_agg(id) filter (where not is_entry), '{}') from mine
"""
