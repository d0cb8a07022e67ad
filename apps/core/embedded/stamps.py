"""Remembers which preparations were done for which inputs, so that a second start does only what changed."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path


class Stamps:
    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._kept: dict[str, str] = json.loads(path.read_text())
        except (OSError, ValueError):
            self._kept = {}

    def holds(self, name: str, value: str) -> bool:
        return self._kept.get(name) == value

    def put(self, name: str, value: str) -> None:
        self._kept[name] = value
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps(self._kept, indent=1))
        draft.replace(self.path)


def of_contents(files: Iterable[Path], *more: str) -> str:
    """Changes when a file's name or content does."""
    return _digest([(str(file), file.read_bytes()) for file in files if file.is_file()], more)


def of_dates(files: Iterable[Path], *more: str) -> str:
    """The cheaper form for many files: name, size and time of change."""
    seen = [(file, file.stat()) for file in files if file.is_file()]
    return _digest([(str(file), f"{found.st_size} {found.st_mtime_ns}".encode()) for file, found in seen], more)


def _digest(entries: list[tuple[str, bytes]], more: tuple[str, ...]) -> str:
    digest = hashlib.sha256("\0".join(more).encode())
    for name, content in sorted(entries):
        digest.update(name.encode(errors="surrogateescape") + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()
