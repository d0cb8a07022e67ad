"""Rules beside SQL written by hand, and builds by changes beside whole ones. Runs on a scratch database filled with orders."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import Any

from django.db import connection

from apps.members import minors
from apps.orders.generated import END
from apps.segments import building, defining, language, refresh

Line = dict[str, Any]
ROUNDS, SEGMENTS, CHANGED = 5, 100, 20_000
WHOLE = {"S": 3, "M": 2, "L": 1}  # rounds of a hundred whole builds
_ACTIVE = "m.status = 'active'"
_LEFT_IN_PEACE = f"""not exists (select from members_consentnow p where p.member_id = m.id and p.purpose = 'profiling'
    and p.channel = 'any' and not p.is_granted) and not {minors.UNGUARDED}"""
# Name, rule, and what somebody who knows the tables would write for it.
RULES: tuple[tuple[str, dict[str, Any], str], ...] = (
    (
        "rare tag and store",
        {"all": [
            {"field": "tags", "op": "any_of", "value": ["rare"]}, {"field": "home_store", "op": "in", "value": ["B1"]},
        ]},
        f"""select count(*) from members_member m join stores_store st on st.id = m.home_store_id
            where {_ACTIVE} and m.tags && array['rare']::varchar[] and st.code = 'B1'""",
    ),
    (
        "common tag, stage and consent",
        {"all": [
            {"field": "tags", "op": "any_of", "value": ["common"]}, {"field": "stage", "op": "in", "value": ["lapsing", "dormant"]},
            {"field": "consent", "key": "care:sms", "op": "is", "value": True},
        ]},
        f"""select count(*) from members_member m join segments_memberstats s on s.member_id = m.id
            left join members_consentnow k on k.member_id = m.id and k.purpose = 'care' and k.channel = 'sms'
              and (k.valid_until is null or k.valid_until > '{END.isoformat()}')
            left join members_consentnow w on w.member_id = m.id and w.purpose = 'care' and w.channel = 'any'
              and (w.valid_until is null or w.valid_until > '{END.isoformat()}')
            where {_ACTIVE} and {_LEFT_IN_PEACE} and m.tags && array['common']::varchar[] and s.stage in ('lapsing', 'dormant')
              and coalesce(k.is_granted, w.is_granted) and coalesce(k.is_granted, true) and coalesce(w.is_granted, true)""",
    ),
    (
        "member field and money",
        {"all": [
            {"field": "attribute", "key": "skin", "op": "in", "value": ["dry"]}, {"field": "net_cents", "op": "gte", "value": 100_000},
        ]},
        f"""select count(*) from members_member m join segments_memberstats s on s.member_id = m.id
            where {_ACTIVE} and {_LEFT_IN_PEACE} and m.attributes ->> 'skin' = 'dry' and s.net_cents >= 100000""",
    ),
    (
        "any of three tags, not a fourth, away for so long",
        {"all": [
            {"field": "tags", "op": "any_of", "value": ["rare", "common", "third"]},
            {"not": {"field": "tags", "op": "any_of", "value": ["fourth"]}},
            {"field": "last_order_at", "op": "within", "value": {"days_ago": [60, 180]}},
        ]},
        f"""select count(*) from members_member m join segments_memberstats s on s.member_id = m.id
            where {_ACTIVE} and {_LEFT_IN_PEACE} and m.tags && array['rare', 'common', 'third']::varchar[]
              and not m.tags && array['fourth']::varchar[]
              and s.last_order_at >= ('{END.isoformat()}'::timestamptz at time zone 'Asia/Shanghai')::date::timestamp
                    at time zone 'Asia/Shanghai' - interval '180 days'
              and s.last_order_at < ('{END.isoformat()}'::timestamptz at time zone 'Asia/Shanghai')::date::timestamp
                    at time zone 'Asia/Shanghai' - interval '59 days'""",
    ),
    (
        "broad or of two figures",
        {"any": [{"field": "orders", "op": "gte", "value": 10}, {"field": "net_cents", "op": "gte", "value": 500_000}]},
        f"""select count(*) from members_member m join segments_memberstats s on s.member_id = m.id
            where {_ACTIVE} and {_LEFT_IN_PEACE} and (s.orders >= 10 or s.net_cents >= 500000)""",
    ),
    (
        "two orders in sixty days",
        {"field": "order_count", "op": "gte", "value": 2, "within": {"last_days": 60}},
        f"""select count(*) from members_member m where {_ACTIVE} and {_LEFT_IN_PEACE} and m.id in (
              select o.member_id from orders_order o where o.status <> 'cancelled' and (o.total_cents > o.refunded_cents
                  or exists (select from orders_refund r where r.order_id = o.id and r.refunded_at > '{END.isoformat()}'))
                and o.paid_at <= '{END.isoformat()}'
                and o.paid_at >= ('{END.isoformat()}'::timestamptz at time zone 'Asia/Shanghai')::date::timestamp
                      at time zone 'Asia/Shanghai' - interval '59 days'
              group by 1 having count(*) >= 2)""",
    ),
)  # fmt: skip
_EMPTY = f"truncate {', '.join(f'segments_{name}' for name in ('membership', 'passage', 'build', 'ruleversion', 'segment'))} cascade"
_SETTINGS = "set work_mem = '128MB'; set jit = off; set random_page_cost = 1.1"


def bench_rules(size: str) -> Iterator[Line]:
    """Seconds, ours and by hand in turns, medians of five; then a hundred segments whole, and by the changes of 20,000 members.

    The connection must own its tables: tags, fields and consents are drawn anew, segments are emptied before and after.
    """
    took, _ = _timed(_fill)
    yield _line("members filled in", size, took, None)
    _run(_SETTINGS)
    for name, rule, by_hand in RULES:
        ours, theirs = [], []
        for _ in range(ROUNDS):
            took, wanted = _timed(partial(_one, by_hand))
            theirs.append(took)
            took, found = _timed(partial(_count, rule))
            ours.append(took)
            if found != wanted:
                raise RuntimeError(f"{name}: {found} by the rule, {wanted} by hand")
        yield _line(f"rule: {name}", size, median(ours), median(theirs))
    yield from _bench_builds(size)
    _run(_EMPTY)


def _bench_builds(size: str) -> Iterator[Line]:
    for number in range(SEGMENTS):
        _name, rule, _sql = RULES[number % len(RULES)]
        bucket = {"field": "bucket", "key": "bench", "op": "lte", "value": 1_000 + number * 10}
        defining.create(key=f"bench-{number}", name=f"Bench {number}", rule={"all": [rule, bucket]})
    took, _ = _timed(lambda: building.build(END))
    yield _line(f"{SEGMENTS} segments for the first time", size, took, None)
    whole = median(_timed(lambda: building.build(END, full=True))[0] for _ in range(WHOLE[size]))
    yield _line(f"{SEGMENTS} segments whole", size, whole, None)
    members = _one("select count(*) from members_member")
    few = min(CHANGED, members // 5)
    again = []
    for _ in range(3):
        _run(
            f"update members_member set birth_day = coalesce(birth_day, 1) where id in (select id from members_member limit {few})"
        )
        again.append(_timed(lambda: building.build(END))[0])
    yield _line(f"{SEGMENTS} segments by changes of {few}", size, median(again), whole)
    idle = median(_timed(lambda: building.build(END))[0] for _ in range(3))
    yield _line(f"{SEGMENTS} segments, nothing new", size, idle, whole)


def _fill() -> None:
    """Tags of four frequencies, a field, a store, and consents, the same ones each time; stats as of the end of the orders."""
    _run(_EMPTY)
    _run("""
        insert into members_consentnow (member_id, purpose, channel, is_granted, at, text_version)
        select id, 'care', 'sms', id % 4 > 0, now(), '1' from members_member on conflict do nothing
    """)
    if _one("select count(*) from members_member where tags <> '{}'"):
        _run("truncate segments_stir; analyze members_consentnow")
        return
    _run(
        "insert into stores_store (code, name, is_open, created_at) values ('B1', 'Bench', true, now()) on conflict do nothing"
    )
    _run("""
        update members_member set attributes = case when id % 3 = 0 then '{"skin": "dry"}'::jsonb else '{"skin": "oily"}'::jsonb end,
            home_store_id = case when id % 5 = 0 then (select id from stores_store where code = 'B1') end,
            tags = array_remove(array[case when id % 500 = 0 then 'rare' end, case when id % 3 = 1 then 'common' end,
                case when id % 20 = 7 then 'third' end, case when id % 6 = 1 then 'fourth' end], null)::varchar[]
    """)
    _run("insert into members_attribute (key, label, type, choices, is_searchable, is_shown, position)"
         " values ('skin', 'Skin', 'text', '[]', false, true, 0) on conflict do nothing")  # fmt: skip
    refresh.refresh(END, full=True)
    _run("truncate segments_stir")
    for table in ("members_member", "members_consentnow", "segments_memberstats", "orders_order"):
        _run(f"vacuum (analyze) {table}")


def _count(rule: dict[str, Any]) -> int:
    read = language.compiled(rule, moment=END)
    with connection.cursor() as cursor:
        cursor.execute(read.members("count(*)"), read.params)
        return int(cursor.fetchone()[0])


def _one(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query, minors.as_of(END))
        return int(cursor.fetchone()[0])


def _run(statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statements)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    found = work()
    return time.perf_counter() - begun, found


def _line(name: str, size: str, figure: float, baseline: float | None) -> Line:
    ratio = round(figure / baseline, 3) if baseline else None
    return {
        "name": name,
        "size": size,
        "figure": round(figure, 4),
        "baseline": baseline and round(baseline, 4),
        "ratio": ratio,
    }
