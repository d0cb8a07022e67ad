"""A definition as one statement: `member_id` and `v`, a row for each member who has a value."""

from datetime import datetime
from typing import Any

from apps.orders.selectors import KEPT_ORDERS
from apps.segments.language import measures
from apps.segments.language.compiling import Compiler
from apps.segments.language.known import Known
from apps.segments.traits import shape

_SQL = {
    "orders": {"net_cents": "k.net_cents", "paid_at": "k.paid_at", "channel": "k.channel"},
    "lines": {
        "quantity": "l.quantity", "cents": "(l.total_cents - l.refunded_cents)", "product": "p.sku", "category": "c.name",
        "brand": "p.brand", "paid_at": "k.paid_at", "channel": "k.channel",
    },
    "events": {"occurred_at": "e.occurred_at"},
}  # fmt: skip
_STORE = "(select x.code from stores_store x where x.id = k.store_id)"
_CAST = {"number": "({v})::float8", "text": "nullif(left({v}, 200), '')", "date": "{v}"}
_FIGURES = {
    "sum": "sum(v)", "avg": "avg(v)", "min": "min(v)", "max": "max(v)",
    "first": "(array_agg(v order by at, id))[1]", "last": "(array_agg(v order by at desc, id desc))[1]",
}  # fmt: skip


def compiled(definition: dict[str, Any], *, moment: datetime, only: str = "") -> tuple[str, dict[str, Any]]:
    """The statement and its parameters; `only` as in `language.compiled`. Raises BadRule where a definition has grown old."""
    compiler = Compiler(moment=moment, only=only, known=Known(), joins={})
    if definition["kind"] == "score":
        return _score(compiler, definition), compiler.params
    if definition["kind"] == "count":
        rows = _rows(compiler, definition, value="1")
        return f"select member_id, count(*)::float8 as v from ({rows}) r group by 1", compiler.params
    rows = _rows(compiler, definition, value=_value(compiler, definition))
    if definition["kind"] == "top":
        return _top(rows, definition["n"]), compiler.params
    figure = _FIGURES[definition["kind"]]
    query = f"select member_id, {figure} as v from ({rows}) r where v is not null group by 1"
    return f"select * from ({query}) taken where v is not null", compiler.params


def _rows(compiler: Compiler, definition: dict[str, Any], *, value: str) -> str:
    """Rows of (member_id, v, at, id) in the stretch."""
    if definition["over"] == "events":
        return f"""select e.member_id, {value} as v, e.occurred_at as at, e.id from activity_event e
            where e.name = {compiler.put(definition["event"], "text")} and e.member_id is not null
            and e.occurred_at <= %(moment)s
            {_properties(compiler, definition)}{_window(compiler, definition, "e.occurred_at")}{compiler.narrowed("e.member_id")}"""
    kept = measures.kept(compiler, _leaf(definition), "", parts=shape.WHERE[definition["over"]])
    if definition["over"] == "orders":
        return f"select k.member_id, {value} as v, k.paid_at as at, k.id from ({kept}) k where k.member_id is not null"
    of_lines = measures.of_lines(compiler, _leaf(definition), "", parts=shape.WHERE["lines"])
    return f"""select k.member_id, {value} as v, k.paid_at as at, l.id
        from ({kept}) k join orders_line l on l.order_id = k.id join catalog_product p on p.id = l.product_id
        left join catalog_category c on c.id = p.category_id
        where k.member_id is not null and l.total_cents > l.refunded_cents{of_lines}"""


def _value(compiler: Compiler, definition: dict[str, Any]) -> str:
    of, type_ = definition["of"], shape.column_type(definition)
    if of.startswith(shape.PROPERTY):
        name = compiler.put(of.removeprefix(shape.PROPERTY), "text")
        text = f"e.properties ->> {name}"
        found = (
            f"case when jsonb_typeof(e.properties -> {name}) = 'number' then {text} end" if type_ == "number" else text
        )
    else:
        found = _STORE if of == "store" else _SQL[definition["over"]][of]
    return _CAST[type_].format(v=found)


def _top(rows: str, count: int) -> str:
    """The most frequent words, the most frequent first; of equally frequent ones the first by its code points."""
    return f"""select member_id, array_agg(v order by n desc, v collate "C") as v from (
            select member_id, v, count(*) as n,
                   row_number() over (partition by member_id order by count(*) desc, v collate "C") as place
            from ({rows}) r where v is not null group by 1, 2
        ) counted where place <= {count:d} group by 1"""


def _score(compiler: Compiler, definition: dict[str, Any]) -> str:
    """Σ over days and entries of points × min(times, most a day) × ½^(days ago ÷ half-life), rounded to four places, then clamped."""
    days = " union all ".join(_entry(compiler, entry, definition["days"]) for entry in definition["entries"])
    decay = ""
    if "half_life_days" in definition:
        decay = f" * power(0.5::float8, (%(today)s::date - day)::float8 / {definition['half_life_days']:d})"
    score = f"round(sum(points{decay})::numeric, 4)::float8"
    if "floor" in definition:
        score = f"greatest({score}, {definition['floor']:d})"
    if "cap" in definition:
        score = f"least({score}, {definition['cap']:d})"
    return f"select member_id, {score} as v from ({days}) d group by 1"


def _entry(compiler: Compiler, entry: dict[str, Any], days: int) -> str:
    """Points by member and shop day."""
    within = {"within": {"last_days": days}}
    times = f"least(count(*), {entry['most_a_day']:d})" if "most_a_day" in entry else "count(*)"
    if entry["event"] == shape.ORDER:
        window = _window(compiler, within, "o.paid_at")
        rows = f"select member_id, paid_at as at from ({KEPT_ORDERS}{window}{compiler.narrowed('o.member_id')}) k"
    else:
        rows = f"""select e.member_id, e.occurred_at as at from activity_event e
            where e.name = {compiler.put(entry["event"], "text")} and e.occurred_at <= %(moment)s
            {_properties(compiler, entry)}{_window(compiler, within, "e.occurred_at")}{compiler.narrowed("e.member_id")}"""
    return f"""select member_id, (at at time zone 'Asia/Shanghai')::date as day, {times} * ({entry["points"]:d}) as points
        from ({rows}) r where member_id is not null group by 1, 2"""


def _properties(compiler: Compiler, said: dict[str, Any]) -> str:
    return "".join(
        f" and e.properties ->> {compiler.put(one['name'], 'text')} = any({compiler.put(one['values'], 'text[]')})"
        for one in said.get("properties", ())
    )


def _window(compiler: Compiler, said: dict[str, Any], column: str) -> str:
    return measures.window(compiler, said, column, "")


def _leaf(definition: dict[str, Any]) -> dict[str, Any]:
    """The parts that a leaf of a rule says in the same way."""
    return {name: definition[name] for name in ("within", "where") if name in definition}
