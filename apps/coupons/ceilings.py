"""Budgets of a template as staff keep them. What counts uses against them is `budgets.py`."""

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from apps.core import audit, clock
from apps.coupons.models import Budget


@dataclass(frozen=True)
class Used:
    """A budget and its counters: `spent` of the one that is fullest (for "in all" the only one), `full`: how many are used up."""

    budget: Budget
    spent: int = 0
    full: int = 0
    counters: int = 0


def listed(template_id: int) -> list[list[Any]]:
    """Rows of per, of, most, in a fixed order."""
    rows = Budget.objects.filter(template_id=template_id).order_by("per", "of")
    return [[row.per, row.of, row.most] for row in rows]


@transaction.atomic
def write(*, template_id: int, wanted: dict[tuple[str, str], int]) -> None:
    """A budget that stays keeps what is used up of it, also where the new ceiling is lower; what is not wanted goes. A new one counts
    from now on."""
    audit.sign()
    moment = clock.now()
    for row in Budget.objects.select_for_update().filter(template_id=template_id):
        most = wanted.get((row.per, row.of))
        if most is None:
            row.delete()
        elif most != row.most:
            row.most = most
            row.save(update_fields=["most"])
    known = set(Budget.objects.filter(template_id=template_id).values_list("per", "of"))
    Budget.objects.bulk_create(
        Budget(template_id=template_id, per=per, of=of, most=most, since=moment)
        for (per, of), most in wanted.items()
        if (per, of) not in known
    )


def used(template_id: int) -> list[Used]:
    """In one query, however many counters there are."""
    sql = """
        select b.id, coalesce(max(s.amount), 0), count(*) filter (where s.amount >= b.most), count(s.id)
        from coupons_budget b left join coupons_spent s on s.budget_id = b.id
        where b.template_id = %s group by b.id
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [template_id])
        found = {key: rest for key, *rest in cursor.fetchall()}
    rows = Budget.objects.filter(template_id=template_id).order_by("per", "of")
    return [Used(row, *found.get(row.pk, ())) for row in rows]
