"""What the reckoning needs to know, read for many things at once: live rules, members, orders, and what was given before."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from django.db import connection

from apps.members.models import Member
from apps.points import reckoning
from apps.points.earning import Rule
from apps.points.models import Benefit, Tier
from apps.points.reckoning import Books, LiveRule, Occasion, Person, Piece

HERE = [Member.Status.ACTIVE.value, Member.Status.FROZEN.value]


def live_rules(*triggers: str) -> list[LiveRule]:
    """Active rules of these triggers in their published versions."""
    rules = Rule.objects.filter(is_active=True, trigger__in=triggers).select_related("current", "currency")
    return [as_live(rule) for rule in rules]


def as_live(rule: Rule, *, definition: Mapping[str, Any] | None = None) -> LiveRule:
    """The rule by its published version, or by another definition that is only being tried."""
    version = rule.current
    return LiveRule(
        id=rule.pk,
        key=rule.key,
        version_id=version.pk if version else None,
        currency_id=rule.currency_id,
        is_spendable=rule.currency.is_spendable,
        trigger=rule.trigger,
        definition=definition or (version.definition if version else {"give": {"kind": "fixed", "points": 1}}),
        is_active=rule.is_active or definition is not None,
    )


_PERSONS = """
select m.id, coalesce(m.merged_into_id, m.id), r.status = any(%(here)s), r.birth_month, r.birth_day, t.id, t.key
from members_member m join members_member r on r.id = coalesce(m.merged_into_id, m.id)
left join points_standing s on s.member_id = r.id
left join points_tier t on t.id = coalesce(s.tier_id, (select id from points_tier order by rank limit 1))
where m.id = any(%(members)s)
"""
_BENEFITS = """
select tier_id, kind, value from points_benefit where kind in ('multiplier', 'birthday') order by position desc, id desc
"""


def persons(member_ids: Iterable[int]) -> dict[int, Person]:
    """By the id asked for; an alias leads to the record that counts."""
    with connection.cursor() as cursor:
        cursor.execute(_BENEFITS)
        benefits: dict[tuple[int, str], Any] = {
            (tier, kind): json.loads(value) for tier, kind, value in cursor.fetchall()
        }
        cursor.execute(_PERSONS, {"members": sorted(set(member_ids)), "here": HERE})
        rows = cursor.fetchall()
    return {
        asked: Person(
            member_id=member_id,
            tier=tier or "",
            factor=_factor(benefits.get((tier_id, "multiplier"))),
            birthday_points=int((benefits.get((tier_id, "birthday")) or {}).get("points", 0)),
            birthday=(month, day) if month and day else None,
            is_here=is_here,
        )
        for asked, member_id, is_here, month, day, tier_id, tier in rows
    }


def invented(*, tier: str) -> Person:
    """Somebody of this tier ("": the lowest) who is nobody's record."""
    tier = tier or Tier.objects.order_by("rank").values_list("key", flat=True).first() or ""
    rows = Benefit.objects.filter(tier__key=tier).order_by("-position", "-pk").values_list("kind", "value")
    benefits = dict(rows)  # the first of a kind counts
    return Person(
        member_id=0,
        tier=tier,
        factor=_factor(benefits.get(Benefit.Kind.MULTIPLIER)),
        birthday_points=int((benefits.get(Benefit.Kind.BIRTHDAY) or {}).get("points", 0)),
    )


def _factor(value: Mapping[str, Any] | None) -> Fraction:
    return Fraction(str((value or {}).get("factor", "1")))


