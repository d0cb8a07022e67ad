"""A draft as people see it: a list of steps in which ways open and come together again, and what adding, removing and moving do to it.

Works on any draft, whole or not; `normal` is what the editor holds. Functions return a new draft and never change the one given.
"""

import copy
import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

END = {"key": "end", "kind": "exit"}
START = "_start"  # the way into the first step
MANY = {"branch": "ways", "split": "arms"}
_PLAIN = ("next", "met", "timeout", "otherwise")
_OUT = {"await": ("met", "timeout"), "branch": ("otherwise",), "split": (), "exit": ()}  # else "next"
_KEY = re.compile(r"[a-z][a-z0-9_]{0,23}")

Draft = dict[str, Any]
Raw = dict[str, Any]


@dataclass
class Way:
    """A way out of a step and the steps that stand on it alone. `lands`: where it goes on after these, "" at an end."""

    name: str
    to: str
    rows: list["Row"] = field(default_factory=list)
    lands: str = ""


@dataclass
class Row:
    """A step of the list. `ways` is filled where it has several; `before`, `after`: the way by which a new step goes there."""

    key: str
    raw: Raw
    ways: list[Way] = field(default_factory=list)
    joins: str = ""  # where all its ways come together again
    up: str = ""  # the step it may change places with
    down: str = ""


def normal(draft: Any) -> Draft:
    """A copy with an entry and a list of steps whose keys are texts, and an end; what is no step at all is left out."""
    found: Draft = copy.deepcopy(draft) if isinstance(draft, dict) else {}
    if not isinstance(found.get("entry"), dict) or not isinstance(found["entry"].get("kind"), str):
        found["entry"] = {"kind": "call"}
    given = found.get("nodes")
    nodes: list[Raw] = []
    for raw in given if isinstance(given, list) else []:
        if isinstance(raw, dict) and isinstance(raw.get("key"), str) and isinstance(raw.get("kind"), str):
            nodes.append(raw)
    found["nodes"] = nodes or [dict(END)]
    return found


def by_key(draft: Draft) -> dict[str, Raw]:
    return {raw["key"]: raw for raw in draft["nodes"]}


def ways(raw: Raw) -> list[tuple[str, str]]:
    """(name, key of the step it leads to). A numbered way is called by its number from 1."""
    found = [(name, raw[name]) for name in _PLAIN if isinstance(raw.get(name), str)]
    many = raw.get(MANY.get(raw["kind"], ""), [])
    numbered = [(str(n), str(part.get("next", ""))) for n, part in enumerate(many, start=1) if isinstance(part, dict)]
    return numbered + found


def read(draft: Draft) -> tuple[list[Row], list[Row]]:
    """The list from the first step on, and the steps no way leads to."""
    nodes, seen = by_key(draft), set[str]()
    rows, _lands = _section(draft["nodes"][0]["key"], "", nodes, seen)
    lost = []
    for key, raw in nodes.items():
        if key not in seen:
            seen.add(key)
            lost.append(Row(key, raw))
    return rows, lost


def insert(draft: Draft, *, raw: Raw, after: str, way: str) -> tuple[Draft, str]:
    """A new step on this way; all its own ways go on where that one led. Returns its key, "" when there is no such way."""
    draft = copy.deepcopy(draft)
    nodes = by_key(draft)
    to = draft["nodes"][0]["key"] if after == START else dict(ways(nodes[after])).get(way) if after in nodes else None
    if to is None:
        return draft, ""
    raw = copy.deepcopy(raw) | {"key": _fresh(raw["kind"], nodes)}
    raw |= dict.fromkeys(_OUT.get(raw["kind"], ("next",)), to)
    _aim_all(raw, to)
    if after == START:
        draft["nodes"].insert(0, raw)
    else:
        _aim(nodes[after], way, raw["key"])
        draft["nodes"].insert(draft["nodes"].index(nodes[after]) + 1, raw)
    return in_order(draft), raw["key"]


