"""What contradicts itself in the books of coupons, by name: counters against the rows they count, states against uses, budgets against
what was saved. Each query is one statement and so one moment; what goes on meanwhile is never taken for a fault.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

AT_MOST = 1000  # of each kind are named; all are counted


@dataclass(frozen=True)
class Kind:
    """`sql` answers template, row (its id in the table that the text speaks of), expected, found."""

    text: str | Promise
    sql: str


@dataclass(frozen=True)
class Fault:
    kind: str
    template_id: int
    row: int
    expected: str
    found: str


@dataclass(frozen=True)
class Checked:
    """`faults`: at most so many of each kind; `count`: how many there are."""

    coupons: int
    uses: int
    faults: tuple[Fault, ...]
    count: int


_LIVE = "u.state in ('reserved', 'done')"
_BUDGET = f"""
with wanted as (
    select b.id, k.key, sum(case b.of when 'uses' then 1 else u.saved_cents end) as n
      from coupons_budget b join coupons_use u on u.template_id = b.template_id and {_LIVE} and (b.since <= u.at) is not false
     cross join lateral coupons_budget_key(b.per, u.member_id, u.store_id, u.at) k(key)
     where k.key is not null group by 1, 2
)
select b.template_id, b.id, coalesce(w.n, 0), coalesce(s.amount, 0)
  from wanted w full join coupons_spent s on s.budget_id = w.id and s.key = w.key
  join coupons_budget b on b.id = coalesce(w.id, s.budget_id)
 where coalesce(w.n, 0) <> coalesce(s.amount, 0)
"""
KINDS: Mapping[str, Kind] = {
    "stock": Kind(
        _("The stock counts other than there are coupons."),
        """select s.template_id, s.template_id, coalesce(c.n, 0), s.issued from coupons_stock s
             left join (select template_id, count(*) as n from coupons_coupon where parent_id is null group by 1) c
                    on c.template_id = s.template_id
            where s.issued <> coalesce(c.n, 0)""",
    ),
    "oversold": Kind(
        _("More was issued than the stock has."),
        "select template_id, template_id, most, issued from coupons_stock where issued > most",
    ),
    "number_twice": Kind(
        _("A member has the same place under the limit twice."),
        """select template_id, max(id), 1, count(*) from coupons_coupon where nth is not null
            group by template_id, member_id, nth having count(*) > 1""",
    ),
    "code_twice": Kind(
        _("A code stands for two coupons."),
        """select max(template_id), max(id), 1, count(*) from coupons_coupon where code is not null
            group by code having count(*) > 1""",
    ),
    "source_twice": Kind(
        _("Two coupons were issued for the same reason."),
        """select max(template_id), max(id), 1, count(*) from coupons_coupon where source is not null
            group by source having count(*) > 1""",
    ),
    "other_terms": Kind(
        _("A coupon follows the terms of another template."),
        """select c.template_id, c.id, c.template_id, v.template_id from coupons_coupon c join coupons_version v on v.id = c.version_id
            where v.template_id <> c.template_id""",
    ),
    "batch": Kind(
        _("A batch counts other than it has codes."),
        """select b.template_id, b.id, coalesce(c.n, 0), b.made from coupons_batch b
             left join (select batch_id, count(*) as n from coupons_coupon where batch_id is not null group by 1) c on c.batch_id = b.id
            where b.made <> coalesce(c.n, 0)""",
    ),
    "used_twice": Kind(
        _("A coupon has two uses that count."),
        f"select max(template_id), coupon_id, 1, count(*) from coupons_use u where {_LIVE} group by coupon_id having count(*) > 1",
    ),
    "state_of_use": Kind(
        _("A coupon's state is not that of its use."),
        f"""select c.template_id, c.id, coalesce(case u.state when 'done' then 'used' else u.state end, 'ready'), c.state
              from coupons_coupon c left join coupons_use u on u.coupon_id = c.id and {_LIVE}
             where case u.state when 'done' then 'used' else u.state end
                   is distinct from case when c.state in ('used', 'reserved') then c.state end""",
    ),
    "use_elsewhere": Kind(
        _("A use names another template or member than its coupon."),
        f"""select u.template_id, u.id, c.template_id || '/' || c.member_id, u.template_id || '/' || u.member_id
              from coupons_use u join coupons_coupon c on c.id = u.coupon_id
             where {_LIVE} and (u.template_id, u.member_id) is distinct from (c.template_id, c.member_id)""",
    ),
    "act_torn": Kind(
        _("Of one act some coupons are used and others not."),
        """select max(template_id), max(id), 1, count(distinct state) from coupons_use
            group by source having count(distinct state) > 1""",
    ),
    "use_untold": Kind(
        _("A use has no line in the history of its coupon."),
        """select u.template_id, u.id, case u.state when 'done' then 'used' else 'returned' end, '' from coupons_use u
            where u.state in ('done', 'taken_back') and not exists (
                select from coupons_entry e where e.use_id = u.id and e.coupon_id = u.coupon_id
                   and e.kind = case u.state when 'done' then 'used' else 'returned' end)""",
    ),
    "given": Kind(
        _("A coupon is given away without a friend who took it, or was taken and is not given away."),
        """select c.template_id, c.id, coalesce(g.state, ''), c.state from coupons_coupon c
             left join coupons_gift g on g.coupon_id = c.id and g.state = 'claimed'
            where (c.state = 'given') <> (g.id is not null)""",
    ),
    "child": Kind(
        _("A coupon from a friend has no gift that it came by, or other terms than the giver's."),
        """select c.template_id, c.id, p.version_id, c.version_id from coupons_coupon c join coupons_coupon p on p.id = c.parent_id
            where c.version_id <> p.version_id or not exists (
                select from coupons_gift g where g.coupon_id = p.id and g.child_id = c.id and g.state = 'claimed')""",
    ),
    "budget": Kind(_("A budget counts other than the uses come to."), _BUDGET),
}


def check() -> Checked:
    """Recompute everything. Reads whole tables: not for a page."""
    found: list[Fault] = []
    count = 0
    with connection.cursor() as cursor:
        for name, kind in KINDS.items():
            cursor.execute(f"select *, count(*) over () from ({kind.sql}) q order by 1, 2 limit %s", [AT_MOST])
            rows = cursor.fetchall()
            found += [Fault(name, of, row, str(wanted), str(is_now)) for of, row, wanted, is_now, _all in rows]
            count += rows[0][4] if rows else 0
        cursor.execute("select (select count(*) from coupons_coupon), (select count(*) from coupons_use)")
        coupons, uses = cursor.fetchone()
    return Checked(coupons, uses, tuple(found), count)
