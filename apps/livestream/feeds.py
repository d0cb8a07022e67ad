"""The public schedule for calendars and mini-programs: nothing about members, the same bytes for everybody, a version of its own."""

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256

from django.db import connection

from apps.core import clock, ids
from apps.livestream import selectors
from apps.livestream.models import Stream

KEPT_SECONDS = 5
_known: dict[str, tuple[datetime, float, str]] = {}  # by feed: of which day, until when, what
_CRLF = "\r\n"
# One small statement tells whether anything that is shown can have changed: every change moves `changed_at`, time alone moves the day.
_NEWEST = (
    "select coalesce(max(changed_at), 'epoch'), count(*) from livestream_stream where starts_at > %s and starts_at < %s"
)


def version(*, moment: datetime, kind: str) -> str:
    """A weak name of what the feed says, for ETag; at most some seconds old where another process made the change: the answer itself
    may be kept for a minute. Changes at least once a shop day, as the span moves on."""
    day = clock.day_start(clock.local_date(moment))
    now = time.monotonic()
    of_day, until, known = _known.get(kind, (day, 0.0, ""))
    if now >= until or of_day != day:
        known = _version(day, kind)
        _known[kind] = (day, now + KEPT_SECONDS, known)
    return known


def forget() -> None:
    """Something that the feeds say is being changed here."""
    _known.clear()


def _version(day: datetime, kind: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [day - selectors.SHOWN_BACK, day + selectors.SHOWN_AHEAD])
        newest, count = cursor.fetchone()
    return sha256(f"{kind}:{day:%Y%m%d}:{newest.isoformat()}:{count}".encode()).hexdigest()[:20]


def as_json(*, moment: datetime) -> str:
    day = clock.day_start(clock.local_date(moment))
    rows = [
        {
            "id": ids.encode("liv", row.pk),
            "title": row.title,
            "state": row.state,
            "starts_at": _iso(row.starts_at),
            "ends_at": _iso(row.ends_at),
            "host": row.host.name,
            "room": row.room.name,
            "platform": row.room.platform.key,
            "url": row.room.url,
        }
        for row in selectors.schedule(moment=day)
    ]
    return json.dumps({"streams": rows}, ensure_ascii=False, separators=(",", ":"))


def as_ics(*, moment: datetime, name: str, only: int | None = None) -> str:
    """RFC 5545. `only`: one stream, for a calendar file. What was called off stands as such, so that calendars take it out."""
    day = clock.day_start(clock.local_date(moment))
    start, end = day - selectors.SHOWN_BACK, day + selectors.SHOWN_AHEAD
    rows = selectors.between(start=start, end=end)
    shown = rows.filter(pk=only) if only is not None else rows
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Siyu//Live streams//ZH", f"X-WR-CALNAME:{_text(name)}"]
    for row in shown:
        lines += _event(row)
    return _CRLF.join(line for whole in [*lines, "END:VCALENDAR"] for line in _folded(whole)) + _CRLF


def _event(row: Stream) -> list[str]:
    gone = row.state in (Stream.State.CANCELLED, Stream.State.EXPIRED)
    about = f"{row.room.platform.name} · {row.room.name} · {row.host.name}"
    lines = [
        "BEGIN:VEVENT", f"UID:live-{row.pk}@siyu", f"SEQUENCE:{row.revision}", f"DTSTAMP:{_stamp(row.changed_at)}",
        f"DTSTART:{_stamp(row.starts_at)}", f"DTEND:{_stamp(row.ends_at)}", f"SUMMARY:{_text(row.title)}",
        f"DESCRIPTION:{_text(about)}", f"STATUS:{'CANCELLED' if gone else 'CONFIRMED'}",
    ]  # fmt: skip
    return [*lines, *([f"URL:{row.room.url}"] if row.room.url else []), "END:VEVENT"]


def _text(words: str) -> str:
    for mark, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r", ""), ("\n", "\\n")):
        words = words.replace(mark, escaped)
    return words


def _folded(line: str) -> Iterable[str]:
    """Lines of at most 75 bytes; the rest goes on behind a space, no character cut apart."""
    part, size = "", 0
    for letter in line:
        width = len(letter.encode())
        if size + width > 74:
            yield part
            part, size = " ", 1
        part, size = part + letter, size + width
    yield part


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _iso(moment: datetime) -> str:
    return clock.local(moment).isoformat(timespec="seconds")
