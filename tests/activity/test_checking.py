"""Our compiled checks say what the reference implementation of JSON Schema says."""

import copy
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from jsonschema import Draft202012Validator

from apps.activity import catalogue, checking

SCHEMAS = {kind.name: kind.schema for kind in catalogue.TYPES} | {"custom.": catalogue.CUSTOM_SCHEMA}
values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False)
    | some.sampled_from(["", "P00017", "/my/", "poster", "S01", "a b", "羊毛围巾", "x" * 130, "group", "product", -1, 0, 1.0, 1.5])
    | some.text(max_size=12).filter(lambda text: not text.endswith("\n")),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


def agree(name: str, value: Any) -> None:
    theirs = Draft202012Validator(SCHEMAS[name]).is_valid(value)
    ours = checking.compiled(SCHEMAS[name])(value) is None
    assert ours == theirs, (name, value)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_a_valid_one_and_its_example_fits(name: str):
    Draft202012Validator.check_schema(SCHEMAS[name])
    if name in catalogue.BY_NAME:
        agree(name, dict(catalogue.BY_NAME[name].example))
        assert checking.compiled(SCHEMAS[name])(dict(catalogue.BY_NAME[name].example)) is None


@settings(max_examples=300, deadline=None)
@given(some.data())
def test_random_values_are_judged_alike(data: some.DataObject):
    name = data.draw(some.sampled_from(sorted(SCHEMAS)))
    known = list(SCHEMAS[name].get("properties", {"note": 1, "count_of": 1}))
    value = data.draw(
        some.dictionaries(some.sampled_from([*known, "stranger"]), values, max_size=4)
        | some.fixed_dictionaries(dict.fromkeys(SCHEMAS[name].get("required", []), values))
        | values
    )
    agree(name, value)


@pytest.mark.parametrize("name", sorted(catalogue.BY_NAME))
def test_an_example_with_one_thing_changed_is_judged_alike(name: str):
    example = dict(catalogue.BY_NAME[name].example)
    for key in example:
        for other in (None, True, 0, -1, 1.0, 1.5, 10**12, "", "x" * 200, "a b", [], {}, "P1"):
            agree(name, {**copy.deepcopy(example), key: other})
        agree(name, {one: value for one, value in example.items() if one != key})
    agree(name, {**example, "stranger": 1})


def test_what_the_standard_leaves_open_is_refused():
    number, word = checking.compiled({"type": "number"}), checking.compiled({"type": "string", "pattern": "^a$"})

    assert [number(value) for value in (math.nan, math.inf)] == [("", "type")] * 2
    assert word("a\n") == ("", "form")


@pytest.mark.parametrize(
    "schema",
    [{}, {"type": "text"}, {"type": "string", "format": "uri"}, {"type": "integer", "multipleOf": 2},
     {"type": "object", "properties": {}}, {"type": "object", "additionalProperties": True},
     {"type": ["string", "null"], "oneOf": []}],
)  # fmt: skip
def test_a_schema_that_asks_for_more_than_we_check_is_refused_at_start(schema: dict):
    with pytest.raises(ValueError, match=r"."):
        checking.compiled(schema)
