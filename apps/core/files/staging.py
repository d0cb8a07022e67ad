"""The file's cells, as text, in a temporary table of this connection: a killed import leaves nothing behind."""

import contextlib
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.db import DataError, connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.files import reading, workbooks
from apps.core.files.columns import place
from apps.core.files.errors import FileEmpty

BATCH = 10_000
RAW_KEPT = 1_000  # characters of a row that could not be split into its cells
BLANK = ", \t\n"

TABLES = ("import_cells", "import_rejects")


@dataclass(frozen=True)
class Layout:
    """What a kind of file may say. `columns`: name in the header → column of the staging table, an identifier.

    `required`: names without which the file is refused; `keep`: the column whose text a damaged row keeps.
    """

    columns: Mapping[str, str]
    required: Sequence[str]
    keep: str


@dataclass
class Staged:
    rows: int = 0
    encoding: str = ""
    unknown: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)  # of the staging table, those that the file has
    sheets: list[str] = field(default_factory=list)  # of a workbook, those that were not read

    def notices(self) -> list[dict[str, Any]]:
        """What a person should know of the file itself: code, text, names."""
        found: list[dict[str, Any]] = []
        if self.unknown:
            text = ngettext(
                "A column we do not know; it was left out.",
                "Columns we do not know; they were left out.",
                len(self.unknown),
            )
            found.append({"code": "columns_ignored", "text": text, "columns": self.unknown[:20]})
        if self.sheets:
            text = _("Only the first sheet of the workbook was read. Not read:")
            found.append({"code": "sheets_ignored", "text": text, "columns": self.sheets[:20]})
        return found


def stage(path: Path, *, layout: Layout, progress: Callable[[int, int, int], None]) -> Staged:
    """Fill `import_cells` and `import_rejects` with damaged rows. `progress` hears bytes read, bytes in all, rows so far.

    A file that is not UTF-8 is read again as GB18030; an Excel workbook is known by its first bytes. Raises FileRefused.
    """
    if workbooks.is_workbook(path):
        with workbooks.Workbook(path, limit=settings.IMPORT_MAX_BYTES) as book:
            staged = _fill(book, book, layout=layout, encoding="xlsx", progress=progress)
            staged.sheets = book.other_sheets
            return staged
    try:
        return _stage(path, layout=layout, encoding="", progress=progress)
    except reading.WrongEncoding:
        return _stage(path, layout=layout, encoding="gb18030", progress=progress)


def drop(*more: str) -> None:
    """Drop the staging tables, and `more` that the kind of file made beside them."""
    with connection.cursor() as cursor:
        cursor.execute(f"drop table if exists {', '.join((*TABLES, *more))}")


def _stage(path: Path, *, layout: Layout, encoding: str, progress: Callable[[int, int, int], None]) -> Staged:
    with reading.Source(path, limit=settings.IMPORT_MAX_BYTES) as source:
        encoding = encoding or reading.encoding_of(source)
        rows = reading.Rows(source, encoding=encoding)
        return _fill(rows, source, layout=layout, encoding=encoding.removesuffix("-sig"), progress=progress)


class _Table(Protocol):
    def header(self) -> list[str]: ...

    def batches(self, size: int, /) -> Iterator[Any]: ...


class _Measured(Protocol):
    size: int

    def position(self) -> int: ...


def _fill(
    rows: _Table, source: _Measured, *, layout: Layout, encoding: str, progress: Callable[[int, int, int], None]
) -> Staged:
    header = rows.header()
    placed, unknown = place(header, columns=layout.columns, required=layout.required)
    names = {position: layout.columns[name] for name, position in placed.items()}
    staged = Staged(encoding=encoding, unknown=unknown, columns=sorted(names.values()))
    columns = [names.get(position, f"ignored_{position}") for position in range(len(header))]
    writer = _Writer(columns, keep=layout.keep)
    _create([*layout.columns.values(), *(name for name in columns if name.startswith("ignored_"))])
    for batch in rows.batches(BATCH):
        staged.rows += _copy(writer, batch)
        progress(source.position(), source.size, staged.rows)
    if not staged.rows:
        raise FileEmpty
    return staged


def _copy(writer: "_Writer", batch: reading.Plain | reading.Parsed) -> int:
    """One COPY per batch: between them the connection is free for progress notes."""
    text, count = writer.plain(batch) if isinstance(batch, reading.Plain) else writer.parsed(batch)
    with connection.cursor() as cursor, cursor.copy(writer.command) as copy:
        copy.write(text)
    return count


def _create(columns: list[str]) -> None:
    drop()
    cells = ", ".join(f"{name} text" for name in columns)
    with connection.cursor() as cursor:
        with contextlib.suppress(DataError), transaction.atomic():
            cursor.execute(
                "set temp_buffers = '64MB'"
            )  # refused once the session has used temporary tables: then 8 MB do
        cursor.execute(f"create temp table import_cells (line bigint, problem text, raw text, {cells})")
        cursor.execute("create temp table import_rejects (line bigint, cell text, code text)")


class _Writer:
    """Rows → text for COPY. A row that cannot be split rightly keeps the text of one column and its raw text."""

    def __init__(self, columns: list[str], *, keep: str) -> None:
        self._width = len(columns)
        self._kept_at = columns.index(keep) if keep in columns else self._width
        self.command = f"copy import_cells (line, problem, raw, {', '.join(columns)}) from stdin (format csv)"

    def plain(self, batch: reading.Plain) -> tuple[str, int]:
        """The text, and how many rows it holds; rows of empty cells only are left out."""
        commas = self._width - 1
        out = []
        for number, line in enumerate(batch.lines, start=batch.first):
            if line[0] in BLANK and not line.strip(BLANK):
                continue
            if line.count(",") == commas:
                out.append(f"{number},,,{line}")
            else:
                out.append(_text([self._damaged(number, line.rstrip("\n").split(","))]))
        return "".join(out), len(out)

    def parsed(self, batch: reading.Parsed) -> tuple[str, int]:
        full = [(line, row) for line, row in batch.rows if any(row)]
        return _text(
            (line, "", "", *row)
            if len(row) == self._width and line not in batch.problems and not any("\0" in cell for cell in row)
            else self._damaged(line, row, batch.problems.get(line, ""))
            for line, row in full
        ), len(full)  # fmt: skip

    def _damaged(self, line: int, row: list[str], problem: str = "") -> tuple[object, ...]:
        problem = problem or ("column_count" if len(row) != self._width else "nul_character")
        raw = _text([[cell[:RAW_KEPT].replace("\0", "\ufffd") for cell in row]]).strip("\n")[:RAW_KEPT]
        cells = [""] * self._width
        if self._kept_at < min(len(row), self._width):
            cells[self._kept_at] = row[self._kept_at].replace("\0", "\ufffd")
        return (line, problem, raw, *cells)


def _text(rows: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
