"""Who a policy is for: a small closed grammar in JSON, compiled to one SQL condition with parameters.

`{}` is everybody. `{"all": […]}`, `{"any": […]}`, `{"not": rule}`, or a leaf `{"field": …, "op": …, "value": …}`.
"""

from collections.abc import Callable
from typing import Any

from apps.members.models import Attribute
from apps.segments.models import Cell, Stage

DEEPEST = 6
MOST_RULES = 60
MOST_VALUES = 200
_BIG = 10**15
WORKED_OUT = frozenset({"stage", "cell", "last_channel", "orders", "net_cents"})  # fields out of what the member buys


class BadRule(ValueError):
    """`pointer` says where (RFC 6901), `code` what is wrong."""

    def __init__(self, pointer: str, code: str) -> None:
        super().__init__(code)
        self.pointer, self.code = pointer, code


class _Compiler:
    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self.rules = 0

    def put(self, value: Any) -> str:
        name = f"a{len(self.params)}"
        self.params[name] = value
        return f"%({name})s"

    def rule(self, rule: Any, *, at: str, depth: int) -> str:
        self.rules += 1
        if self.rules > MOST_RULES or depth > DEEPEST:
            raise BadRule(at, "too_large")
        if not isinstance(rule, dict):
            raise BadRule(at, "not_an_object")
        keys = set(rule)
        if keys == {"not"}:
            return f"not {self.rule(rule['not'], at=f'{at}/not', depth=depth + 1)}"
        for word, joint in (("all", " and "), ("any", " or ")):
            if keys == {word}:
                return self.group(rule[word], at=f"{at}/{word}", joint=joint, depth=depth)
        if not keys <= {"field", "op", "value", "key"} or not {"field", "op", "value"} <= keys:
            raise BadRule(at, "unknown_shape")
        return self.leaf(rule, at=at)

    def group(self, rules: Any, *, at: str, joint: str, depth: int) -> str:
        if not isinstance(rules, list) or not rules:
            raise BadRule(at, "not_a_list")
        return "(" + joint.join(self.rule(r, at=f"{at}/{n}", depth=depth + 1) for n, r in enumerate(rules)) + ")"

    def leaf(self, rule: dict, *, at: str) -> str:
        field = rule["field"]
        if not isinstance(field, str) or field not in _FIELDS:
            raise BadRule(f"{at}/field", "unknown_field")
        if (field == "attribute") != ("key" in rule):
            raise BadRule(f"{at}/key", "key_of_attribute_only")
        return f"coalesce({_FIELDS[field](self, rule, at)}, false)"


def compiled(rule: Any) -> tuple[str, dict[str, Any]]:
    """A condition over `members_member m` left join `segments_memberstats s`, and its parameters. Raises BadRule."""
    if rule == {}:
        return "true", {}
    compiler = _Compiler()
    return compiler.rule(rule, at="/audience", depth=0), compiler.params


def fields(rule: Any) -> set[str]:
    """The fields that a valid rule asks about."""
    if "field" in rule:
        return {rule["field"]}
    parts = [rule["not"]] if "not" in rule else [*rule.get("all", ()), *rule.get("any", ())]
    return set().union(*(fields(part) for part in parts))


def _texts(rule: dict, at: str, *, allowed: Callable[[str], bool] | None = None) -> list[str]:
    value = rule["value"]
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_VALUES:
        raise BadRule(f"{at}/value", "not_a_list")
    for n, word in enumerate(value):
        if not (word == "" or _is_word(word)) or (allowed and not allowed(word)):
            raise BadRule(f"{at}/value/{n}", "unknown_value")
    return value


def _op(rule: dict, at: str, allowed: tuple[str, ...]) -> str:
    if not isinstance(rule["op"], str) or rule["op"] not in allowed:
        raise BadRule(f"{at}/op", "unknown_op")
    return rule["op"]


def _one_of(column: str, allowed: Callable[[str], bool] | None = None) -> Callable[[_Compiler, dict, str], str]:
    def leaf(compiler: _Compiler, rule: dict, at: str) -> str:
        _op(rule, at, ("in",))
        return f"{column} = any({compiler.put(_texts(rule, at, allowed=allowed))}::text[])"

    return leaf


def _amount(column: str) -> Callable[[_Compiler, dict, str], str]:
    def leaf(compiler: _Compiler, rule: dict, at: str) -> str:
        sign = {"gte": ">=", "lte": "<="}[_op(rule, at, ("gte", "lte"))]
        if type(rule["value"]) is not int or abs(rule["value"]) > _BIG:
            raise BadRule(f"{at}/value", "not_a_number")
        return f"coalesce({column}, 0) {sign} {compiler.put(rule['value'])}"

    return leaf


def _tags(compiler: _Compiler, rule: dict, at: str) -> str:
    op = _op(rule, at, ("any_of", "all_of", "none_of"))
    tags = f"{compiler.put(_texts(rule, at))}::varchar[]"
    return {"any_of": f"m.tags && {tags}", "all_of": f"m.tags @> {tags}", "none_of": f"not (m.tags && {tags})"}[op]


def _attribute(compiler: _Compiler, rule: dict, at: str) -> str:
    """By the attribute's type: text and choice `in`, number and date `gte` / `lte`, flag `is`."""
    key = rule["key"]
    kind = Attribute.objects.filter(key=key).values_list("type", flat=True).first() if _is_word(key) else None
    if kind is None:
        raise BadRule(f"{at}/key", "unknown_attribute")
    name = f"{compiler.put(key)}::text"
    value = rule["value"]
    if kind in {Attribute.Type.TEXT, Attribute.Type.CHOICE}:
        _op(rule, at, ("in",))
        return f"m.attributes ->> {name} = any({compiler.put(_texts(rule, at))}::text[])"
    if kind == Attribute.Type.FLAG:
        _op(rule, at, ("is",))
        if not isinstance(value, bool):
            raise BadRule(f"{at}/value", "not_yes_or_no")
        return f"m.attributes -> {name} = to_jsonb({compiler.put(value)}::boolean)"
    sign = {"gte": ">=", "lte": "<="}[_op(rule, at, ("gte", "lte"))]
    if kind == Attribute.Type.DATE:
        if not _is_word(value):
            raise BadRule(f"{at}/value", "not_a_date")
        return f"m.attributes ->> {name} {sign} {compiler.put(value)}::text"
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _BIG:
        raise BadRule(f"{at}/value", "not_a_number")
    number = f"(m.attributes ->> {name})::numeric"
    return (
        f"case when jsonb_typeof(m.attributes -> {name}) = 'number'"
        f" then {number} {sign} {compiler.put(value)}::numeric end"
    )


def _is_word(value: object) -> bool:
    """A text that PostgreSQL can store: no NUL, no lone surrogate."""
    return isinstance(value, str) and 0 < len(value) <= 80 and value.isprintable()


_FIELDS: dict[str, Callable[[_Compiler, dict, str], str]] = {
    "stage": _one_of("coalesce(s.stage, 'prospect')", lambda word: word in Stage.values),
    "cell": _one_of("s.cell", lambda word: word in Cell.values),
    "gender": _one_of("m.gender", lambda word: word in {"", "f", "m"}),
    "home_store": _one_of("(select st.code from stores_store st where st.id = m.home_store_id)"),
    "last_channel": _one_of("(select o.channel from orders_order o where o.id = s.last_order_id)"),
    "tags": _tags,
    "orders": _amount("s.orders"),
    "net_cents": _amount("s.net_cents"),
    "attribute": _attribute,
}
FIELDS = tuple(_FIELDS)
