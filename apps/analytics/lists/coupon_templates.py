"""Templates of coupons, newest first, with what became of their coupons."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.analytics.keyset import Page
from apps.analytics.lists import select
from apps.analytics.lists.select import Conditions

_COLUMNS = """
select t.id, t.key, t.name, t.name_en, t.state, t.version_id, t.draft is not null as has_draft, coalesce(v.terms, t.draft) as terms,
       v.number, v.published_at, s.most, s.issued, s.low_at, t.is_in_centre, t.is_flash, t.is_pool, t.is_giftable
from coupons_template t
join coupons_stock s on s.template_id = t.id
left join coupons_version v on v.id = t.version_id
"""
_FATES = """
select template_id, count(*) filter (where state = 'used') as used,
       count(*) filter (where state = 'expired' or state in ('ready', 'unclaimed') and ends_at <= %(moment)s) as expired,
       count(*) filter (where state = 'recalled') as recalled
from coupons_coupon where template_id = any(%(ids)s) group by template_id
"""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    state: str = ""
    text: str = ""


def find(*, wanted: Wanted, moment: datetime, cursor: str = "", size: int = select.keyset.SIZE) -> Page:
    """Rows with `used`, `expired` and `recalled`; what is past its end counts as expired before the sweep writes so."""
    conditions = Conditions()
    conditions.only("t.state = %s", wanted.state)
    if wanted.text:
        like = "%" + wanted.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        conditions.add("(t.name ilike %s or t.name_en ilike %s or t.key ilike %s)", like, like, like)
    page = select.page(_COLUMNS, conditions=conditions, sort=[("t.id", "id", int)], cursor=cursor, size=size)
    counts = fates([row["id"] for row in page.rows], moment=moment)
    for row in page.rows:
        row["terms"] = select.json_value(row["terms"])
        row |= counts.get(row["id"], {"used": 0, "expired": 0, "recalled": 0})
    return page


def fates(template_ids: list[int], *, moment: datetime) -> dict[int, dict[str, Any]]:
    """By template: how many of its coupons are used, expired, recalled."""
    rows = select.rows(_FATES, {"ids": template_ids, "moment": moment}) if template_ids else []
    return {row["template_id"]: row for row in rows}
