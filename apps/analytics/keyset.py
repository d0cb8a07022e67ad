"""Pages of long lists: no OFFSET, no total. A cursor is the sort key of a row; each page knows the way on and the way back."""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

SIZE = 50


@dataclass(frozen=True)
class Cursor:
    """Rows on the far side of `key`: after it in list order, or before it."""

    key: tuple[Any, ...]
    is_back: bool = False


@dataclass(frozen=True)
class Page:
    """`older` and `newer` are cursor texts for links, empty at the ends."""

    rows: tuple[Any, ...]
    older: str = ""
    newer: str = ""


def read(text: str, *, kinds: Sequence[type]) -> Cursor | None:
    """The cursor a link carried; None for an empty or broken one (the list then begins at its top)."""
    try:
        side, *parts = json.loads(urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
        if len(parts) != len(kinds):
            return None
        key = tuple(_value(part, kind) for part, kind in zip(parts, kinds, strict=True))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return None
    return Cursor(key=key, is_back=side == "b")


def write(key: Sequence[Any], *, is_back: bool = False) -> str:
    parts = [part.isoformat() if isinstance(part, datetime) else part for part in key]
    packed = json.dumps(["b" if is_back else "f", *parts], separators=(",", ":"))
    return urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def where(columns: str, *, cursor: Cursor | None) -> tuple[str, list[Any]]:
    """The condition for a newest-first list over `columns` ("o.paid_at, o.id"), and its parameters."""
    if cursor is None:
        return "true", []
    marks = ", ".join(["%s"] * len(cursor.key))
    return f"({columns}) {'>' if cursor.is_back else '<'} ({marks})", list(cursor.key)


def order(columns: str, *, cursor: Cursor | None) -> str:
    way = "asc" if cursor and cursor.is_back else "desc"
    return ", ".join(f"{column.strip()} {way}" for column in columns.split(","))


def page(found: Sequence[Mapping[str, Any]], *, cursor: Cursor | None, key: Sequence[str], size: int = SIZE) -> Page:
    """Cut `size` + 1 rows read in cursor direction into a page, newest first again."""
    more, back = len(found) > size, cursor is not None and cursor.is_back
    rows = found[:size][::-1] if back else found[:size]
    if not rows:
        return Page(rows=())
    has_older = more if not back else True
    has_newer = more if back else cursor is not None
    first, last = ([row[name] for name in key] for row in (rows[0], rows[-1]))
    return Page(
        rows=tuple(rows),
        older=write(last) if has_older else "",
        newer=write(first, is_back=True) if has_newer else "",
    )


def _value(part: Any, kind: type) -> Any:
    if kind is datetime:
        moment = datetime.fromisoformat(part)
        if moment.tzinfo is None:
            raise ValueError("cursor times are aware")
        return moment
    if not isinstance(part, kind) or isinstance(part, bool):
        raise TypeError("cursor of another list")
    if isinstance(part, int) and not -(2**63) <= part < 2**63:
        raise ValueError("no such key")
    return part
