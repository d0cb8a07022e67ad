"""The file of rejected rows: where, why, what to do, and the text as it was."""

import csv
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from django.db import connection
from django.utils.translation import gettext as _

from apps.core import jobs
from apps.core.files.errors import Reason

CELL_KEPT = 200  # characters
_number = re.compile(r"-\d+(\.\d+)?\Z")
STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def count() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from import_rejects")
        return cursor.fetchone()[0]


def write(target: Callable[[], Path], *, reasons: Mapping[str, Reason], columns: Mapping[str, str]) -> Path | None:
    """Write the file, readable by its owner only (it may hold phones). `columns` is the layout's. None: no row was rejected."""
    if not count():
        return None
    path = target()
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as file, connection.cursor() as cursor:
        out = csv.writer(file)
        out.writerow([_("line"), _("column"), _("code"), _("reason"), _("what to do"), _("original text")])
        with cursor.copy(_rows_sql(columns)) as copy:
            copy.set_types(["int8", "text", "text", "text"])
            for line, column, code, original in copy.rows():
                reason = reasons[code]
                out.writerow([line, column, code, reason.text, reason.cure, harmless(original)])
    return path


def beside(path: Path) -> Path:
    """Where the rejected rows of a file go: next to it; where that folder cannot be written, among the job results."""
    name = f"{path.name.removesuffix('.gz').removesuffix('.csv').removesuffix('.xlsx')}.rejected.csv"
    try:
        with (path.parent / f"{name}.part").open("x"):
            pass
        (path.parent / f"{name}.part").unlink()
    except OSError:
        return jobs.result_path(name)
    return path.parent / name


def harmless(text: str) -> str:
    """A spreadsheet must not run what a file brought along."""
    return f"'{text}" if text.startswith(STARTS_FORMULA) and not _number.match(text) else text


def _rows_sql(columns: Mapping[str, str]) -> str:
    cell = "case r.cell " + " ".join(f"when '{name}' then c.{column}" for name, column in columns.items()) + " end"
    return f"""copy (
        select r.line, r.cell, r.code, substr(coalesce(nullif(c.raw, ''), {cell}, ''), 1, {CELL_KEPT})
        from import_rejects r join import_cells c using (line) order by r.line
    ) to stdout"""
