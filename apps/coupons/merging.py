"""Two records of one person: the coupons of one become the other's, none lost to the limit per member, and go back with their numbers.

`apps/flows/repointing.py` calls it in the transaction of the merge, keeps the notes and hands them back for an undoing.
"""

from collections.abc import Mapping, Sequence

from django.db import connection

COUPON, SPENT = "coupons.Coupon", "coupons.Spent"
_MOVE = """
with theirs as (
    select c.id, c.nth, c.template_id, row_number() over (partition by c.template_id order by c.nth) as place
      from coupons_coupon c where c.member_id = %(giver)s and c.nth is not null
), numbered as (
    select t.id, t.nth, t.place + coalesce(
               (select max(o.nth) from coupons_coupon o where o.template_id = t.template_id and o.member_id = %(taker)s), 0) as after
      from theirs t
    union all select id, null, null from coupons_coupon where member_id = %(giver)s and nth is null
)
update coupons_coupon c set member_id = %(taker)s, nth = n.after from numbered n where c.id = n.id
returning c.id || ':' || coalesce(n.nth::text, '')
"""
# Somebody issued to the alias at the very moment of the merge: then two go back with one number, and the later one takes the next.
_BACK = """
with said as (
    select c.id, c.template_id, n.nth, row_number() over (partition by c.template_id, n.nth order by c.id) - 1 as extra
      from (select split_part(note, ':', 1)::bigint as id, nullif(split_part(note, ':', 2), '')::int as nth
              from unnest(%(notes)s::text[]) note) n
      join coupons_coupon c on c.id = n.id and c.member_id = %(giver)s
), numbered as (
    select id, case when extra = 0 or nth is null then nth
                    else max(nth) over (partition by template_id)
                         + row_number() over (partition by template_id, extra > 0 and nth is not null order by id) end as nth
      from said
)
update coupons_coupon c set member_id = %(taker)s, nth = n.nth from numbered n where c.id = n.id
"""
# What of budgets per member is used up counts for whoever counts now: "m7" and "m7:2026-11" of one go to the other's.
_SPENT = """
with gone as (
    update coupons_spent s set amount = 0 from (
        select id, amount from coupons_spent
         where (key = 'm' || %(giver)s or key like 'm' || %(giver)s || ':%%') and amount > 0 for update
    ) was where s.id = was.id returning s.budget_id, s.key, was.amount
), added as (
    insert into coupons_spent (budget_id, key, amount)
    select budget_id, regexp_replace(key, '^m[0-9]+', 'm' || %(taker)s), amount from gone order by budget_id
    on conflict (budget_id, key) do update set amount = coupons_spent.amount + excluded.amount
)
select budget_id || '|' || key || '|' || amount from gone
"""
_SPENT_BACK = """
with said as (
    select split_part(note, '|', 1)::bigint as budget_id, split_part(note, '|', 2) as key, split_part(note, '|', 3)::bigint as amount
      from unnest(%(notes)s::text[]) note
), less as (
    update coupons_spent s set amount = greatest(s.amount - g.amount, 0) from said g
     where s.budget_id = g.budget_id and s.key = regexp_replace(g.key, '^m[0-9]+', 'm' || %(giver)s)
)
update coupons_spent s set amount = s.amount + g.amount from said g where s.budget_id = g.budget_id and s.key = g.key
"""


def move(*, giver_id: int, taker_id: int) -> dict[str, list[str]]:
    """Returns notes by table for `give_back`. Repeatable: a second time finds what came meanwhile."""
    return {COUPON: _run(_MOVE, giver_id, taker_id), SPENT: _run(_SPENT, giver_id, taker_id)}


def give_back(*, giver_id: int, taker_id: int, notes: Mapping[str, Sequence[str]]) -> int:
    """What `move` brought to the giver and is still theirs goes back. Returns how many coupons."""
    with connection.cursor() as cursor:
        cursor.execute(_SPENT_BACK, {"giver": giver_id, "taker": taker_id, "notes": list(notes.get(SPENT, ()))})
        cursor.execute(_BACK, {"giver": giver_id, "taker": taker_id, "notes": list(notes.get(COUPON, ()))})
        return cursor.rowcount


def _run(statement: str, giver_id: int, taker_id: int) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"giver": giver_id, "taker": taker_id})
        return [note for (note,) in cursor.fetchall()]
