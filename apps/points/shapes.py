"""Checks a JSON value against the part of JSON Schema that the grammar of rules needs, and says where it fails.

Understood: type, properties, required, additionalProperties false, minProperties, items, minItems, maxItems, uniqueItems, enum,
const, minimum, maximum, maxLength, pattern, and oneOf whose choices differ in the constant `kind`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
Finding = tuple[str, str]  # JSON pointer, code
_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
}
_WRONG_TYPE = {
    "object": "not_an_object", "array": "not_a_list", "string": "not_a_text", "integer": "not_a_whole_number",
}  # fmt: skip


def findings(schema: Schema, value: Any, pointer: str = "") -> Iterator[Finding]:
    """Everything that is wrong, in the order of the schema; nothing for a value that fits."""
    if "oneOf" in schema:
        yield from _choice(schema["oneOf"], value, pointer)
    elif not _TYPES[schema["type"]](value):
        yield pointer, _WRONG_TYPE[schema["type"]]
    else:
        yield from _INSIDE[schema["type"]](schema, value, pointer)


def _choice(choices: list[Schema], value: Any, pointer: str) -> Iterator[Finding]:
    if not isinstance(value, dict):
        yield pointer, "not_an_object"
    elif "kind" not in value:
        yield f"{pointer}/kind", "required"
    else:
        fitting = [one for one in choices if one["properties"]["kind"]["const"] == value["kind"]]
        if fitting:
            yield from findings(fitting[0], value, pointer)
        else:
            yield f"{pointer}/kind", "unknown_value"


def _object(schema: Schema, value: dict[str, Any], pointer: str) -> Iterator[Finding]:
    known = schema.get("properties", {})
    if schema.get("additionalProperties") is False:
        for name in sorted(value.keys() - known.keys()):
            yield f"{pointer}/{_escaped(name)}", "unknown_field"
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{pointer}/{name}", "required"
    if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", len(value)):
        yield pointer, "wrong_count"
    for name, part in known.items():
        if name in value:
            yield from findings(part, value[name], f"{pointer}/{name}")


def _array(schema: Schema, value: list[Any], pointer: str) -> Iterator[Finding]:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield pointer, "wrong_count"
    for number, item in enumerate(value):
        yield from findings(schema["items"], item, f"{pointer}/{number}")
        if schema.get("uniqueItems") and item in value[:number]:
            yield f"{pointer}/{number}", "repeated"


def _string(schema: Schema, value: str, pointer: str) -> Iterator[Finding]:
    if "const" in schema:
        if value != schema["const"]:
            yield pointer, "unknown_value"
    elif "enum" in schema:
        if value not in schema["enum"]:
            yield pointer, "unknown_value"
    elif not 0 < len(value) <= schema.get("maxLength", 100):
        yield pointer, "wrong_length"
    elif "pattern" in schema and not re.search(schema["pattern"], value):
        yield pointer, "wrong_form"


def _integer(schema: Schema, value: int, pointer: str) -> Iterator[Finding]:
    if not schema["minimum"] <= value <= schema["maximum"]:
        yield pointer, "out_of_bounds"


_INSIDE: dict[str, Callable[[Schema, Any, str], Iterator[Finding]]] = {
    "object": _object, "array": _array, "string": _string, "integer": _integer,
}  # fmt: skip


def _escaped(name: str) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")
