"""Closed grammars kept as JSON: builds their JSON Schemas, checks a value against one and says where it fails.

Understood: type, properties, required, additionalProperties false, minProperties, items, minItems, maxItems, uniqueItems, enum,
const, minimum, maximum, maxLength, pattern, and oneOf whose choices differ in the constant `kind`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Schema = Mapping[str, Any]
Finding = tuple[str, str]  # JSON pointer, code
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # NUL and lone surrogates: PostgreSQL keeps neither
_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
}
_WRONG_TYPE = {
    "object": "not_an_object", "array": "not_a_list", "string": "not_a_text", "integer": "not_a_whole_number",
    "boolean": "not_yes_or_no",
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
    elif _UNSTORABLE.search(value) or ("pattern" in schema and not re.search(schema["pattern"], value)):
        yield pointer, "wrong_form"


def _integer(schema: Schema, value: int, pointer: str) -> Iterator[Finding]:
    if not schema["minimum"] <= value <= schema["maximum"]:
        yield pointer, "out_of_bounds"


_INSIDE: dict[str, Callable[[Schema, Any, str], Iterator[Finding]]] = {
    "object": _object, "array": _array, "string": _string, "integer": _integer,
    "boolean": lambda _schema, _value, _pointer: iter(()),
}  # fmt: skip


def _escaped(name: str) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")


TEXTS: dict[str, Promise] = {
    "not_an_object": _("A group of fields is expected here."),
    "not_a_list": _("A list is expected here."),
    "not_a_text": _("A text is expected."),
    "not_a_whole_number": _("A whole number is expected."),
    "not_yes_or_no": _("Yes or no is expected."),
    "unknown_field": _("This field is not known."),
    "required": _("This is missing."),
    "unknown_value": _("This value is not known."),
    "wrong_count": _("Too few or too many entries."),
    "repeated": _("This stands here twice."),
    "wrong_length": _("The text is empty or too long."),
    "wrong_form": _("The text does not have the form that is expected here."),
    "out_of_bounds": _("The number is outside its limits."),
    "ends_before_start": _("The end must come after the beginning."),
    "not_a_date": _("This day or moment does not exist."),
}


def whole(most: int, least: int = 1, about: str = "") -> dict[str, Any]:
    """A whole number between both."""
    return {"type": "integer", "minimum": least, "maximum": most} | ({"description": about} if about else {})


def words(length: int, about: str) -> dict[str, Any]:
    """A list of different texts, none empty."""
    item = {"type": "string", "maxLength": length}
    return {
        "type": "array",
        "items": item,
        "minItems": 1,
        "maxItems": 500,
        "uniqueItems": True,
        "description": about,
    }


def days(most: int, about: str) -> dict[str, Any]:
    """A list of different numbers from 1."""
    return {
        "type": "array",
        "items": whole(most),
        "minItems": 1,
        "maxItems": most,
        "uniqueItems": True,
        "description": about,
    }


def group(required: list[str], about: str = "", /, **properties: Any) -> dict[str, Any]:
    """An object with these fields and no others."""
    shape = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return shape | ({"description": about} if about else {})


def kind(name: str, required: list[str], about: str = "", /, **properties: Any) -> dict[str, Any]:
    """One choice of a oneOf, told by its `kind`."""
    return group(["kind", *required], about, kind={"type": "string", "const": name}, **properties)
