"""The editor of a segment's rule: from the posted form to the rule, and from the rule to rows of the form.

The whole rule travels as JSON in a hidden field; the controls of each condition carry its place ("n3" is the fourth part in reading
order). What was typed and makes no sense stays in the rule as it was typed, so that nothing is lost and the check can name it.
"""

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from apps.catalog.models import Category
from apps.console import segment_words as words
from apps.coupons.models import Template
from apps.members.models import Attribute, Tag
from apps.segments.language import FIELDS, BadRule
from apps.segments.language.columns import OPS
from apps.segments.models import Trait

EMPTY: dict[str, Any] = {"all": []}
_SPLIT = re.compile(r"[,，、;；\n]+")
_GROUPS = ("all", "any", "not")
WINDOWS = ("last_days", "last_hours", "days_ago", "next_days", "between")
_PLAIN: dict[str, Any] = {"within": {"last_days": 30}, "known": True, "is": True, "gte": 1, "lte": 1, "between": [1, 2]}


@dataclass
class Row:
    """One part of the rule as the template shows it: a group with `parts`, or a condition with its controls."""

    place: str
    pointer: str
    kind: str
    parts: list["Row"] = field(default_factory=list)
    rule: dict[str, Any] = field(default_factory=dict)
    fields: list[tuple[str, list[tuple[str, str, bool]]]] = field(default_factory=list)
    keys: list[tuple[str, str, bool]] = field(default_factory=list)
    key_text: str = ""
    ops: list[tuple[str, str, bool]] = field(default_factory=list)
    type: str = ""
    choices: list[tuple[str, str, bool]] = field(default_factory=list)
    chosen: str = ""
    first: str = ""
    second: str = ""
    unit: str = ""
    span: "WindowRow | None" = None  # the stretch a moment lies in
    window: "WindowRow | None" = None  # … that is counted
    where: list[tuple[str, str, str]] = field(default_factory=list)
    error: str = ""
    count: int | None = None


@dataclass
class WindowRow:
    kinds: list[tuple[str, str, bool]]
    kind: str
    first: str
    second: str


class Words:
    """Everything of the brand that the controls offer, read once."""

    def __init__(self) -> None:
        self.names = words.Names()
        self.attributes = dict(Attribute.objects.filter(retired_at=None).values_list("key", "label"))
        self.types = dict(Attribute.objects.values_list("key", "type"))
        self.lists: dict[str, list[str]] = {}

    def choices(self, rule: dict[str, Any], type_: str) -> list[tuple[str, str]] | None:
        """What can be chosen; None where words are typed."""
        name = rule["field"]
        if name == "track_step":
            track = self.names.tracks.get(rule.get("key", ""))
            return [(step["key"], self.names.of(name, step["key"])) for step in track.steps] if track else []
        if name == "trait":
            return None
        if type_ == "tags":
            return [(tag, tag) for tag in self._list("tags", Tag, "name")]
        if name == "attribute":
            listed = Attribute.objects.filter(key=rule.get("key")).values_list("choices", flat=True).first() or []
            return [(str(one), str(one)) for one in listed] + [("", _("not known"))] if listed else None
        known: dict[str, Any] = {
            "segment": self.names.segments, "tier": self.names.tiers, "home_store": self.names.stores, "top_store": self.names.stores,
        }  # fmt: skip
        if name == "top_category":
            return [(one, one) for one in self._list("categories", Category, "name")]
        found = known.get(name) or FIELDS[name].labels
        if found is None:
            return None
        unknown = [("", _("not known"))] if name in {"home_store", "top_store"} else []
        return [(str(code), self.names.of(name, code)) for code in found] + unknown

    def suggestions(self) -> dict[str, list[str]]:
        return {
            "stores": list(self.names.stores), "categories": self._list("categories", Category, "name"),
            "templates": self._list("templates", Template, "key"),
            **{name: [str(label) for label in labels.values()] for name, labels in words.coded().items()},
        }  # fmt: skip

    def _list(self, name: str, model: Any, column: str) -> list[str]:
        if name not in self.lists:
            self.lists[name] = list(model.objects.order_by(column).values_list(column, flat=True)[:300])
        return self.lists[name]


def posted(data: QueryDict) -> dict[str, Any]:
    """The rule of the form, with its controls taken in and the pressed button's act done."""
    rule = _read(data.get("rule", ""))
    for place, part in list(_walk(rule)):
        if "field" in part:
            _take(part, place, data)
    act, _colon, place = data.get("act", "").partition(":")
    return _done(rule, act, place)


