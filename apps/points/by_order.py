"""What one order brought and cost in points, and why it brought nothing."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from apps.points import reasons, rules

# By rule: what its lines were given in all, what was taken back of it since, and until when it waits (a day, or some fact).
_BROUGHT = """
select case when %(english)s then r.name_en else r.name end, case when %(english)s then c.name_en else c.name end,
       sum(w.points)::bigint, max(w.reason), coalesce(points_undone_of(w.entry_id), 0), coalesce(l.waits, false), l.due_at
from points_award w join points_rule r on r.id = w.rule_id join points_currency c on c.id = r.currency_id
left join lateral (
    select t.activated_at is null and t.remaining > 0 as waits, t.due_at from points_lot t where t.entry_id = w.entry_id) l on true
where w.order_id = %(order)s
group by r.id, c.id, w.entry_id, l.waits, l.due_at order by c.id, r.key
"""
_PAID = """
select coalesce(sum(p.points), 0)::bigint,
       coalesce((select sum(points_undone_of(e.entry_id)) from (
           select distinct entry_id from points_payment where order_id = %(order)s) e), 0)::bigint
from points_payment p where p.order_id = %(order)s
"""


@dataclass(frozen=True)
class Brought:
    """What one rule gave. `taken_back`: of it, by refunds. `waits`: not usable yet, from `due_at` on (None: when something happens).
    `reason`: why it is less or more than the rule's own number; "" for neither."""

    rule: str
    currency: str
    points: int
    reason: str
    taken_back: int
    waits: bool
    due_at: datetime | None

    @property
    def stays(self) -> int:
        return self.points - self.taken_back


@dataclass(frozen=True)
class Silent:
    """A rule that gave nothing, and why: judged as things stand now. "" when it would give something by now."""

    rule: str
    reason: str


@dataclass(frozen=True)
class Yield:
    """`paid`: points that paid for the order, `returned` of them since. `silent` is told only where the order brought nothing."""

    brought: tuple[Brought, ...]
    paid: int
    returned: int
    silent: tuple[Silent, ...]


def of(*, order_id: int, is_paid: bool, language: str) -> Yield:
    """What the books say of an order. Five queries at most, and the rules' own where it brought nothing."""
    is_english = language.startswith("en")
    values = {"order": order_id, "english": is_english}
    with connection.cursor() as cursor:
        cursor.execute(_BROUGHT, values)
        brought = tuple(
            Brought(rule, currency, points, reasons.text(reason), taken, waits, due)
            for rule, currency, points, reason, taken, waits, due in cursor.fetchall()
        )
        cursor.execute(_PAID, values)
        paid, returned = cursor.fetchone()
    nothing = is_paid and not any(row.points for row in brought)
    return Yield(brought, paid, returned, _silent(order_id, is_english=is_english) if nothing else ())


def _silent(order_id: int, *, is_english: bool) -> tuple[Silent, ...]:
    names = rules.names(is_english=is_english)
    return tuple(
        Silent(names[made.rule.id], "" if made.points else reasons.text(made.reason))
        for made in rules.dry_run(order_id=order_id)
        if made.rule.is_active
    )
