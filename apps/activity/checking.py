"""JSON Schema compiled to plain functions: a closed subset of draft 2020-12, refused at start when a schema asks for more.

Integers are whole numbers (1.0 too), numbers are finite, a pattern's `$` is the very end of the text. Otherwise as the standard says.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

Found = tuple[str, str]  # JSON pointer within the value, and what is wrong
Check = Callable[[Any], Found | None]

_NOTES = {"title", "description", "examples"}
_TYPED = {
    "string": {"minLength", "maxLength", "pattern"},
    "integer": {"minimum", "maximum"},
    "number": {"minimum", "maximum"},
    "boolean": set[str](),
    "null": set[str](),
    "array": {"items", "maxItems"},
    "object": {"properties", "required", "additionalProperties", "propertyNames", "maxProperties"},
}


def compiled(schema: Mapping[str, Any]) -> Check:
    """The check for one schema. Raises ValueError for a keyword outside the subset."""
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return _any_of(kinds, schema)
    if kinds not in _TYPED:
        raise ValueError(f"a type is needed, not {kinds!r}")
    unknown = schema.keys() - _TYPED[kinds] - _NOTES - {"type", "enum"}
    if unknown:
        raise ValueError(f"{kinds} knows no {', '.join(sorted(unknown))}")
    check = _BUILT[kinds](schema)
    return _among(tuple(schema["enum"]), check) if "enum" in schema else check


def _any_of(kinds: list[str], schema: Mapping[str, Any]) -> Check:
    """Several types: each keyword bears on the types it speaks of."""
    checks = tuple(
        compiled({"type": kind, **{word: schema[word] for word in _TYPED[kind] if word in schema}}) for kind in kinds
    )
    known = set().union(*(_TYPED[kind] for kind in kinds)) | _NOTES | {"type"}
    if schema.keys() - known:
        raise ValueError(f"{kinds} know no {', '.join(sorted(schema.keys() - known))}")

    def check(value: Any) -> Found | None:
        best: Found | None = None
        for one in checks:
            found = one(value)
            if found is None:
                return None
            if found[1] != "type":
                best = found
        return best or ("", "type")

    return check


def _among(allowed: tuple[Any, ...], inner: Check) -> Check:
    def check(value: Any) -> Found | None:
        return inner(value) or (None if value in allowed else ("", "not_allowed"))

    return check


def _string(schema: Mapping[str, Any]) -> Check:
    least, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
    text = schema.get("pattern")
    search = re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", text)).search if text else None

    def check(value: Any) -> Found | None:
        if type(value) is not str:
            return "", "type"
        if not least <= len(value) <= most:
            return "", "length"
        if search and not search(value):
            return "", "form"
        return None

    return check


def _number(schema: Mapping[str, Any], *, whole: bool = False) -> Check:
    least, most = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)

    def check(value: Any) -> Found | None:
        kind = type(value)
        if kind is float:
            if not math.isfinite(value) or (whole and not value.is_integer()):
                return "", "type"
        elif kind is not int:
            return "", "type"
        return None if least <= value <= most else ("", "range")

    return check


def _integer(schema: Mapping[str, Any]) -> Check:
    return _number(schema, whole=True)


def _boolean(schema: Mapping[str, Any]) -> Check:
    return lambda value: None if type(value) is bool else ("", "type")


def _null(schema: Mapping[str, Any]) -> Check:
    return lambda value: None if value is None else ("", "type")


def _array(schema: Mapping[str, Any]) -> Check:
    most = schema.get("maxItems", math.inf)
    item = compiled(schema["items"]) if "items" in schema else lambda value: None

    def check(value: Any) -> Found | None:
        if type(value) is not list:
            return "", "type"
        if len(value) > most:
            return "", "length"
        for place, one in enumerate(value):
            if found := item(one):
                return f"/{place}{found[0]}", found[1]
        return None

    return check


def _object(schema: Mapping[str, Any]) -> Check:
    """Unknown fields are refused unless `additionalProperties` is a schema; so is a schema that says neither."""
    tests = {name: compiled(inner) for name, inner in schema.get("properties", {}).items()}
    required = frozenset(schema.get("required", ()))
    rest = schema.get("additionalProperties")
    if rest is None or rest is True:
        raise ValueError("objects are closed: additionalProperties is false or a schema")
    other = compiled(rest) if rest else None
    named = compiled({"type": "string", **schema["propertyNames"]}) if "propertyNames" in schema else None
    most = schema.get("maxProperties", math.inf)

    def check(value: Any) -> Found | None:
        if type(value) is not dict:
            return "", "type"
        for name, one in value.items():
            test = tests.get(name) or other
            if test is None or (named and named(name)):
                return f"/{name[:40]}", "unknown"
            if found := test(one):
                return f"/{name[:40]}{found[0]}", found[1]
        if len(value) > most:
            return "", "too_many"
        for name in required:
            if name not in value:
                return f"/{name}", "missing"
        return None

    return check


_BUILT: dict[str, Callable[[Mapping[str, Any]], Check]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "null": _null,
    "array": _array,
    "object": _object,
}