def remove(draft: Draft, *, key: str) -> tuple[Draft, list[str]]:
    """Without the step: who came to it goes on by its main way. Returns the other steps that went with it: nothing leads there now."""
    draft = copy.deepcopy(draft)
    nodes = by_key(draft)
    raw = nodes.get(key)
    if raw is None or (raw["kind"] == "exit" and len(draft["nodes"]) == 1):
        return draft, []
    before = _reached(draft)
    to = _main(raw, nodes) or next(
        (one["key"] for one in draft["nodes"] if one["kind"] == "exit" and one is not raw), ""
    )
    if not to:
        return draft, []
    for other in draft["nodes"]:
        _aim_all(other, to, only=key)
    is_first = draft["nodes"][0] is raw
    draft["nodes"].remove(raw)
    if is_first:
        _put_first(draft, to)
    return _swept(draft, before - {key})


def drop_way(draft: Draft, *, key: str, way: str) -> tuple[Draft, list[str]]:
    """Without one of the ways of a branch or split, or the way of who got none, and without what stood on it alone."""
    draft = copy.deepcopy(draft)
    raw, before = by_key(draft).get(key), _reached(draft)
    if raw is None:
        return draft, []
    many = raw.get(MANY.get(raw["kind"], ""), [])
    if way.isdigit() and 0 < int(way) <= len(many):
        del many[int(way) - 1]
    elif way == "otherwise" and raw["kind"] != "branch":
        raw.pop(way, None)
    return _swept(draft, before)


def add_way(draft: Draft, *, key: str) -> Draft:
    """One more way out of a branch, a split, a grant or a date that may come to nothing; it goes where the main way goes."""
    draft = copy.deepcopy(draft)
    raw = by_key(draft).get(key)
    if raw is None:
        return draft
    to = _joint(draft, key) or _main(raw, by_key(draft))
    if raw["kind"] == "branch":
        raw.setdefault("ways", []).append({"rule": {}, "next": to})
    elif raw["kind"] == "split":
        raw.setdefault("arms", []).append({"percent": 10, "next": to})
    elif raw["kind"] in ("points", "coupon") or waits_for_date(raw):
        raw.setdefault("otherwise", raw.get("next", to))
    return draft


def waits_for_date(raw: dict[str, Any]) -> bool:
    """A date may never come for somebody; every other wait ends."""
    what = raw.get("for")
    return raw["kind"] == "wait" and isinstance(what, dict) and what.get("kind") == "date"


def swap(draft: Draft, *, upper: str, lower: str) -> Draft:
    """Two neighbours of the list change places, each with everything that stands on its ways."""
    draft = copy.deepcopy(draft)
    nodes = by_key(draft)
    if upper not in nodes or lower not in nodes:
        return draft
    inside, below = _block(draft, upper, lower), _joint(draft, lower)
    if not below:
        return draft
    of_lower = _block(draft, lower, below)
    for raw in draft["nodes"]:
        if raw["key"] in inside:
            _aim_all(raw, below, only=lower)
        elif raw["key"] in of_lower:
            _aim_all(raw, upper, only=below)
        else:
            _aim_all(raw, lower, only=upper)
    if draft["nodes"][0]["key"] == upper:
        _put_first(draft, lower)
    return in_order(draft)


def in_order(draft: Draft) -> Draft:
    """The steps as the list shows them: those further on stand later, the lost ones last."""
    rows, lost = read(draft)
    order = [*_keys(rows), *(row.key for row in lost)]
    nodes = by_key(draft)
    if len(nodes) == len(draft["nodes"]):
        draft["nodes"] = [nodes[key] for key in order]
    return draft


