"""A batch as a client sent it → rows to store, and a reason for each event that is refused."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from apps.activity import catalogue, personal
from apps.activity.errors import BatchMalformed, BatchTooLarge

MOST_EVENTS = 500
MOST_BYTES = 200_000
OLDEST = timedelta(days=7)  # receipts are kept longer: an event is told from its repeat, or it is refused
AHEAD = timedelta(minutes=5)  # what a phone may be wrong by without saying when it sent
LATE = timedelta(hours=1)
SKEWED = timedelta(seconds=30)  # less than this is the network's time, not the clock's

FIELDS = frozenset({"event_id", "name", "occurred_at", "properties"})
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_NIL = "00000000-0000-0000-0000-000000000000"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_UNSTORABLE_WRITTEN = re.compile(r"\\u0000|\\ud[89a-f]", re.IGNORECASE)

REASONS: dict[str, str | Promise] = {
    "not_an_event": gettext_lazy("An event has event_id, name, occurred_at and properties, and nothing else."),
    "event_id_invalid": gettext_lazy("event_id must be a UUID."),
    "event_unknown": gettext_lazy("No event has this name. The catalogue lists all; your own begin with “custom.”."),
    "event_reserved": gettext_lazy("This event is recorded by the house itself."),
    "time_invalid": gettext_lazy("occurred_at must be a time with offset, such as 2026-11-22T10:32:05+08:00."),
    "time_in_future": gettext_lazy(
        "occurred_at lies in the future. Send sent_at with the batch, then a wrong clock does no harm."
    ),
    "time_too_old": gettext_lazy("occurred_at is more than 7 days ago."),
    "properties_invalid": gettext_lazy("properties do not fit the schema of this event."),
    "personal_data": gettext_lazy("properties hold what looks like a phone, an e-mail address or an identity number."),
    "character_invalid": gettext_lazy("A text holds a character that cannot be stored."),
}
_WRONG = {
    "type": gettext_lazy("%(pointer)s has the wrong type."),
    "length": gettext_lazy("%(pointer)s is too short or too long."),
    "form": gettext_lazy("%(pointer)s has a character or form that is not allowed."),
    "range": gettext_lazy("%(pointer)s is too small or too large."),
    "not_allowed": gettext_lazy("%(pointer)s is none of the allowed values."),
    "unknown": gettext_lazy("%(pointer)s is not a field of this event."),
    "missing": gettext_lazy("%(pointer)s is missing."),
    "too_many": gettext_lazy("There are too many fields."),
}

Row = dict[str, Any]  # e: event id, n: name, o: occurred at, l: is late, p: properties
Refusal = tuple[int, str, str]  # index in the batch, code, sentence


class Refused(Exception):
    """One event is not taken; the others are."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message or str(REASONS[code])


@dataclass
class Sorted:
    """`payload` is `rows` as JSON. A repeat within the batch counts in `duplicates`."""

    rows: list[Row] = field(default_factory=list)
    duplicates: int = 0
    rejected: list[Refusal] = field(default_factory=list)
    payload: str = "[]"


def sort_out(batch: Sequence[Any], *, received_at: datetime, sent_at: Any = None) -> Sorted:
    """Raises BatchTooLarge and BatchMalformed; anything wrong with a single event refuses that event alone."""
    if len(batch) > MOST_EVENTS:
        raise _too_large()
    made, places = Sorted(), []
    seen: set[str] = set()
    skew = _skew(sent_at, received_at)
    for index, event in enumerate(batch):
        try:
            row = _row(event, received_at=received_at, skew=skew)
        except Refused as refusal:
            made.rejected.append((index, refusal.code, refusal.message))
            continue
        if row["e"] in seen:
            made.duplicates += 1
            continue
        seen.add(row["e"])
        made.rows.append(row)
        places.append(index)
    made.payload = _written(made.rows)
    if len(made.payload.encode()) > MOST_BYTES:
        raise _too_large()
    if personal.may_be_in(made.payload) or _UNSTORABLE_WRITTEN.search(made.payload):
        _look_closer(made, places)
    return made


def _row(event: Any, *, received_at: datetime, skew: timedelta | None) -> Row:
    if type(event) is not dict or not event.keys() <= FIELDS:
        raise Refused("not_an_event")
    event_id, name, properties = event.get("event_id"), event.get("name"), event.get("properties", {})
    if type(event_id) is not str or not _UUID(event_id) or event_id == _NIL:
        raise Refused("event_id_invalid")
    check = catalogue.check_of(name)
    if check is None or type(name) is not str:
        raise Refused("event_reserved" if type(name) is str and name in catalogue.BY_NAME else "event_unknown")
    occurred_at = _time(event.get("occurred_at"), skew)
    age = received_at - occurred_at
    if age < -AHEAD:
        raise Refused("time_in_future")
    if age > OLDEST:
        raise Refused("time_too_old")
    if found := check(properties):
        raise Refused("properties_invalid", str(_WRONG[found[1]]) % {"pointer": "/properties" + found[0]})
    if name.startswith(catalogue.CUSTOM) and personal.names_somebody(properties):
        raise Refused("personal_data")
    return {
        "e": event_id.lower(),
        "n": name,
        "o": min(occurred_at, received_at).isoformat(),
        "l": age > LATE,
        "p": properties,
    }


def _time(text: Any, skew: timedelta | None) -> datetime:
    """The moment by our clock."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise Refused("time_invalid")
        return moment + skew if skew else moment
    except (ValueError, TypeError, OverflowError):
        raise Refused("time_invalid") from None


def _skew(sent_at: Any, received_at: datetime) -> timedelta | None:
    """How far the sender's clock is behind ours; None for a clock that is right."""
    if sent_at is None:
        return None
    try:
        moment = sent_at if isinstance(sent_at, datetime) else datetime.fromisoformat(sent_at)
        skew = received_at - moment
    except (ValueError, TypeError, OverflowError):
        raise BatchMalformed(part="sent_at") from None
    return skew if abs(skew) > SKEWED else None


def _look_closer(made: Sorted, places: list[int]) -> None:
    """Something in the batch looks personal or cannot be stored: find the events, and keep the others."""
    kept: list[Row] = []
    for index, row in zip(places, made.rows, strict=True):
        code = _objection(row["p"])
        if code:
            made.rejected.append((index, code, str(REASONS[code])))
        else:
            kept.append(row)
    made.rows = kept
    made.rejected.sort()
    made.payload = _written(kept)


def _objection(properties: dict[str, Any]) -> str:
    if personal.found_in(properties):
        return "personal_data"
    return "character_invalid" if _holds_unstorable(properties) else ""


def _holds_unstorable(value: Any) -> bool:
    if isinstance(value, str):
        return _UNSTORABLE.search(value) is not None
    if isinstance(value, dict):
        return any(_holds_unstorable(one) for one in value.values())
    return isinstance(value, list) and any(_holds_unstorable(one) for one in value)


def _written(rows: list[Row]) -> str:
    """Unstorable characters must show as escapes, the rest as it is: patterns look for Chinese digits, too."""
    try:
        text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(rows, separators=(",", ":"))
    return text


def _too_large() -> BatchTooLarge:
    return BatchTooLarge(limit=MOST_EVENTS, limit_bytes=MOST_BYTES)