def pruned(rule: dict[str, Any]) -> dict[str, Any]:
    """Without groups that hold nothing: what is compiled and saved; `{}` is everybody."""
    return _pruned(rule) or {}


def rows(rule: dict[str, Any], brand: Words, wrong: BadRule | None = None, counts: dict[str, int] | None = None) -> Row:
    """The rule as the template shows it. Pointers are those of the pruned rule."""
    places = {id(part): place for place, part in _walk(rule)}
    return _row(rule, "", places, brand, wrong, counts or {})


def _read(text: str) -> dict[str, Any]:
    try:
        return normal(json.loads(text) if len(text) < 100_000 else {})
    except ValueError:
        return {"all": []}


def normal(rule: Any) -> dict[str, Any]:
    """A rule as the editor holds it: a copy, with a group outside."""
    rule = copy.deepcopy(rule)
    if not isinstance(rule, dict) or not rule:
        return {"all": []}
    return rule if set(rule) <= {"all", "any"} else {"all": [rule]}


def _walk(rule: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Parts with their places, in reading order. Nothing odd gets further: a part that is none is left out."""
    number = 0
    waiting = [rule]
    while waiting:
        part = waiting.pop(0)
        if not isinstance(part, dict) or number > 300:
            continue
        yield f"n{number}", part
        number += 1
        waiting = [*_parts(part), *waiting]


def _parts(part: dict[str, Any]) -> list[Any]:
    for word in ("all", "any"):
        if isinstance(part.get(word), list):
            return list(part[word])
    if "not" in part:
        inner = part["not"]
        return list(inner["any"]) if isinstance(inner, dict) and isinstance(inner.get("any"), list) else [inner]
    return []


def _set_parts(part: dict[str, Any], parts: list[Any]) -> None:
    word = next((word for word in ("all", "any") if word in part), "")
    if word:
        part[word] = parts
    else:
        part["not"] = {"any": parts}


def _done(rule: dict[str, Any], act: str, place: str) -> dict[str, Any]:
    found = dict(_walk(rule))
    part = found.get(place)
    if part is None or act not in {"add", "group", "except", "drop", "join"}:
        return rule
    if act == "drop":
        for other in found.values():
            if any(one is part for one in _parts(other)):
                _set_parts(other, [one for one in _parts(other) if one is not part])
    elif act == "join" and set(part) & {"all", "any"}:
        word = "all" if "all" in part else "any"
        part["any" if word == "all" else "all"] = part.pop(word)
    elif act in {"add", "group", "except"} and "field" not in part:
        fresh: dict[str, Any] = {"field": "stage", "op": "in", "value": ["active"]}
        made: dict[str, dict[str, Any]] = {"add": fresh, "group": {"any": [fresh]}, "except": {"not": {"any": [fresh]}}}
        _set_parts(part, [*_parts(part), made[act]])
    return rule


def _take(part: dict[str, Any], place: str, data: QueryDict) -> None:
    """The controls of one condition into its rule. Another field, key or comparison begins with a plain value."""
    name = data.get(f"{place}.field", part["field"])
    if name not in FIELDS:
        return
    if name != part.get("field"):
        part.clear()
        part |= _fresh(name)
        return
    asked = FIELDS[name]
    was = (part.get("key"), part.get("op"))
    if asked.has_key and f"{place}.key" in data:
        part["key"] = data.get(f"{place}.key", "").strip()
    type_ = _type(part)
    part["op"] = data.get(f"{place}.op", part.get("op"))
    if part["op"] not in OPS[type_]:
        part["op"] = next(iter(OPS[type_]))
    if was != (part.get("key"), part["op"]):
        part["value"] = _plain(type_, part["op"])
    elif f"{place}.has" in data:
        part["value"] = _value(part, type_, place, data)
    if f"{place}.has" in data:
        _take_narrowing(part, place, data)


def _take_narrowing(part: dict[str, Any], place: str, data: QueryDict) -> None:
    """The stretch of time that is counted, and which orders, goods or coupons; properties of events stay as they are."""
    asked = FIELDS[part["field"]]
    window = _window(f"{place}.w", data) if asked.has_window else None
    part |= {"within": window} if window else {}
    if not window:
        part.pop("within", None)
    given = {
        name: _narrowed(name, data.get(f"{place}.where.{name}", "")) for name in asked.where if name in words.WHERE
    }
    where = {name: value for name, value in given.items() if value not in ("", [])}
    if where:
        part["where"] = where
    elif "properties" not in part.get("where", {}):
        part.pop("where", None)


def _fresh(name: str) -> dict[str, Any]:
    asked = FIELDS[name]
    part: dict[str, Any] = {"field": name}
    if asked.has_key:
        first = {"consent": "care:sms", "identity": "phone", "event_count": "product_viewed", "bucket": "a"}
        names = words.Names()
        listed = dict(Attribute.objects.values_list("key", "label")[:1]) if name == "attribute" else {}
        offered = names.keys_of(name, listed)
        part["key"] = first.get(name) or (offered[0][0] if offered else "")
    type_ = _type(part)
    part["op"] = next(iter(OPS[type_]))
    part["value"] = _plain(type_, part["op"])
    if asked.has_window:
        part["within"] = {"next_days": 30} if name in {"points_expiring", "coupons_usable"} else {"last_days": 30}
    return part


def _type(part: dict[str, Any]) -> str:
    asked = FIELDS[part["field"]]
    if part["field"] == "trait":
        made = Trait.objects.filter(key=part.get("key")).values_list("type", flat=True).first()
        return {"text": "choice", "date": "date", "words": "tags"}.get(str(made), "decimal")
    if part["field"] != "attribute":
        return asked.type
    kinds = {"text": "choice", "choice": "choice", "flag": "answer", "date": "date"}
    kind = Attribute.objects.filter(key=part.get("key")).values_list("type", flat=True).first()
    return kinds.get(str(kind), "decimal") if kind else "choice"


def _plain(type_: str, op: str) -> Any:
    return json.loads(json.dumps(_PLAIN.get(op, [])))


def _value(part: dict[str, Any], type_: str, place: str, data: QueryDict) -> Any:
    first, second = data.get(f"{place}.v", "").strip(), data.get(f"{place}.v2", "").strip()
    op, is_money = part["op"], FIELDS[part["field"]].unit == "cents"
    if op in {"gte", "lte"}:
        return _number(first, is_money=is_money)
    if op == "between":
        return [_number(first, is_money=is_money), _number(second, is_money=is_money)]
    if op == "within":
        return _window(f"{place}.x", data) or {}
    if op in {"known", "is"}:
        return first == "yes"
    return data.getlist(f"{place}.c") if f"{place}.chosen" in data else _typed(first)


def _typed(text: str) -> list[str]:
    return [word.strip() for word in _SPLIT.split(text) if word.strip()]


def _narrowed(name: str, text: str) -> Any:
    if name == "at_least_cents":
        return _number(text.strip(), is_money=True) if text.strip() else ""
    codes = {str(label): code for code, label in words.coded().get(name, {}).items()}
    return [codes.get(word, word) for word in _typed(text)]


def _number(text: str, *, is_money: bool) -> Any:
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        return text
    number = round(number * 100) if is_money else number
    return int(number) if number == int(number) and abs(number) < 10**18 else number


def _window(name: str, data: QueryDict) -> dict[str, Any] | None:
    kind, first, second = data.get(name, ""), data.get(f"{name}1", "").strip(), data.get(f"{name}2", "").strip()
    if kind == "last_hours":
        return {"last_days": _number(first or "30", is_money=False), "counted": "hours"}
    if kind in {"last_days", "next_days"}:
        return {kind: _number(first or "30", is_money=False)}
    if kind == "days_ago":
        return {kind: [_number(first or "0", is_money=False), _number(second or "30", is_money=False)]}
    if kind == "between":
        return {name: text for name, text in (("from", first), ("to", second)) if text} or {"from": ""}
    return None


def _pruned(rule: Any) -> dict[str, Any]:
    if not isinstance(rule, dict) or "field" in rule:
        return rule if isinstance(rule, dict) else {}
    parts = [part for part in map(_pruned, _parts(rule)) if part]
    if not parts:
        return {}
    if "not" in rule:
        return {"not": parts[0] if len(parts) == 1 else {"any": parts}}
    return {"all" if "all" in rule else "any": parts}


def _row(
    part: dict[str, Any],
    pointer: str,
    places: dict[int, str],
    brand: Words,
    wrong: BadRule | None,
    counts: dict[str, int],
) -> Row:
    place = places.get(id(part), "")
    if "field" in part and part["field"] in FIELDS:
        return _condition(part, place, pointer, brand, wrong, counts)
    kind = next((word for word in _GROUPS if word in part), "all")
    row = Row(place=place, pointer=pointer, kind=kind)
    living = [one for one in _parts(part) if isinstance(one, dict)]
    is_single = kind == "not" and len([one for one in living if _pruned(one)]) == 1
    number = 0
    for one in living:
        below = f"{pointer}/not" if is_single else f"{pointer}/{'not/any' if kind == 'not' else kind}/{number}"
        row.parts.append(_row(one, below, places, brand, wrong, counts))
        number += bool(_pruned(one))
    if wrong is not None and wrong.pointer == pointer:
        row.error = said(wrong)
    return row


def said(wrong: BadRule) -> str:
    """What is wrong, as somebody who edits would put it."""
    return _("Choose at least one value.") if wrong.code == "not_a_list" else str(wrong.text)


def _condition(
    part: dict[str, Any], place: str, pointer: str, brand: Words, wrong: BadRule | None, counts: dict[str, int]
) -> Row:
    asked, type_ = FIELDS[part["field"]], _type(part)
    row = Row(place=place, pointer=pointer, kind="leaf", rule=part, type=type_)
    headings: dict[str, list[tuple[str, str, bool]]] = {}
    for name, one in FIELDS.items():
        headings.setdefault(str(one.heading), []).append((name, str(one.title), name == part["field"]))
    row.fields = list(headings.items())
    if asked.has_key:
        offered = brand.names.keys_of(part["field"], brand.attributes)
        row.keys = [(code, label, code == part.get("key")) for code, label in offered]
        row.key_text = str(part.get("key", ""))
    row.ops = [(op, str(words.OPS[op]), op == part["op"]) for op in OPS[type_]]
    row.unit = str(words.UNITS.get(asked.unit, ""))
    _fill(row, part, brand, is_money=asked.unit == "cents")
    if asked.has_window:
        row.window = _window_row(part.get("within"), may_be_any=True)
    where = part.get("where", {}) if isinstance(part.get("where"), dict) else {}
    row.where = [
        (name, str(words.WHERE[name]), _shown(name, where.get(name))) for name in asked.where if name in words.WHERE
    ]
    row.count = counts.get(pointer)
    if wrong is not None and (wrong.pointer == pointer or wrong.pointer.startswith(f"{pointer}/")):
        row.error = said(wrong)
    return row


def _fill(row: Row, part: dict[str, Any], brand: Words, *, is_money: bool) -> None:
    op, value = part["op"], part.get("value")
    if op in {"gte", "lte"}:
        row.first = _figure(value, is_money=is_money)
    elif op == "between" and isinstance(value, list):
        row.first, row.second = (_figure(one, is_money=is_money) for one in [*value, "", ""][:2])
    elif op == "within":
        row.span = _window_row(value, may_be_any=False)
    elif op in {"known", "is"}:
        row.first = "yes" if value else "no"
    else:
        listed = value if isinstance(value, list) else []
        offered = brand.choices(part, row.type)
        if offered is not None:
            missing = [(one, str(one)) for one in listed if one not in dict(offered)]
            row.choices = [(code, label, code in listed) for code, label in [*offered, *missing]]
        named = dict(offered or [])
        row.chosen = "、".join(str(named.get(one, one)) for one in listed)


def _window_row(window: Any, *, may_be_any: bool) -> WindowRow:
    given = window if isinstance(window, dict) else {}
    kind, first, second = "", "", ""
    if "last_days" in given:
        kind, first = ("last_hours" if given.get("counted") == "hours" else "last_days"), str(given["last_days"])
    elif "next_days" in given:
        kind, first = "next_days", str(given["next_days"])
    elif "days_ago" in given:
        pair = given["days_ago"] if isinstance(given["days_ago"], list) else []
        kind, (first, second) = "days_ago", [str(one) for one in [*pair, "", ""][:2]]
    elif given:
        kind, first, second = "between", str(given.get("from", "")), str(given.get("to", ""))
    labels = {
        "last_days": _("the last … days"), "last_hours": _("the last … × 24 hours"), "days_ago": _("… to … days ago"),
        "next_days": _("the next … days"), "between": _("fixed days"),
    }  # fmt: skip
    kinds = [("", _("at any time"), kind == "")] if may_be_any else []
    kinds += [(name, labels[name], name == kind) for name in WINDOWS]
    return WindowRow(kinds=kinds, kind=kind or ("" if may_be_any else "last_days"), first=first, second=second)


def _figure(value: Any, *, is_money: bool) -> str:
    if is_money and isinstance(value, int) and not isinstance(value, bool):
        return f"{value / 100:.2f}".removesuffix(".00")
    return "" if value is None else str(value)


def _shown(name: str, value: Any) -> str:
    if name == "at_least_cents":
        return _figure(value, is_money=True)
    labels = words.coded().get(name, {})
    return "、".join(str(labels.get(str(one), one)) for one in value) if isinstance(value, list) else ""