def _section(key: str, stop: str, nodes: dict[str, Raw], seen: set[str]) -> tuple[list[Row], str]:
    rows: list[Row] = []
    while key and key != stop and key in nodes and key not in seen:
        seen.add(key)
        raw = nodes[key]
        row, out = Row(key, raw), ways(raw)
        rows.append(row)
        if len(out) < 2 and raw["kind"] not in MANY:
            key = out[0][1] if out else ""
            continue
        row.joins = _meeting([to for _name, to in out], nodes, stop)
        later = _after(row.joins, nodes)
        for name, to in out:
            way = Way(name, to, lands=to)
            if to not in later:
                way.rows, way.lands = _section(to, row.joins or stop, nodes, seen)
            row.ways.append(way)
        key = row.joins
    _neighbours(rows)
    return rows, key


def _neighbours(rows: list[Row]) -> None:
    for upper, lower in pairwise(rows):
        if lower.raw["kind"] != "exit" and (lower.joins or not lower.ways):
            upper.down, lower.up = lower.key, upper.key


def _meeting(starts: list[str], nodes: dict[str, Raw], stop: str) -> str:
    """The first step that every way passes that does not end at once; "" when they never meet."""
    starts = [start for start in starts if start in nodes]
    starts = [start for start in starts if nodes[start]["kind"] != "exit"] or starts
    reached = [_after(start, nodes) for start in starts]
    for key in reached[0] if reached else ():
        around = [_after(start, nodes, without=key) for start in starts if start != key]
        if not any(nodes[other]["kind"] == "exit" or other == stop for found in around for other in found):
            return key
    return ""


def _after(start: str, nodes: dict[str, Raw], *, without: str = "") -> dict[str, None]:
    """The step and all that follow, nearest first."""
    found: dict[str, None] = {}
    waiting = [start]
    while waiting:
        key = waiting.pop(0)
        if key in nodes and key not in found and key != without:
            found[key] = None
            waiting += [to for _name, to in ways(nodes[key])]
    return found


def _block(draft: Draft, key: str, stop: str) -> set[str]:
    nodes = by_key(draft)
    return set(_after(key, nodes, without=stop))


def _joint(draft: Draft, key: str) -> str:
    """Where the list goes on after this step."""
    nodes = by_key(draft)
    out = ways(nodes[key])
    return _meeting([to for _name, to in out], nodes, "") if out else ""


def _reached(draft: Draft) -> set[str]:
    return set(_after(draft["nodes"][0]["key"], by_key(draft)))


def _swept(draft: Draft, before: set[str]) -> tuple[Draft, list[str]]:
    gone = [raw["key"] for raw in draft["nodes"] if raw["key"] in before - _reached(draft)]
    draft["nodes"] = [raw for raw in draft["nodes"] if raw["key"] not in gone]
    return in_order(draft), gone


def _main(raw: Raw, nodes: dict[str, Raw]) -> str:
    """Where most go: the first way that does not end at once."""
    found = dict(ways(raw))
    out = [found[name] for name in ("next", "timeout", "otherwise", "met", "1") if found.get(name) in nodes]
    return next((to for to in out if nodes[to]["kind"] != "exit"), out[0] if out else "")


def _aim(raw: Raw, way: str, to: str) -> None:
    if way.isdigit():
        raw[MANY[raw["kind"]]][int(way) - 1]["next"] = to
    else:
        raw[way] = to


def _aim_all(raw: Raw, to: str, *, only: str = "") -> None:
    """All ways, or `only` those that lead to this step, lead to `to`."""
    for name, now in ways(raw):
        if not only or now == only:
            _aim(raw, name, to)


def _put_first(draft: Draft, key: str) -> None:
    raw = by_key(draft)[key]
    draft["nodes"].remove(raw)
    draft["nodes"].insert(0, raw)


def _keys(rows: list[Row]) -> list[str]:
    return [key for row in rows for key in (row.key, *(one for way in row.ways for one in _keys(way.rows)))]


def _fresh(kind: str, nodes: dict[str, Raw]) -> str:
    word = kind if _KEY.fullmatch(kind) else "step"
    number = 1
    while f"{word}{number}" in nodes:
        number += 1
    return f"{word}{number}"
