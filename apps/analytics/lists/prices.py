"""Special and list prices, or bundles, newest first."""

from dataclasses import dataclass
from datetime import datetime

from apps.analytics.keyset import Page
from apps.analytics.lists import select
from apps.analytics.lists.select import Conditions

STATES = ("running", "soon", "ended")
KINDS = ("special", "list", "bundle")
_DATED = (
    "t.audience, t.store, t.channel, t.starts_at, t.ends_at, t.weekdays, t.hours, t.source, t.stopped_at, t.was_until"
)
_PRICES = f"""
select t.id, t.cents, t.label, p.id as product_id, p.sku, p.name, {_DATED},
       (select l.cents from catalog_price l where l.product_id = p.id and l.kind = 'list' and l.starts_at <= %s
           and (l.ends_at is null or l.ends_at > %s) limit 1) as list_cents
from catalog_price t join catalog_product p on p.id = t.product_id
"""
_BUNDLES = f"""
select t.id, t.kind, t.name, t.name_en, t.count, t.cents, t.percent, {_DATED},
       (select array_agg(p.sku order by i.id) from catalog_bundleitem i join catalog_product p on p.id = i.product_id
         where i.bundle_id = t.id) as skus,
       (select min(p.id) from catalog_bundleitem i join catalog_product p on p.id = i.product_id where i.bundle_id = t.id) as product_id
from catalog_bundle t
"""
_WHEN = {
    "running": ("t.starts_at <= %s and (t.ends_at is null or t.ends_at > %s)", 2),
    "soon": ("t.starts_at > %s and (t.ends_at is null or t.ends_at > t.starts_at)", 1),
    "ended": ("(t.ends_at <= %s or t.ends_at = t.starts_at)", 1),
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    kind: str = "special"
    state: str = ""
    text: str = ""
    audience: str | None = None


def find(*, wanted: Wanted, moment: datetime, cursor: str = "", size: int = select.keyset.SIZE) -> Page:
    conditions = Conditions()
    if wanted.kind != "bundle":
        conditions.values += [moment, moment]
        conditions.add("t.kind = %s", wanted.kind)
    if wanted.state:
        sql, count = _WHEN[wanted.state]
        conditions.add(sql, *[moment] * count)
    if wanted.audience is not None:
        conditions.add("t.audience = %s", wanted.audience)
    if wanted.text:
        like = "%" + wanted.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        if wanted.kind == "bundle":
            sql = (
                "(t.name ilike %s or t.name_en ilike %s or exists (select from catalog_bundleitem i join catalog_product p"
                " on p.id = i.product_id where i.bundle_id = t.id and p.sku ilike %s))"
            )
        else:
            sql = "(p.name ilike %s or p.sku ilike %s or t.label ilike %s)"
        conditions.add(sql, like, like, like)
    columns = _BUNDLES if wanted.kind == "bundle" else _PRICES
    page = select.page(columns, conditions=conditions, sort=[("t.id", "id", int)], cursor=cursor, size=size)
    for row in page.rows:
        row["hours"] = select.json_value(row["hours"])
        row["state"] = state(row["starts_at"], row["ends_at"], moment)
    return page


def state(starts_at: datetime, ends_at: datetime | None, moment: datetime) -> str:
    if ends_at is not None and (ends_at <= moment or ends_at <= starts_at):
        return "ended"
    return "running" if starts_at <= moment else "soon"
