"""A rule as one SQL condition: `{"all": […]}`, `{"any": […]}`, `{"not": …}`, or a leaf with `field`, `op` and `value`.

`{}` is everybody. A leaf may carry `key` (which attribute, event …), `within` (a stretch of time) and `where` (which orders, goods …),
as its field allows (`fields.py`). docs/segments.md has the whole grammar, docs/segment-rule.schema.json the published schema.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.core import clock
from apps.members import consents, minors
from apps.segments.language import columns, windows
from apps.segments.language.errors import BadRule
from apps.segments.language.fields import FIELDS, JOINS
from apps.segments.language.known import Known

DEEPEST = 6
MOST_RULES = 100
_GROUPS = {"all": " and ", "any": " or "}
_LEAF = {"field", "op", "value"}


@dataclass(frozen=True)
class Leaf:
    """One condition of a rule by itself. `pointer` is where it stands in it."""

    pointer: str
    rule: dict[str, Any]
    sql: str


@dataclass(frozen=True)
class Compiled:
    """`condition` over `members_member m` with `joins`; unknown counts as no. `segments`: ids of segments it asks about.

    `is_profiling`: it goes by what the house works out of a member's purchases and behaviour. `moves`: time alone changes the
    answer: "" never, "days" at midnight, "hours" at any moment.
    """

    condition: str
    joins: str
    params: dict[str, Any]
    leaves: tuple[Leaf, ...] = ()
    fields: frozenset[str] = frozenset()
    segments: frozenset[int] = frozenset()
    is_profiling: bool = False
    moves: str = ""

    def members(self, columns_: str = "m.id", more: str = "") -> str:
        """The statement that finds the members: active ones, and where the rule profiles none who objects or is too young."""
        return f"select {columns_} from members_member m {self.joins} where {self.base} and {self.condition} {more}"

    @property
    def base(self) -> str:
        counted = "m.status = 'active'"
        return f"{counted} and {consents.PROFILED}" if self.is_profiling else counted


def compiled(
    rule: Any,
    *,
    moment: datetime,
    only: str = "",
    given: Collection[str] = (),
    at: str = "",
    known: Known | None = None,
) -> Compiled:
    """Raises BadRule, its pointer below `at`.

    `only`: a SELECT of member ids that the answer is wanted of; it narrows what is read, the caller narrows `m` itself. `given`:
    names of joins that stand in the caller's statement already.
    """
    compiler = Compiler(moment=moment, only=only, known=known or Known(), joins=dict.fromkeys(given, ""))
    condition = "true" if rule == {} else compiler.rule(rule, at=at, depth=0)
    return Compiled(
        condition=condition,
        joins=" ".join(compiler.joins.values()),
        params=compiler.params,
        leaves=tuple(compiler.leaves),
        fields=frozenset(compiler.fields),
        segments=frozenset(compiler.segments),
        is_profiling=any(FIELDS[name].is_profiling for name in compiler.fields),
        moves="hours" if "hours" in compiler.moves else "days" if compiler.moves else "",
    )


@dataclass
class Compiler:
    """What builders of fields work with: parameters, joins, stretches of time."""

    moment: datetime
    only: str
    known: Known
    joins: dict[str, str]
    params: dict[str, Any] = field(default_factory=dict)
    leaves: list[Leaf] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)
    segments: set[int] = field(default_factory=set)
    moves: set[str] = field(default_factory=set)
    rules: int = 0

    def __post_init__(self) -> None:
        self.params |= minors.as_of(self.moment) | {"moment": self.moment, "today": clock.local_date(self.moment)}

    def rule(self, rule: Any, *, at: str, depth: int) -> str:
        self.rules += 1
        if self.rules > MOST_RULES or depth > DEEPEST:
            raise BadRule(at, "too_large")
        if not isinstance(rule, dict):
            raise BadRule(at, "not_an_object")
        keys = set(rule)
        if keys == {"not"}:
            return f"({self.rule(rule['not'], at=f'{at}/not', depth=depth + 1)}) is not true"
        for word, joint in _GROUPS.items():
            if keys == {word}:
                return self._group(rule[word], at=f"{at}/{word}", joint=joint, depth=depth)
        if not keys >= _LEAF or not keys <= _LEAF | {"key", "within", "where"}:
            raise BadRule(at, "unknown_shape")
        return self._leaf(rule, at=at)

    def _group(self, rules: Any, *, at: str, joint: str, depth: int) -> str:
        if not isinstance(rules, list) or not rules:
            raise BadRule(at, "not_a_list")
        return "(" + joint.join(self.rule(r, at=f"{at}/{n}", depth=depth + 1) for n, r in enumerate(rules)) + ")"

    def _leaf(self, rule: dict[str, Any], *, at: str) -> str:
        name = rule["field"]
        if not isinstance(name, str) or name not in FIELDS:
            raise BadRule(f"{at}/field", "unknown_field")
        asked = FIELDS[name]
        if asked.has_key != ("key" in rule):
            raise BadRule(f"{at}/key", "key_of_attribute_only")
        if ("within" in rule and not asked.has_window) or ("where" in rule and not asked.where):
            raise BadRule(f"{at}/{'within' if 'within' in rule and not asked.has_window else 'where'}", "unknown_part")
        self.fields.add(name)
        if asked.moves:
            self.moves.add(asked.moves)
        condition = columns.compare(self, asked.build(self, rule, at), rule, at)
        self.leaves.append(Leaf(pointer=at, rule=rule, sql=condition))
        return condition

    def put(self, value: Any, cast: str) -> str:
        """A parameter of this type; equal ones are one."""
        for name, known in self.params.items():
            if name.startswith("r_") and type(known) is type(value) and known == value:
                return f"%({name})s::{cast}"
        name = f"r_{len(self.params)}"
        self.params[name] = value
        return f"%({name})s::{cast}"

    def join(self, name: str) -> None:
        """One of the plain joins of `fields.JOINS`."""
        self.joins.setdefault(name, JOINS[name])

    def summed(self, query: str) -> str:
        """The alias of a left join of a query with one row a member (`member_id`). Equal queries are joined once."""
        for name, sql in self.joins.items():
            if name.startswith("w_") and f"({query})" in sql:
                return name
        name = f"w_{len(self.joins)}"
        self.joins[name] = f"left join ({query}) {name} on {name}.member_id = m.id"
        return name

    def narrowed(self, column: str) -> str:
        return f" and {column} in ({self.only})" if self.only else ""

    def bounds(self, window: Any, *, at: str) -> windows.Bounds:
        found = windows.bounds(window, moment=self.moment, at=at)
        if windows.is_moving(window):
            self.moves.add("hours" if windows.is_rolling(window) else "days")
        return found

    def inside(self, sql: str, window: Any, *, at: str) -> str:
        """The condition that a moment lies in a window."""
        found = self.bounds(window, at=at)
        parts = [f"{sql} >= {self.put(found.start, 'timestamptz')}"] if found.start else []
        parts += [f"{sql} < {self.put(found.end, 'timestamptz')}"] if found.end else []
        return f"({' and '.join(parts)})"

    def membership(self, name: str, *, at: str) -> str:
        """The condition that a member is in the segment of this name."""
        kind, _, value = name.partition(":")
        if kind in {"stage", "cell"} and name in self.known.segment_names:
            self.join("s")
            self.fields.add(kind)
            column = "coalesce(s.stage, 'prospect')" if kind == "stage" else "s.cell"
            return f"{column} = {self.put(value, 'text')}"
        segment_id = self.known.segments.get(value) if kind == "segment" else None
        if segment_id is None:
            raise BadRule(at, "unknown_segment")
        self.segments.add(segment_id)
        query = f"select b.member_id from segments_membership b where b.segment_id = {segment_id:d}"
        return f"{self.summed(query + self.narrowed('b.member_id'))}.member_id is not null"


def leaves_of(rule: Any) -> list[dict[str, Any]]:
    """The leaves of a valid rule, in their order."""
    if "field" in rule:
        return [rule]
    parts = [rule["not"]] if "not" in rule else [*rule.get("all", ()), *rule.get("any", ())]
    return [leaf for part in parts for leaf in leaves_of(part)]


def is_profiling(rule: Any) -> bool:
    """Whether a valid rule goes by what the house works out of a member's purchases and behaviour."""
    return any(FIELDS[leaf["field"]].is_profiling or _names_computed(leaf) for leaf in leaves_of(rule))


def _names_computed(leaf: dict[str, Any]) -> bool:
    return leaf["field"] == "segment" and any(name.startswith(("stage:", "cell:")) for name in leaf["value"])
