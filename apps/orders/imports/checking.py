"""Texts → values, set-based. Each row gets its first problem; an order with one bad row is out as a whole."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from django.db import DatabaseError, connection

from apps.orders.imports.columns import AMOUNTS, COLUMNS, OF_THE_ORDER, TEXT_LIMITS, TIMES

# The spaces of Excel and of Chinese input methods are blanks, too.
_BLANKS = r"E' \t\r\n\u3000\u00a0\ufeff'"

MOST_LINES = 10_000

_SHAPES = {
    "iso": r"^\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?( ?(Z|[+-]\d{2}(:?\d{2})?))?)?$",
    "slash": r"^\d{4}/\d{1,2}/\d{1,2}( +\d{1,2}:\d{2}(:\d{2})?)?$",
    "digits": r"^(19|20)\d{6}(\d{6})?$",
    "chinese": r"^\d{4}年\d{1,2}月\d{1,2}日?( *\d{1,2}(:\d{2}(:\d{2})?|[时点]\d{2}分(\d{2}秒)?))?$",
    "short": r"^\d{1,2}/\d{1,2}/\d{4}( +\d{1,2}:\d{2}(:\d{2})?)?$",
}
# Comparing is several times quicker than a regular expression; what these do not know, those decide.
_FREQUENT = "'0000-00-00 00:00:00', '0000-00-00T00:00:00', '0000-00-00 00:00', '0000-00-00'"
_AMOUNT = r"^(-?[¥￥]?|[¥￥]-)(\d{1,11}|\d{1,3}(,\d{3}){1,3})(\.\d+)?$"
_QUANTITY = r"^\d{1,9}(\.\d{1,3}0*)?$"


STEPS = 5  # of `check`, for its progress; each walks the whole file


def check(*, now: datetime, progress: Callable[[int], None] = lambda done: None) -> None:
    """Fill `import_rows` (typed), `import_heads` (orders), `import_goods` (rows of good orders), `import_rejects`.

    `progress` hears how many of the `STEPS` are done; it may raise to stop. No transaction spans them: others see how far it is.
    """
    with _room_to_sort(), connection.cursor() as cursor:
        cursor.execute("create temp table import_phones (member_no text, phone text, primary key (member_no, phone))")
        cursor.execute(_rows_sql(day_first=_day_first(cursor)), {"latest": now + timedelta(days=1)})
        progress(1)
        cursor.execute("create temp table import_heads as " + _HEADS)
        cursor.execute("analyze import_heads (order_no, line, size)")
        progress(2)
        _reject_contradictions(cursor)
        progress(3)
        cursor.execute("create temp table import_goods as " + _GOODS)
        progress(4)
        cursor.execute("create index on import_goods (head)")
        cursor.execute("analyze import_goods (head, line)")
        cursor.execute(_REJECTS)
        progress(5)


@contextmanager
def _room_to_sort() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("set work_mem = '64MB'")
        try:
            yield
        finally:
            with suppress(DatabaseError):  # a broken connection keeps nothing
                cursor.execute("reset work_mem")


def last_line() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(max(head), 0) from import_goods")
        return cursor.fetchone()[0]


def _day_first(cursor) -> bool | None:
    """Whether 22/11/2026 or 11/22/2026 is how this file writes dates; None when no date, or contradicting dates, tell."""
    firsts, seconds = [], []
    for name in TIMES:
        cursor.execute(
            f"select coalesce(bool_or(split_part({name}, '/', 1)::int > 12), false),"
            f" coalesce(bool_or(split_part({name}, '/', 2)::int > 12), false)"
            f" from (select btrim({name}, {_BLANKS}) as {name} from import_cells"
            f" where position('/' in {name}) between 2 and 4) c where {name} ~ %s",
            [_SHAPES["short"]],
        )
        first, second = cursor.fetchone()
        firsts.append(first)
        seconds.append(second)
    if any(firsts) == any(seconds):
        return None
    return any(firsts)


def _moment(name: str, *, day_first: bool | None) -> str:
    """The text of a column in PostgreSQL's own spelling, or null where its shape is none of ours."""
    day, month = ("1", "2") if day_first else ("2", "1")
    short = "null"
    if day_first is not None:
        parts = f"split_part({name}, '/', {month}) || '-' || split_part({name}, '/', {day})"
        short = f"substr(split_part({name}, '/', 3), 1, 4) || '-' || {parts} || substr(split_part({name}, '/', 3), 5)"
    digits = f"substr({name}, 1, 8) || case when length({name}) = 14 then ' ' || substr({name}, 9, 2) || ':'"
    digits += f" || substr({name}, 11, 2) || ':' || substr({name}, 13, 2) else '' end"
    chinese = f"rtrim(translate({name}, '年月日时点分秒', '-- ::::'), ': ')"
    return f"""case when translate({name}, '123456789', '000000000') in ({_FREQUENT}) then {name}
        when {name} ~ '{_SHAPES["iso"]}' then {name}
        when {name} ~ '{_SHAPES["slash"]}' then replace({name}, '/', '-')
        when {name} ~ '{_SHAPES["digits"]}' then {digits}
        when {name} ~ '{_SHAPES["chinese"]}' then {chinese}
        when {name} ~ '{_SHAPES["short"]}' then {short} end"""


def _is_number(name: str) -> str:
    return f"length({name}) <= 12 and {name} <> '.' and translate({name}, '0123456789', '') in ('', '.')"


def _full(name: str) -> str:
    """The same text with an offset; without one it is shop time, which has been +08 all year since 1992."""
    return f"""case when {name}_text like '____-__-_____:__:__' then {name}_text || '+08'
        when position(':' in {name}_text) = 0 then {name}_text || ' 00:00+08'
        when substr({name}_text, position(':' in {name}_text)) ~ '[Z+-]' then {name}_text
        else {name}_text || '+08' end"""


