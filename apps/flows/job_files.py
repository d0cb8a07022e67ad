"""Files that jobs took in or wrote: they may name members, so each goes with a member it names, and all go after a week."""

import gzip
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from apps.core import clock
from apps.core.files import workbooks
from apps.core.models import Job

KEPT_FOR = timedelta(days=7)
FOLDERS = ("imports", "jobs")  # below MEDIA_ROOT
PLAIN = {".csv", ".txt", ".json", ".jsonl"}
BLOCK = 1 << 20
LIVE = (Job.State.QUEUED, Job.State.RUNNING)


def remove_naming(words: Sequence[str]) -> int:
    """Remove every file in which one of these words stands; also those that cannot be searched. Returns how many.

    A file of a job at work stays until the next run of `remove_old`: the job would fail without it.
    """
    wanted = [form for word in words for form in {word.encode(), word.encode("gb18030")}]
    busy = _busy()
    gone = 0
    for path in _files():
        if path not in busy and wanted and (not _is_searchable(path) or _names(path, wanted)):
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def remove_old() -> int:
    """Remove files older than a week. Returns how many."""
    oldest = (clock.now() - KEPT_FOR).timestamp()
    old = [path for path in _files() if path.stat().st_mtime < oldest]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _files() -> Iterator[Path]:
    for name in FOLDERS:
        yield from (path for path in sorted((Path(settings.MEDIA_ROOT) / name).glob("*")) if path.is_file())


def _busy() -> set[Path]:
    live = Job.objects.filter(state__in=LIVE).values_list("params", flat=True)
    return {Path(str(params["path"])) for params in live if "path" in params}


def _is_searchable(path: Path) -> bool:
    """What stands in a workbook cannot be told for certain (texts in pieces, numbers in another spelling)."""
    return path.suffix in PLAIN and not workbooks.is_workbook(path)


def _names(path: Path, wanted: Sequence[bytes]) -> bool:
    """Block by block, each overlapping the one before by the longest word. Uploads are named .csv even when zipped."""
    overlap = max(map(len, wanted)) - 1
    with path.open("rb") as raw:
        is_zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        with gzip.open(raw) if is_zipped else raw as file:
            tail = b""
            while block := file.read(BLOCK):
                window = tail + block
                if any(word in window for word in wanted):
                    return True
                tail = window[-overlap:] if overlap else b""
    return False
