"""The simple audience builder: a handful of fields that all must hold, to and from care's rule JSON."""

from collections.abc import Mapping
from typing import Any

# form field → leaf without its value
LISTS: dict[str, dict[str, str]] = {
    "stages": {"field": "stage", "op": "in"},
    "cells": {"field": "cell", "op": "in"},
    "genders": {"field": "gender", "op": "in"},
    "stores": {"field": "home_store", "op": "in"},
    "tags_any": {"field": "tags", "op": "any_of"},
    "tags_none": {"field": "tags", "op": "none_of"},
}
NUMBERS: dict[str, dict[str, str]] = {
    "orders_least": {"field": "orders", "op": "gte"},
    "orders_most": {"field": "orders", "op": "lte"},
    "net_least": {"field": "net_cents", "op": "gte"},
}


def rule(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The rule of what was chosen; nothing chosen is everybody."""
    leaves: list[dict[str, Any]] = [
        leaf | {"value": list(chosen[name])} for name, leaf in LISTS.items() if chosen.get(name)
    ]
    leaves += [leaf | {"value": chosen[name]} for name, leaf in NUMBERS.items() if chosen.get(name) is not None]
    return {"all": leaves} if leaves else {}


def chosen(rule_: Any) -> dict[str, Any] | None:
    """The builder's fields for a rule, or None for a rule that needs the JSON editor."""
    if rule_ == {}:
        return {}
    if not isinstance(rule_, dict) or set(rule_) != {"all"} or not isinstance(rule_["all"], list):
        return None
    found: dict[str, Any] = {}
    known = {tuple(leaf.items()): name for name, leaf in (LISTS | NUMBERS).items()}
    for leaf in rule_["all"]:
        if not isinstance(leaf, dict) or set(leaf) != {"field", "op", "value"}:
            return None
        name = known.get((("field", leaf["field"]), ("op", leaf["op"])))
        if name is None or name in found:
            return None
        found[name] = leaf["value"]
    return found
