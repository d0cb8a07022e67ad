"""Definitions of computed traits and scores: the closed grammar, its published schema (docs/trait.schema.json), what it makes.

A trait takes one figure out of kept orders, their lines, or behaviour; a score adds points for what happened (docs/traits.md).
"""

from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.activity import catalogue
from apps.core import shapes
from apps.core.errors import ValidationFailed

MOST_DAYS = 3650  # as in windows of rules
MOST_WORDS, MOST_ENTRIES, MOST_POINTS = 10, 20, 10_000
ORDER = "order"  # in place of an event's name: a kept order

# What can be taken of each row: number, text or date.
COLUMNS = {
    "orders": {"net_cents": "number", "store": "text", "channel": "text", "paid_at": "date"},
    "lines": {
        "quantity": "number", "cents": "number", "product": "text", "category": "text", "brand": "text", "store": "text",
        "channel": "text", "paid_at": "date",
    },
    "events": {"occurred_at": "date"},
}  # fmt: skip
PROPERTY = "property:"
WHERE = {
    "orders": ("stores", "channels", "at_least_cents"),
    "lines": ("products", "categories", "brands", "stores", "channels"),
    "events": (),
}
_NUMBERS, _ANY = ("number",), ("number", "text", "date")
TAKES = {
    "sum": _NUMBERS, "avg": _NUMBERS, "min": ("number", "date"), "max": ("number", "date"), "first": _ANY, "last": _ANY,
    "top": ("text",),
}  # fmt: skip

_WINDOW = shapes.group(
    ["last_days"],
    "today and the N - 1 shop days before it; counted in hours: the N × 24 hours up to now",
    last_days=shapes.whole(MOST_DAYS),
    counted={"type": "string", "enum": ["days", "hours"]},
)
_PROPERTIES = {
    "type": "array", "minItems": 1, "maxItems": 10,
    "items": shapes.group(["name", "values"], name={"type": "string", "maxLength": 80}, values=shapes.words(80, "one of these")),
}  # fmt: skip
_EVENT = {"type": "string", "maxLength": 80}
_COMMON: dict[str, Any] = {
    "over": {"type": "string", "enum": list(COLUMNS)},
    "event": _EVENT,
    "properties": _PROPERTIES,
    "within": _WINDOW,
    "where": shapes.group(
        [],
        "",
        **{name: shapes.words(80, "any of these") for name in WHERE["lines"]},
        at_least_cents=shapes.whole(10**12, 0),
    ),
}
_OF: dict[str, Any] = {"of": {"type": "string", "maxLength": 90}}
_ENTRY = shapes.group(
    ["event", "points"],
    event=_EVENT,
    properties=_PROPERTIES,
    points=shapes.whole(MOST_POINTS, -MOST_POINTS),
    most_a_day=shapes.whole(10_000),
)
DEFINITION = {
    "oneOf": [
        shapes.kind("count", ["over"], "how many", **_COMMON),
        *(shapes.kind(take, ["over", "of"], "", **_COMMON, **_OF) for take in TAKES if take != "top"),
        shapes.kind("top", ["over", "of", "n"], "the most frequent words", **_COMMON, **_OF, n=shapes.whole(MOST_WORDS)),
        shapes.kind(
            "score", ["entries", "days"], "points for what happened, with a half-life",
            entries={"type": "array", "items": _ENTRY, "minItems": 1, "maxItems": MOST_ENTRIES},
            days=shapes.whole(MOST_DAYS, 1, "shop days looked back on"),
            half_life_days=shapes.whole(MOST_DAYS),
            cap=shapes.whole(10**9, -(10**9)),
            floor=shapes.whole(10**9, -(10**9)),
        ),
    ]
}  # fmt: skip
_TEXTS = shapes.TEXTS | {
    "not_of_these": _("This cannot be asked of what the trait goes over."),
    "not_to_be_taken": _("This kind of figure cannot be made of that column."),
    "unknown_event": _("No event has this name."),
    "cap_below_floor": _("The cap must not be below the floor."),
}


def published() -> dict[str, Any]:
    """The whole document."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Definition of a computed trait"}
    return head | {"description": "Meaning: docs/traits.md"} | DEFINITION


def check(definition: Any) -> str:
    """The type of `models.Trait.Type` that it makes. Raises ValidationFailed."""
    found = list(shapes.findings(DEFINITION, definition)) or list(_meaning(definition))
    if found:
        raise ValidationFailed(
            errors=[{"pointer": at, "code": code, "message": str(_TEXTS[code])} for at, code in found]
        )
    if definition["kind"] in {"count", "score"}:
        return "number"
    return "words" if definition["kind"] == "top" else column_type(definition)


def column_type(definition: dict[str, Any]) -> str:
    """Of the column that the figure is taken of; "" where there is none of that name.

    A property of an event is a number where a figure is counted out of it, else a text.
    """
    of = definition["of"]
    if definition["over"] == "events" and of.startswith(PROPERTY):
        return "number" if definition["kind"] in {"sum", "avg", "min", "max"} else "text"
    return COLUMNS[definition["over"]].get(of, "")


def moves(definition: dict[str, Any]) -> str:
    """Whether time alone changes it, as segments say it."""
    if definition["kind"] == "score":
        return "days"
    window = definition.get("within")
    return "" if not window else "hours" if window.get("counted") == "hours" else "days"


def nothing(definition: dict[str, Any]) -> float | None:
    """What it is of a member of whom there is nothing."""
    if definition["kind"] == "score":
        return clamped(0, definition)
    return 0 if definition["kind"] in {"count", "sum"} else None


def clamped(points: float, definition: dict[str, Any]) -> float:
    at_least = max(points, definition["floor"]) if "floor" in definition else points
    return min(at_least, definition["cap"]) if "cap" in definition else at_least


def _meaning(definition: dict[str, Any]) -> list[tuple[str, str]]:
    if definition["kind"] == "score":
        found = [
            (f"/entries/{n}/event", "unknown_event") for n, entry in enumerate(definition["entries"])
            if entry["event"] != ORDER and not is_event(entry["event"])
        ]  # fmt: skip
        found += [
            (f"/entries/{n}/properties", "not_of_these") for n, entry in enumerate(definition["entries"])
            if entry["event"] == ORDER and "properties" in entry
        ]  # fmt: skip
        upside_down = {"cap", "floor"} <= definition.keys() and definition["cap"] < definition["floor"]
        return found + ([("/cap", "cap_below_floor")] if upside_down else [])
    return [*_source(definition), *_taken(definition)]


def _source(definition: dict[str, Any]) -> list[tuple[str, str]]:
    over = definition["over"]
    foreign = set(definition.get("where", {})) - set(WHERE[over])
    found = [(f"/where/{name}", "not_of_these") for name in sorted(foreign)]
    if over != "events":
        return found + [(f"/{name}", "not_of_these") for name in ("event", "properties") if name in definition]
    return found + ([] if is_event(definition.get("event", "")) else [("/event", "unknown_event")])


def _taken(definition: dict[str, Any]) -> list[tuple[str, str]]:
    if definition["kind"] == "count":
        return []
    type_ = column_type(definition)
    if not type_ or definition["of"] == PROPERTY:
        return [("/of", "unknown_value")]
    return [] if type_ in TAKES[definition["kind"]] else [("/of", "not_to_be_taken")]


def is_event(name: str) -> bool:
    return name in catalogue.BY_NAME or catalogue.check_of(name) is not None
