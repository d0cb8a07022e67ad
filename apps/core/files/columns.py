"""Where the columns of a file stand, by the names in its header."""

from collections.abc import Collection, Sequence

from apps.core.files.errors import ColumnsMissing, ColumnTwice, FileEmpty


def place(
    header: Sequence[str], *, columns: Collection[str], required: Sequence[str]
) -> tuple[dict[str, int], list[str]]:
    """Where each known column stands, and the names we do not know. Raises FileEmpty, ColumnTwice, ColumnsMissing."""
    names = [name.strip().strip("\ufeff").strip().lower() for name in header]
    if not any(names):
        raise FileEmpty
    placed: dict[str, int] = {}
    for position, name in enumerate(names):
        if name in columns and placed.setdefault(name, position) != position:
            raise ColumnTwice(column=name)
    missing = [name for name in required if name not in placed]
    if missing:
        found = ", ".join(name[:30] for name in names[:20] if name)
        raise ColumnsMissing(missing=", ".join(missing), found=found or "–")
    return placed, [name[:60] for name in names if name and name not in columns]
