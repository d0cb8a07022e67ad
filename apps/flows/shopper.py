"""A member and a basket as coupons ask for them, and what the member's wallet can do for the basket, in a few statements.

Basket lines come from a till or a shop.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection
from django.db.models import Q

from apps.catalog import pricing
from apps.catalog import selectors as catalog
from apps.catalog.errors import PriceUnknown
from apps.catalog.models import Product
from apps.catalog.pricing import Buyer, LinePrice, Priced, Wanted
from apps.community import groups
from apps.core import clock
from apps.coupons import basket as baskets
from apps.coupons import budgets, redeeming
from apps.coupons import quote as quotes
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
    """A line as a till or shop says it. `unit_cents`: the price before coupons as the caller's own prices make it; then no price of the
    catalogue touches it, and `is_special` says that it is below the list price. None: the catalogue's."""

    unit_cents: int | None = None
    quantity: int = 1
    sku: str = ""
    is_units: bool = False
    is_special: bool = False


@dataclass(frozen=True)
class Put:
    """A basket, and how its prices came about."""

    basket: Basket
    priced: Priced


def shopper_of(member_id: int, *, moment: datetime | None = None) -> Shopper:
    """Tier, segments, WeCom groups and kept orders of a member as they stand. An alias stands for the member it was merged into."""
    member_id = members.current_id(member_id)
    own = Standing.objects.filter(member=member_id).values("tier")
    tier = Tier.objects.filter(Q(rank=0) | Q(pk__in=own)).order_by("-rank").values_list("key", flat=True).first() or ""
    return Shopper(
        member_id=member_id,
        tier=tier,
        segments=keys.of_member(member_id),
        groups=frozenset(groups.keys_of(member_id)),
        orders=_kept_orders(member_id, moment or clock.now()),
    )


def wallet_of(member_id: int, *, moment: datetime | None = None) -> list[baskets.Held]:
    """The coupons that a member could use now or later: ready or reserved, not yet ended. At most MOST_COUPONS, by their end."""
    moment = moment or clock.now()
    rows = Coupon.objects.select_related("template", "version").filter(
        member__in=members.family(member_id), state__in=["ready", "reserved"], ends_at__gt=moment
    )
    return redeeming.helds(list(rows.order_by("ends_at", "pk")[:MOST_COUPONS]), moment=moment)


def offers_for(member: int | Shopper, basket: Basket, *, with_points: bool = False) -> Quote:
    """What each coupon of the wallet would save on this basket, and the best combination; what does not count says why.

    `with_points`: points are to pay for it too. Reads only. `basket.at` is the moment.
    """
    shopper = member if isinstance(member, Shopper) else shopper_of(member, moment=basket.at)
    helds = within_budgets(wallet_of(shopper.member_id, moment=basket.at), member_id=shopper.member_id, basket=basket)
    return quotes.quote(helds, shopper, basket, with_points=with_points)


def within_budgets(helds: Sequence[baskets.Held], *, member_id: int, basket: Basket) -> list[baskets.Held]:
    """With what the budgets of each leave at this moment, so that no quote promises what is used up."""
    if not helds:
        return []
    templates = list({one.template_id for one in helds})
    rooms = budgets.rooms(template_ids=templates, member_id=member_id, store=basket.store, moment=basket.at)
    return [replace(one, room_cents=rooms.get(one.template_id)) for one in helds]


def basket_of(
    lines: Sequence[Asked],
    *,
    moment: datetime,
    shopper: Shopper | None = None,
    store: str = "",
    channel: str = "",
    shipping_cents: int = 0,
    is_vouched: bool = False,
) -> Put:
    """Lines numbered from 1 as they come; category and brand are the catalogue's. `shopper`: None is nobody's basket, which has no
    member price. Raises PriceUnknown."""
    buyer = Buyer(moment, shopper is not None, shopper.tier if shopper else "", store, channel)
    wanted = [
        Wanted(number, one.sku, one.quantity, one.unit_cents, one.is_special)
        for number, one in enumerate(lines, start=1)
    ]
    sheet = catalog.sheet([one.sku for one in wanted if one.unit_cents is None], moment=moment)
    priced = pricing.price(wanted, sheet, buyer)
    if priced.missing:
        raise PriceUnknown(skus=", ".join(sku or "?" for sku in priced.missing[:5]))
    skus = {one.sku for one in lines} - {""}
    rows = Product.objects.select_related("category").filter(sku__in=skus) if skus else ()
    known = {row.sku: row for row in rows}
    ways = [
        tuple(line_of(price, one, known.get(one.sku)) for price, one in zip(way, lines, strict=True))
        for way in priced.ways
    ]
    listed = {price.number: price.list_cents for price in priced.ways[0]}
    basket = Basket(
        ways[0], moment, store, channel, shipping_cents, is_vouched, tuple(ways[1:]), priced.is_proven, listed
    )
    return Put(basket, priced)


def line_of(price: LinePrice, asked: Asked, product: Product | None) -> Line:
    """Goods that the catalogue does not know are still that SKU: coupons name SKUs too."""
    is_even = price.units[0] == price.units[-1]
    goes_back = price.is_special and not price.is_bundled
    return Line(
        number=price.number,
        unit_cents=price.units[0],
        quantity=asked.quantity,
        sku=asked.sku,
        category=product.category.name if product and product.category else "",
        brand=product.brand if product else "",
        is_units=asked.is_units,
        units=() if is_even else price.units,
        is_special=price.is_special,
        back_cents=price.list_unit if goes_back else None,
    )


def _kept_orders(member_id: int, moment: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_KEPT, {"moment": moment, "members": members.family(member_id)})
        return int(cursor.fetchone()[0])


_KEPT = f"select count(*) from ({orders.KEPT_ORDERS} and o.member_id = any(%(members)s)) kept"
