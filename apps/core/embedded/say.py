"""Progress lines for the person at the keyboard."""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import NoReturn, TextIO


class Refusal(Exception):
    """The command cannot go on; the text says why and what to do."""


def prepare_streams() -> None:
    """A path in Chinese must print in a terminal that knows only ASCII, too."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]


class Voice:
    """Writes one line per step. `bin/manage` speaks on standard error, so that its output stays clean."""

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self.stream = stream
        self.quiet = quiet

    def line(self, text: str) -> None:
        if self.quiet:
            return
        try:
            self.stream.write(text + "\n")
            self.stream.flush()
        except OSError:  # whoever read our lines has left; the work goes on
            self.quiet = True

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Announce, run, and tell how long it took."""
        begun = time.monotonic()
        self.line(f"{name} ...")
        try:
            yield
        except Refusal:
            self.line(f"{name}: FAILED ({time.monotonic() - begun:.1f} s)")
            raise
        self.line(f"{name}: ready ({time.monotonic() - begun:.1f} s)")


def stop_with(text: str) -> NoReturn:
    sys.stderr.write(text + "\n")
    raise SystemExit(1)