def _value(name: str) -> str:
    """The moment itself; a refund given as a bare date happened by the end of that day."""
    moment = f"case when pg_input_is_valid({name}_full, 'timestamptz') then {name}_full::timestamptz end"
    if name == "refunded_at":
        moment += f" + case when position(':' in {name}_text) = 0 then interval '86399 seconds' else interval '0' end"
    return moment


def _rows_sql(*, day_first: bool | None) -> str:
    trimmed = ", ".join(f"nullif(btrim({name}, {_BLANKS}), '') as {name}" for name in COLUMNS)
    shaped = ", ".join(f"{_moment(name, day_first=day_first)} as {name}_text" for name in TIMES)
    full = ", ".join(f"{_full(name)} as {name}_full" for name in TIMES)
    times = ", ".join(f"{_value(name)} as {name}_value" for name in TIMES)
    amounts = ", ".join(
        f"case when {_is_number(name)} then {name}::numeric * 100"
        f" when {name} ~ '{_AMOUNT}' then translate({name}, '¥￥,', '')::numeric * 100 end as {name}_value"
        for name in AMOUNTS
    )
    texts = ", ".join(TEXT_LIMITS)
    return f"""
        create temp table import_rows as
        select line, {texts}, paid_at_value as paid_at, refunded_at_value as refunded_at, quantity_value as quantity,
            total_value::bigint as total, line_total_value::bigint as line_total, discount_value::bigint as discount,
            {_problems()} as problem
        from (
            select *, {times}, {amounts},
                case when quantity = '1' then 1 when quantity ~ '{_QUANTITY}' then quantity::numeric end as quantity_value
            from (
                select *, {full} from (
                select *, {shaped}
                from (select line, problem as torn, {trimmed} from import_cells offset 0) cells offset 0
                ) shaped offset 0
            ) full_times offset 0
        ) typed"""


def _problems() -> str:
    """The first problem of a row as `code:column`."""
    found = ["when torn <> '' then torn || ':'"]
    found += [
        f"when {name} is null then 'value_missing:{name}'" for name in ("order_no", "member_no", "paid_at", "total")
    ]
    found += [f"when length({name}) > {limit} then 'cell_too_long:{name}'" for name, limit in TEXT_LIMITS.items()]
    for name in TIMES:
        found += [
            f"when {name} is not null and {name}_value is null then"
            f" case when {name} ~ '{_SHAPES['short']}' and {name}_text is null"
            f" then 'time_ambiguous:{name}' else 'time_unreadable:{name}' end",
            f"when {name}_value < '2000-01-01' or {name}_value > %(latest)s::timestamptz"
            f" then 'time_out_of_range:{name}'",
        ]
    found.append("when refunded_at_value < paid_at_value then 'refund_before_payment:refunded_at'")
    for name in AMOUNTS:
        found += [
            f"when {name} is not null and {name}_value is null then 'amount_unreadable:{name}'",
            f"when {name}_value < 0 then 'amount_negative:{name}'",
            f"when {name}_value <> trunc({name}_value) then 'amount_decimals:{name}'",
        ]
    found.append("when quantity is not null and coalesce(quantity_value, 0) <= 0 then 'quantity_unreadable:quantity'")
    return "case " + "\n".join(found) + " end"


# One row per order number: the line of its first row, how many rows, whether one of them is bad.
_HEADS = """
    select order_no, min(line) as line, count(*) as size, bool_or(problem is not null) as is_bad,
        count(line_total) as amounts, count(coalesce(sku, product, category)) as things
    from import_rows where order_no is not null group by order_no
"""

# Rows that repeat an order without saying anything of its lines are the same row written twice.
_GOODS = """
    select h.line as head, h.size, row_number() over (partition by h.line order by r.line) as line_no, r.*
    from import_heads h join import_rows r using (order_no)
    where not h.is_bad and (r.line = h.line or h.amounts > 0 or h.things > 0)
    order by h.line, r.line
"""

_REJECTS = """
    insert into import_rejects (line, cell, code)
    select r.line, split_part(coalesce(r.problem, 'order_incomplete:order_no'), ':', 2),
        split_part(coalesce(r.problem, 'order_incomplete:order_no'), ':', 1)
    from import_rows r left join import_heads h using (order_no)
    where r.problem is not null or h.is_bad
"""


def _reject_contradictions(cursor) -> None:
    """Rows of one order must agree on what belongs to the order, and each carry an amount."""
    differs = "\n".join(
        f"when r.{name} is distinct from f.{name} then 'order_rows_disagree:{name}'" for name in OF_THE_ORDER
    )
    cursor.execute(
        f"""
        with found as (
            select r.line, r.order_no, case when h.size > {MOST_LINES} then 'order_too_long:order_no' {differs}
                when r.line_total is null and (h.amounts > 0 or h.things > 0) then 'line_total_missing:line_total' end as problem
            from import_heads h join import_rows r using (order_no) join import_rows f on f.line = h.line
            where h.size > 1 and not h.is_bad
        ), marked as (
            update import_rows r set problem = found.problem from found where found.problem is not null and found.line = r.line
            returning r.order_no
        )
        update import_heads h set is_bad = true from marked where marked.order_no = h.order_no"""
    )


def repeated_rows() -> int:
    """Rows of good orders left out because they say what the first row of the order said."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(sum(size - 1), 0) from import_heads where size > 1 and not is_bad and amounts = 0 and things = 0"
        )
        return int(cursor.fetchone()[0])