# An order that was given back whole, or another that costs nothing, is no earlier one.
_ORDERS = """
select o.id, o.member_id, o.paid_at, o.received_at, o.status, o.total_cents, o.refunded_cents, o.store_id,
       coalesce(s.code, ''), o.channel,
       not %(asks_first)s or not exists (
           select from orders_order p where p.member_id = o.member_id and (p.paid_at, p.id) < (o.paid_at, o.id)
              and p.status <> 'cancelled' and p.total_cents > p.refunded_cents)
from orders_order o left join stores_store s on s.id = o.store_id where o.id = any(%(orders)s)
"""
_LINES = """
select l.order_id, l.id, l.line_no, l.total_cents, coalesce(p.sku, ''), coalesce(c.name, '')
from orders_line l left join catalog_product p on p.id = l.product_id left join catalog_category c on c.id = p.category_id
where l.order_id = any(%s) order by l.order_id, l.line_no
"""


def of_orders(order_ids: Sequence[int], *, asks_first: bool) -> list[Occasion]:
    """Orders as they were paid for, in the order of their payment. `asks_first`: a rule wants to know about first orders."""
    lines = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [list(order_ids)])
        for order_id, line_id, line_no, cents, sku, category in cursor.fetchall():
            lines[order_id].append(Piece(cents=cents, line_id=line_id, line_no=line_no, sku=sku, category=category))
        cursor.execute(_ORDERS, {"orders": list(order_ids), "asks_first": asks_first})
        rows = cursor.fetchall()
    found = []
    for order_id, member_id, paid_at, received_at, status, total, refunded, store_id, store, channel, is_first in rows:
        found.append(
            Occasion(
                trigger="order",
                member_id=member_id,
                key=f"order:{order_id}",
                at=paid_at,
                received_at=received_at,
                pieces=reckoning.pieces(total, lines[order_id]),
                total_cents=total,
                order_id=order_id,
                store_id=store_id,
                store=store,
                channel=channel,
                is_first=is_first,
                is_partly_refunded=0 < refunded < total,
                refusal=_against(status, paid_at, total, refunded),
            )
        )
    return sorted(found, key=lambda one: (one.at is None, one.at, one.order_id))


def _against(status: str, paid_at: Any, total: int, refunded: int) -> str:
    if paid_at is None or status == "cancelled":
        return "not_paid"
    if total == 0:  # nothing could be given back, and so nothing would be taken back
        return "nothing_paid"
    return "refunded" if refunded >= total else ""


# An award counts as a time unless all that it gave was taken back; its points count anyway: a refund makes no room under a cap.
_GIVEN = """
select coalesce(m.merged_into_id, m.id), w.rule_id, w."on", sum(w.points),
       count(distinct w.entry_id) filter (where l.amount > l.reversed)
from points_award w join points_account a on a.id = w.account_id join members_member m on m.id = a.member_id
left join points_lot l on l.entry_id = w.entry_id
where w.account_id in (select a.id from points_account a join members_member m on m.id = a.member_id
                       where m.id = any(%(members)s) or m.merged_into_id = any(%(members)s))
  and w.rule_id = any(%(rules)s) and w."on" between %(first)s and %(last)s and w.points > 0
group by 1, 2, 3
"""


def given(member_ids: Sequence[int], rules: Sequence[LiveRule], days: Sequence[date]) -> Books:
    """What those of the rules that have limits gave before, as far as the limits of these days ask; no account's room yet."""
    books, asked = Books(), {rule.id: periods for rule in rules if (periods := _periods(rule))}
    if not asked or not days:
        return books
    spans = [reckoning.period(per, day) for per in set().union(*asked.values()) for day in (min(days), max(days))]
    values: dict[str, Any] = {
        "members": list(member_ids),
        "rules": list(asked),
        "first": min(first for first, _last in spans),
        "last": max(last for _first, last in spans),
    }
    with connection.cursor() as cursor:
        cursor.execute(_GIVEN, values)
        for member_id, rule_id, on, points, times in cursor.fetchall():
            books.given.setdefault((member_id, rule_id), []).append((on, int(points), times))
    return books


def _periods(rule: LiveRule) -> set[str]:
    periods: set[str] = {cap["per"] for cap in rule.definition.get("caps", ())}
    if rule.times:
        periods.add(rule.times[0])
    return periods - {"transaction"}
