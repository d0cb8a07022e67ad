"""A member and a basket as coupons ask for them, and what the member's wallet can do for the basket, in a few statements.

Basket lines come from a till or a shop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from apps.catalog.models import Product
from apps.core import clock
from apps.coupons import basket as baskets
from apps.coupons import quote as quotes
from apps.coupons import redeeming
from apps.coupons.basket import Basket, Line, Shopper
from apps.coupons.models import Coupon
from apps.coupons.quote import Quote
from apps.members import selectors as members
from apps.orders import selectors as orders
from apps.points.models import Standing, Tier
from apps.segments import keys

MOST_COUPONS = 200  # of a wallet that a quote looks at: those that end first


@dataclass(frozen=True)
class Asked:
    """A line as a till or shop says it. `unit_cents`: the price before coupons."""

    unit_cents: int
    quantity: int = 1
    sku: str = ""
    is_units: bool = False


def shopper_of(member_id: int, *, moment: datetime | None = None) -> Shopper:
    """Tier, segments and kept orders of a member as they stand. An alias stands for the member it was merged into."""
    member_id = members.current_id(member_id)
    tier = Standing.objects.filter(member=member_id).values_list("tier__key", flat=True).first()
    if tier is None:
        tier = Tier.objects.filter(rank=0).values_list("key", flat=True).first() or ""
    return Shopper(
        member_id=member_id,
        tier=tier,
        segments=keys.of_member(member_id),
        orders=_kept_orders(member_id, moment or clock.now()),
    )


def wallet_of(member_id: int, *, moment: datetime | None = None) -> list[baskets.Held]:
    """The coupons that a member could use now or later: ready or reserved, not yet ended. At most MOST_COUPONS, by their end."""
    moment = moment or clock.now()
    rows = Coupon.objects.select_related("template", "version").filter(
        member__in=members.family(member_id), state__in=["ready", "reserved"], ends_at__gt=moment
    )
    return redeeming.helds(list(rows.order_by("ends_at", "pk")[:MOST_COUPONS]), moment=moment)


def offers_for(member_id: int, basket: Basket, *, with_points: bool = False) -> Quote:
    """What each coupon of the wallet would save on this basket, and the best combination; what does not count says why.

    `with_points`: points are to pay for it too. Reads only. `basket.at` is the moment.
    """
    shopper = shopper_of(member_id, moment=basket.at)
    helds = wallet_of(shopper.member_id, moment=basket.at)
    return quotes.quote(helds, shopper, basket, with_points=with_points)


def basket_of(
    lines: Sequence[Asked],
    *,
    moment: datetime,
    store: str = "",
    channel: str = "",
    shipping_cents: int = 0,
    is_vouched: bool = False,
) -> Basket:
    """Lines numbered from 1 as they come; category and brand are the catalogue's."""
    known = {
        row.sku: row for row in Product.objects.select_related("category").filter(sku__in={one.sku for one in lines})
    }
    made = [_line(number, one, known.get(one.sku)) for number, one in enumerate(lines, start=1)]
    return Basket(tuple(made), moment, store, channel, shipping_cents, is_vouched)


def _line(number: int, asked: Asked, product: Product | None) -> Line:
    """Goods that the catalogue does not know are still that SKU: coupons name SKUs too."""
    category = product.category.name if product and product.category else ""
    brand = product.brand if product else ""
    return Line(number, asked.unit_cents, asked.quantity, asked.sku, category, brand, is_units=asked.is_units)


def _kept_orders(member_id: int, moment: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_KEPT, {"moment": moment, "members": members.family(member_id)})
        return int(cursor.fetchone()[0])


_KEPT = f"select count(*) from ({orders.KEPT_ORDERS} and o.member_id = any(%(members)s)) kept"
