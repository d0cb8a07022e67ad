"""The file's cells, as text, in a temporary table of this connection: a killed import leaves nothing behind."""

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from pathlib import Path

from django.conf import settings
from django.db import connection

from apps.orders.imports import reading
from apps.orders.imports.columns import COLUMNS, place
from apps.orders.imports.errors import FileEmpty

BATCH = 10_000
RAW_KEPT = 1_000  # characters of a row that could not be split into its cells
Batch = list[tuple[int, list[str]]]

TABLES = ("import_cells", "import_rows", "import_heads", "import_goods", "import_rejects", "import_phones")


@dataclass
class Staged:
    rows: int = 0
    encoding: str = ""
    columns: tuple[str, ...] = ()
    unknown: list[str] = field(default_factory=list)


def stage(path: Path, *, progress: Callable[[int, int, int], None]) -> Staged:
    """Fill `import_cells` and `import_rejects` with damaged rows. `progress` hears bytes read, bytes in all, rows so far.

    A file that is not UTF-8 is read again as GB18030. Raises FileRefused.
    """
    try:
        return _stage(path, encoding="", progress=progress)
    except reading.WrongEncoding:
        return _stage(path, encoding="gb18030", progress=progress)


def drop() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"drop table if exists {', '.join(TABLES)}")


def _stage(path: Path, *, encoding: str, progress: Callable[[int, int, int], None]) -> Staged:
    with reading.Source(path, limit=settings.IMPORT_MAX_BYTES) as source:
        encoding = encoding or reading.encoding_of(source)
        batches = reading.Rows(source, encoding=encoding).batches(BATCH)
        first = next(batches, None)
        if first is None:
            raise FileEmpty
        placed, unknown = place(first[0][1])
        staged = Staged(encoding=encoding.removesuffix("-sig"), columns=tuple(placed), unknown=unknown)
        writer = _Writer(placed, width=len(first[0][1]))
        _create()
        for batch in chain([first[1:]], batches):
            staged.rows += _copy(writer, batch)
            progress(source.position(), source.size, staged.rows)
    if not staged.rows:
        raise FileEmpty
    return staged


def _copy(writer: "_Writer", batch: Batch) -> int:
    """One COPY per batch: between them the connection is free for progress notes."""
    text, count = writer.text(batch)
    with connection.cursor() as cursor, cursor.copy(writer.command) as copy:
        copy.write(text)
    return count


def _create() -> None:
    drop()
    cells = ", ".join(f"{name} text" for name in COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute("set temp_buffers = '64MB'")
        cursor.execute(f"create temp table import_cells (line bigint, problem text, raw text, {cells})")
        cursor.execute("create temp table import_rejects (line bigint, cell text, code text)")
        cursor.execute("create temp table import_phones (member_no text, phone text, primary key (member_no, phone))")


class _Writer:
    """Rows → text for COPY, known columns only. A row that cannot be split rightly keeps its order number and its raw text."""

    def __init__(self, placed: dict[str, int], *, width: int) -> None:
        self._positions = tuple(placed.values())
        self._number_at = placed["order_no"]
        self._pick = itemgetter(*self._positions)  # four or more, so it always gives a tuple
        self._width = width
        self.command = f"copy import_cells (line, problem, raw, {', '.join(placed)}) from stdin (format csv)"

    def text(self, batch: Batch) -> tuple[str, int]:
        """The text, and how many rows it holds; rows of empty cells only are left out."""
        pick, width = self._pick, self._width
        full = [(line, row) for line, row in batch if any(row)]
        out = _text((line, "", "", *pick(row)) if len(row) == width else self._damaged(line, row) for line, row in full)
        if "\0" in out:
            torn = (any("\0" in cell for cell in row) for _, row in full)
            out = _text(
                self._damaged(line, row) if is_torn or len(row) != width else (line, "", "", *pick(row))
                for is_torn, (line, row) in zip(torn, full, strict=True)
            )
        return out, len(full)

    def _damaged(self, line: int, row: list[str]) -> tuple[object, ...]:
        problem = "column_count" if len(row) != self._width else "nul_character"
        raw = _text([[cell[:RAW_KEPT].replace("\0", "\ufffd") for cell in row]]).strip("\n")[:RAW_KEPT]
        cells = (row[at] if at == self._number_at and at < len(row) else "" for at in self._positions)
        return (line, problem, raw, *(cell.replace("\0", "\ufffd") for cell in cells))


def _text(rows: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
