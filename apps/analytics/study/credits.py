"""What contacts were given of the orders after them: added up from the days, and the rows behind a sum.

`store_ids` is the reader's reach, by the store of the order: None is everything. Money in 分.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q, Sum

from apps.activity.models import Code
from apps.analytics.keyset import Page
from apps.analytics.lists import select
from apps.analytics.lists.select import Conditions
from apps.analytics.models import CreditDay
from apps.analytics.reach import Stores, within
from apps.analytics.study.attribution import MODELS
from apps.care.models import Journey, Policy
from apps.community.models import Group
from apps.core import clock
from apps.coupons.models import Template
from apps.livestream.models import Stream
from apps.orders.selectors import KEPT_ORDERS

KINDS = ("message", "coupon", "stream", "group", "code")


@dataclass(frozen=True)
class Given:
    """`key`: what the contacts have in common. `contacts`: how many; of key without a kind, orders that had none."""

    key: tuple[Any, ...]
    contacts: int
    cents: dict[str, int]  # by model


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Contacts before orders paid on these days; None: of any. `kind` "": orders without contacts."""

    first: date
    last: date
    store_ids: Stores
    kind: str | None = None
    channel: str | None = None
    ref_id: int | None = None
    journey_id: int | None = None


def by_way(wanted: Wanted) -> list[Given]:
    """(kind, channel); the kind "" is orders that nothing went before. All of them add up to what was paid and kept."""
    return _by(wanted, "kind", "channel")


def by_journey(wanted: Wanted) -> list[Given]:
    """(journey's id,), campaigns among them."""
    return _by(wanted, "journey_id", only=Q(journey_id__gt=0))


def by_thing(wanted: Wanted) -> list[Given]:
    """(kind, id)."""
    return _by(wanted, "kind", "ref_id", only=~Q(kind=""))


def _by(wanted: Wanted, *columns: str, only: Q | None = None) -> list[Given]:
    rows = CreditDay.objects.filter(only or Q(), on__range=(wanted.first, wanted.last))
    rows = within(rows, wanted.store_ids)
    sums = {model: Sum(f"{model}_cents") for model in MODELS}
    return [
        Given(tuple(row[column] for column in columns), row["n"], {model: row[model] for model in MODELS})
        for row in rows.values(*columns).annotate(n=Sum("contacts"), **sums).order_by(*columns)
    ]


def journey_names(keys: Sequence[int]) -> dict[int, str]:
    return dict(Journey.objects.filter(pk__in=keys).values_list("pk", "name"))


def names(things: Sequence[tuple[str, int]], *, store_ids: Stores) -> dict[tuple[str, int], str]:
    """What contacts are called. Left out: codes of stores that the reader does not see, and what is there no more."""
    wanted = {kind: [ref for of, ref in things if of == kind] for kind in KINDS}
    codes = Code.objects.filter(pk__in=wanted["code"])
    if store_ids is not None:
        codes = codes.filter(Q(store=None) | Q(store_id__in=list(store_ids)))
    found: dict[tuple[str, int], str] = {}
    for kind, rows in (
        ("message", Policy.objects.filter(pk__in=wanted["message"]).values_list("pk", "name")),
        ("stream", Stream.objects.filter(pk__in=wanted["stream"]).values_list("pk", "title")),
        ("group", Group.objects.filter(pk__in=wanted["group"]).values_list("pk", "name")),
        ("code", codes.values_list("pk", "name")),
    ):
        if wanted[kind]:
            found |= {(kind, key): name for key, name in rows}
    if wanted["coupon"]:
        found |= {("coupon", row.pk): row.shown_name for row in Template.objects.filter(pk__in=wanted["coupon"])}
    return found


_ROWS = f"""
select c.order_id, c.nth, c.paid_at, c.kind, c.channel, c.ref_id, c.at, {", ".join(f"c.{m}_cents" for m in MODELS)}, o.order_no,
       m.id as member_id, m.member_no, m.nickname, h.name as store
from analytics_ordercredit c join orders_order o on o.id = c.order_id join members_member m on m.id = o.member_id
left join stores_store h on h.id = o.store_id
"""
# Orders with nothing before them have no rows of their own: found when they are asked for, as of the same moment.
_ALONE = f"""
select c.id as order_id, 0 as nth, c.paid_at, '' as kind, '' as channel, 0 as ref_id, null as at,
       {", ".join(f"c.net_cents as {m}_cents" for m in MODELS)}, o.order_no, m.id as member_id, m.member_no, m.nickname, h.name as store
from ({KEPT_ORDERS.replace("%(moment)s", "%s")} and o.paid_at >= %s and o.paid_at < %s
      and not exists (select from analytics_ordercredit k where k.order_id = o.id)) c
join orders_order o on o.id = c.id join members_member m on m.id = o.member_id left join stores_store h on h.id = o.store_id
"""
_SORT = [("c.paid_at", "paid_at", datetime), ("c.order_id", "order_id", int), ("c.nth", "nth", int)]
_ALONE_SORT = [("c.paid_at", "paid_at", datetime), ("c.id", "order_id", int)]


def rows(wanted: Wanted, *, as_of: datetime, cursor: str) -> Page:
    """Newest orders first, the last contact of an order first. `as_of`: when they were counted; later payments are not among them."""
    conditions = Conditions()
    start, end = clock.day_start(wanted.first), clock.day_end(wanted.last)
    if wanted.kind == "":
        conditions.values = [as_of, as_of, start, end]
    conditions.add("c.paid_at >= %s and c.paid_at < %s and c.paid_at <= %s", start, end, as_of)
    if wanted.store_ids is not None:
        conditions.add("o.store_id = any(%s)", list(wanted.store_ids))
    if wanted.kind == "":
        return select.page(_ALONE, conditions=conditions, sort=_ALONE_SORT, cursor=cursor)
    for column in ("kind", "channel", "ref_id", "journey_id"):
        value = getattr(wanted, column)
        if value is not None:
            conditions.add(f"c.{column} = %s", value)
    return select.page(_ROWS, conditions=conditions, sort=_SORT, cursor=cursor)
