"""The grammar as JSON Schema (draft 2020-12): published as docs/segment-rule.schema.json, a test keeps them equal.

It says the shape; whether a tag, an attribute or a segment of that name exists only the compiler knows.
"""

from typing import Any

from apps.segments.language.columns import BIGGEST, MOST_VALUES, OPS
from apps.segments.language.compiling import DEEPEST, MOST_RULES
from apps.segments.language.fields import FIELDS, Field
from apps.segments.language.windows import MOST_DAYS

_WORDS = {"type": "array", "items": {"type": "string", "maxLength": 80}, "minItems": 1, "maxItems": MOST_VALUES}
_WHOLE = {"type": "integer", "minimum": -BIGGEST, "maximum": BIGGEST}
_NUMBER = {"type": "number", "minimum": -BIGGEST, "maximum": BIGGEST}
_FLAG = {"type": "boolean"}
_DAYS = {"type": "integer", "minimum": 1, "maximum": MOST_DAYS}
_MOMENT = {"type": "string", "description": "a shop day, or a moment; without an offset shop time"}
_WINDOW: dict[str, Any] = {
    "oneOf": [
        {"type": "object", "additionalProperties": False, "required": ["last_days"],
         "properties": {"last_days": _DAYS, "counted": {"enum": ["days", "hours"]}}},
        {"type": "object", "additionalProperties": False, "required": ["next_days"], "properties": {"next_days": _DAYS}},
        {"type": "object", "additionalProperties": False, "required": ["days_ago"],
         "properties": {"days_ago": {"type": "array", "minItems": 2, "maxItems": 2, "items": _DAYS | {"minimum": 0}}}},
        {"type": "object", "additionalProperties": False, "minProperties": 1, "properties": {"from": _MOMENT, "to": _MOMENT}},
    ]
}  # fmt: skip
_PROPERTIES = {"type": "object", "additionalProperties": _WORDS}


def published() -> dict[str, Any]:
    """The whole document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rule of a segment",
        "description": f"{{}} is everybody. At most {MOST_RULES} parts, {DEEPEST} deep. Meaning: docs/segments.md",
        "anyOf": [{"type": "object", "maxProperties": 0}, {"$ref": "#/$defs/rule"}],
        "$defs": {
            "window": _WINDOW,
            "rule": {
                "anyOf": [
                    _group("all"),
                    _group("any"),
                    {
                        "type": "object", "additionalProperties": False, "required": ["not"],
                        "properties": {"not": {"$ref": "#/$defs/rule"}},
                    },
                    *(_leaf(name, field, type_) for name, field in FIELDS.items() for type_ in _types(name, field)),
                ]
            },
        },
    }  # fmt: skip


def _group(word: str) -> dict[str, Any]:
    rules = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/rule"}}
    return {"type": "object", "additionalProperties": False, "required": [word], "properties": {word: rules}}


def _types(name: str, field: Field) -> tuple[str, ...]:
    """A member field and a trait are compared by their own type."""
    return (field.type,) if field.type else ("choice", "decimal", "date", "tags" if name == "trait" else "answer")


def _leaf(name: str, field: Field, type_: str) -> dict[str, Any]:
    """One object a field; its value by the comparison."""
    properties: dict[str, Any] = {"field": {"const": name}, "op": {"enum": list(OPS[type_])}, "value": {}}
    required = ["field", "op", "value"]
    if field.has_key:
        properties["key"] = {"type": "string", "maxLength": 80}
        required.append("key")
    if field.has_window:
        properties["within"] = {"$ref": "#/$defs/window"}
    if field.where:
        parts = {
            part: _PROPERTIES if part == "properties" else _WHOLE if part == "at_least_cents" else _WORDS
            for part in field.where
        }
        properties["where"] = {"type": "object", "additionalProperties": False, "properties": parts}
    return {
        "title": str(name),
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
        "anyOf": [
            {"properties": {"op": {"const": op}, "value": _value(type_, op)}} for op in OPS[type_]
        ],
    }  # fmt: skip


def _value(type_: str, op: str) -> dict[str, Any]:
    number = _NUMBER if type_ == "decimal" else _WHOLE
    if op == "between":
        return {"type": "array", "minItems": 2, "maxItems": 2, "items": number}
    if op in {"gte", "lte"}:
        return number
    if op == "within":
        return {"$ref": "#/$defs/window"}
    return _FLAG if op in {"is", "known"} else _WORDS
