"""Whole columns between PostgreSQL and numpy by binary COPY: no row passes through Python.

Every column is a float8 without NULL, so that rows have one length and are an array as they stand.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db.backends.utils import CursorWrapper
from numpy.typing import NDArray

_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TAIL = b"\xff\xff"
_WIDTH = 8


def read(
    cursor: CursorWrapper, query: str, names: Sequence[str], given: dict[str, Any]
) -> dict[str, NDArray[np.float64]]:
    """The columns of a query, each cast to float8 here; a NULL raises ValueError."""
    casts = ", ".join(f"{name}::float8" for name in names)
    with cursor.copy(f"copy (select {casts} from ({query}) wanted) to stdout with (format binary)", given) as rows:
        raw = b"".join(bytes(piece) for piece in rows)
    body = raw[len(_HEAD) : -len(_TAIL)]
    layout = _layout(names)
    if raw[: len(_HEAD)] != _HEAD or len(body) % layout.itemsize:
        raise ValueError("a column holds NULL")
    table = np.frombuffer(body, dtype=layout)
    if not all((table[f"{name} width"] == _WIDTH).all() for name in names):
        raise ValueError("a column holds NULL")
    return {name: table[name].astype(np.float64) for name in names}


def write(cursor: CursorWrapper, table: str, columns: dict[str, NDArray[np.float64]]) -> int:
    """Append to a table whose columns of these names are float8. NaN and infinity go as they are. Returns the rows."""
    names = list(columns)
    count = len(columns[names[0]])
    rows = np.zeros(count, dtype=_layout(names))
    rows["fields"] = len(names)
    for name in names:
        rows[f"{name} width"] = _WIDTH
        rows[name] = columns[name]
    with cursor.copy(f"copy {table} ({', '.join(names)}) from stdin with (format binary)") as copy:
        copy.write(_HEAD + rows.tobytes() + _TAIL)
    return count


def _layout(names: Sequence[str]) -> np.dtype[Any]:
    fields = [("fields", ">i2")]
    for name in names:
        fields += [(f"{name} width", ">i4"), (name, ">f8")]
    return np.dtype(fields)
