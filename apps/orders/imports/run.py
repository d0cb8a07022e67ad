"""One import from path to result, for the command and for the job."""

import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.files import reading, rejects, staging
from apps.core.files.progress import Progress
from apps.orders.imports import checking, merging
from apps.orders.imports.columns import LAYOUT
from apps.orders.imports.errors import REASONS
from apps.orders.models import ImportRun


def run(
    *,
    path: Path,
    source: str = "import",
    file_name: str = "",
    is_live: bool = False,
    dry_run: bool = False,
    job_id: int | None = None,
    rejected_to: Callable[[], Path],
    progress: Callable[[Progress], None] = lambda step: None,
) -> dict[str, Any]:
    """Take the orders of a file in. Returns the figures that `--json` prints; raises FileRefused, and nothing is written then.

    Repeatable: what an earlier or killed run has brought in counts as known. `progress` is called between steps and may raise to stop.
    """
    begun, now = time.monotonic(), clock.now()
    record = None if dry_run else _begin(path, file_name=file_name or path.name, is_live=is_live, job_id=job_id)
    try:
        staged = staging.stage(
            path, layout=LAYOUT, progress=lambda done, total, rows: progress(Progress("read", done, total, rows))
        )
        checked = partial(Progress, "check", total=checking.STEPS, rows=staged.rows)
        progress(checked(done=0))
        checking.check(now=now, progress=lambda done: progress(checked(done=done)))
        if dry_run:
            counts = merging.rehearse(source=source)
        else:
            counts = _merge(staged.rows, source=source, is_live=is_live, now=now, progress=progress)
        rejected, rejected_file = rejects.count(), rejects.write(rejected_to, reasons=REASONS, columns=LAYOUT.columns)
        repeated = checking.repeated_rows()
    finally:
        staging.drop(*merging.TABLES)
    if record:
        _finish(record, rows=staged.rows, rejected=rejected, counts=counts)
    figures = {name: value for name, value in asdict(counts).items() if name in _FIGURES}
    return {
        "rows": staged.rows,
        **figures,
        "rejected": rejected,
        "rejected_file": str(rejected_file or ""),
        "seconds": round(time.monotonic() - begun, 2),
        "dry_run": dry_run,
        "notices": _notices(staged, counts, repeated),
    }


_FIGURES = {"orders_added", "orders_known", "lines_added", "members_added", "refunds_added"}


def _merge(rows: int, *, source: str, is_live: bool, now: Any, progress: Callable[[Progress], None]) -> merging.Counts:
    counts, last, first = merging.Counts(), checking.last_line(), 0
    while first <= last:
        upto = first + (merging.CHUNK if first else merging.FIRST_CHUNK) - 1
        counts.add(merging.merge(first=first, last=upto, source=source, is_live=is_live, now=now))
        progress(Progress("merge", min(upto, last), last, rows, rejects.count()))
        first = upto + 1
    return counts


def _begin(path: Path, *, file_name: str, is_live: bool, job_id: int | None) -> ImportRun:
    started = {
        "file_name": file_name[:200],
        "digest": reading.digest(path),
        "is_live": is_live,
        "started_at": clock.now(),
    }
    if job_id is None:
        return ImportRun.objects.create(**started)
    return ImportRun.objects.update_or_create(job_id=job_id, defaults=started)[0]


def _finish(record: ImportRun, *, rows: int, rejected: int, counts: merging.Counts) -> None:
    record.rows, record.rejected, record.finished_at = rows, rejected, clock.now()
    record.orders_added, record.orders_known = counts.orders_added, counts.orders_known
    record.members_added = counts.members_added
    record.save()


def _notices(staged: staging.Staged, counts: merging.Counts, repeated: int) -> list[dict[str, Any]]:
    """What a person should know though no row was rejected for it: code, text, and count or names."""
    counted = {
        "rows_repeated": (repeated, _("Rows that repeat an order word for word; each counts once.")),
        "stores_added": (counts.stores_added, _("Store codes seen for the first time; give them names.")),
        "staff_added": (counts.staff_added, _("Staff numbers seen for the first time; give them names.")),
        "products_added": (counts.products_added, _("Products seen for the first time.")),
        "phone_invalid": (counts.phones_invalid, _("Phones that cannot be read; their orders went in without them.")),
        "phone_taken": (counts.phones_taken, _("Phones that belong to another member; they were not stored.")),
    }
    return staged.notices() + [
        {"code": code, "text": text, "count": number} for code, (number, text) in counted.items() if number
    ]
