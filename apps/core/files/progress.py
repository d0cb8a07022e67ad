"""How far the taking in of a file is, for pages and terminals."""

import time
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _


@dataclass(frozen=True)
class Progress:
    """`step` is "read", "check" or "merge"; `done` of `total` in bytes when reading, in steps or rows when checking, then in lines."""

    step: str
    done: int
    total: int
    rows: int = 0
    bad: int = 0


def in_rows(now: Progress, *, writes: bool) -> tuple[int, int]:
    """(done, total) in rows. A row counts half when it is read and half when it is written; a rehearsal only reads.

    While the file is being read its number of rows is guessed from the bytes so far.
    """
    half = 2 if writes else 1
    if now.step == "read":
        return now.rows // half, round(now.rows * now.total / now.done) if now.done else now.rows
    written = now.rows * now.done // now.total if now.step == "merge" and now.total else 0
    return (now.rows + written) // 2 if writes else now.rows, now.rows


class Voice:
    """A line every second on standard error once it takes more than three."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._begun = self._last = time.monotonic()

    def __call__(self, now: Progress) -> None:
        moment = time.monotonic()
        if moment - self._begun < 3 or (moment - self._last < 1 and now.done < now.total):
            return
        self._last = moment
        rate = f"{now.rows / max(moment - self._begun, 0.001):,.0f}/s"
        share = f"{100 * now.done / now.total:.0f} %" if now.total else ""
        bad = _("%(count)s rejected") % {"count": f"{now.bad:,}"} if now.bad else ""
        words = {"read": _("reading"), "check": _("checking"), "merge": _("writing")}
        self._stream.write(" ".join(word for word in (words[now.step], share, f"{now.rows:,}", rate, bad) if word))
