"""What a field of a rule is: an SQL expression of a type, and the comparisons each type knows.

Nothing that is unknown fits: a comparison with NULL counts as no. `empty` is the value of a member of whom nothing is stored.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.segments.language import windows
from apps.segments.language.errors import BadRule

if TYPE_CHECKING:
    from apps.segments.language.compiling import Compiler

MOST_VALUES = 200
BIGGEST = 10**15


@dataclass(frozen=True)
class Column:
    """`sql` over `members_member m` and the joins its builder asked for. `type`: choice, number, decimal, date, flag,
    answer (a yes or no that somebody gave, as JSON), tags, day (month × 100 + day) or segment.
    `values`: the only ones there are; None: any text."""

    type: str
    sql: str
    empty: Any = None
    values: Collection[str] | None = None


def compare(compiler: "Compiler", column: Column, leaf: Mapping[str, Any], at: str) -> str:
    """The condition of a leaf. Raises BadRule."""
    ops = OPS[column.type]
    if not isinstance(leaf["op"], str) or leaf["op"] not in ops:
        raise BadRule(f"{at}/op", "unknown_op")
    return ops[leaf["op"]](compiler, column, leaf["value"], f"{at}/value")


def texts(value: Any, at: str, *, allowed: Collection[str] | None = None) -> list[str]:
    """A list of texts; "" stands for what is not known."""
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_VALUES:
        raise BadRule(at, "not_a_list")
    for n, word in enumerate(value):
        if not (word == "" or is_word(word)) or (allowed is not None and word not in allowed):
            raise BadRule(f"{at}/{n}", "unknown_value")
    return value


def is_word(value: object) -> bool:
    """A text that PostgreSQL can store: no NUL, no lone surrogate."""
    return isinstance(value, str) and 0 < len(value) <= 80 and value.isprintable()


def whole(value: Any, at: str) -> int:
    if type(value) is not int or abs(value) > BIGGEST:
        raise BadRule(at, "not_a_number")
    return value


def _decimal(value: Any, at: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < BIGGEST:
        raise BadRule(at, "not_a_number")
    return float(value)


def _in(compiler: "Compiler", column: Column, value: Any, at: str) -> str:
    unknown = () if column.empty is not None else ("",)
    words = texts(value, at, allowed=None if column.values is None else [*column.values, *unknown])
    condition = f"{column.sql} = any({compiler.put(words, 'text[]')})"
    absent = column.empty if column.empty is not None else ""
    return f"({column.sql} is null or {condition})" if absent in words else condition


def _number(sign: Callable[[float, float], bool], symbol: str) -> Callable[..., str]:
    def condition(compiler: "Compiler", column: Column, value: Any, at: str) -> str:
        limit = _limit(column, value, at)
        found = f"{column.sql} {symbol} {compiler.put(limit, _CAST[column.type])}"
        fits_empty = column.empty is not None and sign(column.empty, limit)
        return f"({column.sql} is null or {found})" if fits_empty else found

    return condition


def _between(compiler: "Compiler", column: Column, value: Any, at: str) -> str:
    if not isinstance(value, list) or len(value) != 2:
        raise BadRule(at, "not_two_numbers")
    low, high = (_limit(column, one, f"{at}/{n}") for n, one in enumerate(value))
    if high < low:
        raise BadRule(f"{at}/1", "out_of_order")
    cast = _CAST[column.type]
    found = f"{column.sql} between {compiler.put(low, cast)} and {compiler.put(high, cast)}"
    fits_empty = column.empty is not None and low <= column.empty <= high
    return f"({column.sql} is null or {found})" if fits_empty else found


def _limit(column: Column, value: Any, at: str) -> float:
    return whole(value, at) if column.type == "number" else _decimal(value, at)


def _within(compiler: "Compiler", column: Column, value: Any, at: str) -> str:
    return compiler.inside(column.sql, value, at=at)


def _day_within(compiler: "Compiler", column: Column, value: Any, at: str) -> str:
    days = windows.days_of_year(compiler.bounds(value, at=at))
    return f"{column.sql} = any({compiler.put(days, 'int[]')})"


def _known(compiler: "Compiler", column: Column, value: Any, at: str) -> str:
    return f"{column.sql} is not null" if _flag(value, at) else f"{column.sql} is null"


def _is(compiler: "Compiler", column: Column, value: Any, at: str) -> str:
    return column.sql if _flag(value, at) else f"({column.sql}) is not true"


def _answer(compiler: "Compiler", column: Column, value: Any, at: str) -> str:
    return f"{column.sql} = to_jsonb({compiler.put(_flag(value, at), 'boolean')})"


def _flag(value: Any, at: str) -> bool:
    if not isinstance(value, bool):
        raise BadRule(at, "not_yes_or_no")
    return value


def _tags(symbol: str) -> Callable[..., str]:
    def condition(compiler: "Compiler", column: Column, value: Any, at: str) -> str:
        return f"{column.sql} {symbol} {compiler.put(texts(value, at), 'varchar[]')}"

    return condition


def _no_tags(compiler: "Compiler", column: Column, value: Any, at: str) -> str:
    return f"not ({_tags('&&')(compiler, column, value, at)})"


def _segments(compiler: "Compiler", column: Column, value: Any, at: str) -> str:
    conditions = [compiler.membership(name, at=f"{at}/{n}") for n, name in enumerate(texts(value, at))]
    return f"({' or '.join(conditions)})"


_CAST = {"number": "bigint", "decimal": "float8"}
_NUMBERS = {
    "gte": _number(lambda one, limit: one >= limit, ">="),
    "lte": _number(lambda one, limit: one <= limit, "<="),
    "between": _between,
}
OPS: dict[str, dict[str, Callable[..., str]]] = {
    "choice": {"in": _in},
    "number": _NUMBERS,
    "decimal": _NUMBERS,
    "date": {"within": _within, "known": _known},
    "day": {"within": _day_within, "known": _known},
    "flag": {"is": _is},
    "answer": {"is": _answer},
    "tags": {"any_of": _tags("&&"), "all_of": _tags("@>"), "none_of": _no_tags},
    "segment": {"in": _segments},
}
