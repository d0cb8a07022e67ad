"""The books of an invented house, by pure SQL: twenty lines a member that contradict nothing, millions in minutes.

For scratch databases whose members have the ids 1..n and no points yet. Four times a member earns twice, spends, and is given part of
it back; three times the rest runs out, at last a part is set aside (every tenth member) or taken back.
"""

from datetime import UTC, datetime

from django.db import connection

from apps.orders.generated import bare_tables

END = datetime(2026, 10, 31, 16, 0, tzinfo=UTC)
LINES, ROUNDS = 20, 4
CHUNK = 100_000
TABLES = ("points_account", "points_entry", "points_lot", "points_use", "points_hold")

# Of member m in round r: `a` and `4 q` points are earned, `a + 2 q` spent, `q` given back, so 3 q are left.
_AMOUNTS = """
    generate_series(%(first)s::bigint, %(last)s) m, generate_series(0, 3) r,
    lateral (select 50 + (hashint8(m * 4 + r) & 63) as a, 10 + (hashint8(m * 4 + r + 7) & 31) as q,
                    %(end)s - interval '2 years' + r * interval '180 days' as at, (m - 1) * 20 + r * 5 as base, r = 3 as is_last,
                    m %% 10 = 0 as holds) x
"""
_FILL = (
    f"""insert into points_account (id, member_id, currency_id, balance, pending, held, debt, earned_total, next_due_at, is_frozen,
                                    is_joint, created_at)
        select m, m, (select id from points_currency where key = 'points'), sum(case when is_last then 2 * q else 0 end), 0,
               sum(case when is_last and holds then q else 0 end), 0, sum(a + 4 * q), %(end)s + interval '1 year', false, false,
               %(end)s - interval '2 years'
        from {_AMOUNTS} group by m""",
    f"""insert into points_entry (id, account_id, kind, amount, pending, held, debt, granted, balance_after, source, reverses_id,
                                  undone, note, at)
        select base + l.n, m, l.kind, l.amount, 0, case when l.kind = 'hold' then q else 0 end, 0, l.granted, l.after,
               l.kind || ':' || base + l.n, base + l.undoes, l.undone, '', at + l.n * interval '1 day'
        from {_AMOUNTS}, lateral (values
            (1, 'earn', a, a, a, null, 0),
            (2, 'earn', 4 * q, 4 * q, a + 4 * q, null, 0),
            (3, 'spend', -a - 2 * q, 0, 2 * q, null, 0),
            (4, 'return', q, 0, 3 * q, 3, q),
            (5, case when not is_last then 'expire' when holds then 'hold' else 'reverse' end,
                case when is_last then -q else -3 * q end, 0, case when is_last then 2 * q else 0 end,
                case when is_last and not holds then 2 end, case when is_last and not holds then q else 0 end)
        ) l(n, kind, amount, granted, after, undoes, undone)
        order by m, r, l.n""",
    f"""insert into points_lot (id, account_id, entry_id, amount, remaining, expired, reversed, forgiven, earned_at, activated_at,
                                expires_at)
        select (base / 5) * 2 + l.n, m, base + l.n, l.amount, l.remaining, l.expired, l.reversed, 0,
               at + l.n * interval '1 day', at + l.n * interval '1 day',
               case when is_last then %(end)s + interval '1 year' else at + interval '5 days' end
        from {_AMOUNTS}, lateral (values
            (1, a, 0, 0, 0),
            (2, 4 * q, case when is_last then 2 * q else 0 end, case when is_last then 0 else 3 * q end,
                case when is_last and not holds then q else 0 end)
        ) l(n, amount, remaining, expired, reversed)
        order by m, r, l.n""",
    f"""insert into points_use (id, entry_id, lot_id, kind, amount)
        select (base / 5) * 4 + u.n, base + u.line, (base / 5) * 2 + u.lot, u.kind, u.amount
        from {_AMOUNTS}, lateral (values
            (1, 3, 1, 'spend', a),
            (2, 3, 2, 'spend', 2 * q),
            (3, 4, 2, 'spend', -q),
            (4, 5, 2, case when not is_last then 'expire' when holds then 'spend' else 'reverse' end,
                case when is_last then q else 3 * q end)
        ) u(n, line, lot, kind, amount)
        order by m, r, u.n""",
    f"""insert into points_hold (entry_id, state, captured, expires_at)
        select base + 5, 'held', 0, %(end)s + interval '1 year' from {_AMOUNTS} where is_last and holds""",
)


def fill_books(*, members: int) -> None:
    """The connection must own the tables: their indexes and keys are away while it loads."""
    with connection.cursor() as cursor:
        cursor.execute("truncate points_account, points_fault cascade")
        with bare_tables(TABLES):
            for first in range(1, members + 1, CHUNK):
                for statement in _FILL:
                    cursor.execute(statement, {"first": first, "last": min(first + CHUNK - 1, members), "end": END})
        for table in TABLES[:-1]:
            cursor.execute(f"select setval(pg_get_serial_sequence('{table}', 'id'), (select max(id) from {table}))")
        for table in TABLES:
            cursor.execute(f"vacuum (analyze) {table}")
