"""One file of members from beginning to end: the door of the command and of the job."""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import audit, clock
from apps.core.files import reading, rejects, staging
from apps.core.files.progress import Progress
from apps.events import services as events
from apps.members.imports import deciding, merging
from apps.members.imports.columns import layout
from apps.members.imports.deciding import Counts
from apps.members.imports.errors import REASONS, NoKey
from apps.members.models import MemberImport


def run(
    *,
    path: Path,
    source: str = "import",
    file_name: str = "",
    dry_run: bool = False,
    openings_only: bool = False,
    job_id: int | None = None,
    rejected_to: Callable[[], Path],
    progress: Callable[[Progress], None] = lambda step: None,
) -> dict[str, Any]:
    """Take the members of a file in. Returns the figures that `--json` prints; raises FileRefused, and nothing is written then.

    Repeatable: the same file again changes nothing, also after a kill. `progress` is called between steps and may raise to stop.
    `openings_only`: what members bring along and nothing else; rows about nobody who is here are rejected.
    """
    begun, moment, shape = time.monotonic(), clock.now(), layout(openings_only=openings_only)
    record = None if dry_run else _begin(path, file_name=file_name or path.name, source=source, job_id=job_id)
    try:
        staged = staging.stage(
            path, layout=shape, progress=lambda done, total, rows: progress(Progress("read", done, total, rows))
        )
        if not {"member_no", "phone"} & set(staged.columns):
            raise NoKey
        deciding.parse(
            columns=staged.columns,
            moment=moment,
            heard=lambda done: progress(Progress("check", done, staged.rows, staged.rows)),
        )
        counts = deciding.decide(source=source, known_only=openings_only)
        brought = deciding.brought(source=source)
        if record:
            counts = _merge(staged.rows, source=source, record_id=record.pk, progress=progress)
        rejected = rejects.count()
        rejected_file = rejects.write(rejected_to, reasons=REASONS, columns=shape.columns)
    finally:
        staging.drop(*deciding.TABLES)
    if record:
        _finish(record, rows=staged.rows, rejected=rejected, counts=counts)
    return {
        "rows": staged.rows,
        **asdict(counts),
        **brought,
        "rejected": rejected,
        "rejected_file": str(rejected_file or ""),
        "seconds": round(time.monotonic() - begun, 2),
        "dry_run": dry_run,
        "notices": _notices(staged, counts),
    }


def _merge(rows: int, *, source: str, record_id: int, progress: Callable[[Progress], None]) -> Counts:
    counts, last, first = Counts(), merging.last_line(), 0
    while first <= last:
        upto = first + merging.CHUNK - 1
        counts = counts.plus(merging.merge(first=first, last=upto, source=source, record_id=record_id))
        progress(Progress("merge", min(upto, last), last, rows, rejects.count()))
        first = upto + 1
    return counts


def _begin(path: Path, *, file_name: str, source: str, job_id: int | None) -> MemberImport:
    started = {
        "file_name": file_name[:200],
        "digest": reading.digest(path),
        "source": source,
        "started_at": clock.now(),
    }
    if job_id is None:
        return MemberImport.objects.create(**started)
    return MemberImport.objects.update_or_create(job_id=job_id, defaults=started)[0]


@transaction.atomic
def _finish(record: MemberImport, *, rows: int, rejected: int, counts: Counts) -> None:
    record.rows, record.rejected, record.finished_at = rows, rejected, clock.now()
    record.members_added, record.members_changed = counts.members_added, counts.members_changed
    record.save()
    figures = {"rows": rows, "rejected": rejected, "added": counts.members_added, "changed": counts.members_changed}
    audit.record("members.imported", object_type="member_import", object_id=record.pk, after=figures)
    events.publish("members.imported", key=str(record.pk), import_id=record.pk)


def _notices(staged: staging.Staged, counts: Counts) -> list[dict[str, Any]]:
    """What a person should know though no row was rejected for it."""
    notices = staged.notices()
    if counts.openings_added:
        text = _("Opening values kept; points, growth and tiers are taken over by a job of their own.")
        notices.append({"code": "openings_waiting", "text": text, "count": counts.openings_added})
    if counts.phones_taken:
        text = _("Phones that another member got meanwhile; they were not stored.")
        notices.append({"code": "phone_taken", "text": text, "count": counts.phones_taken})
    return notices
