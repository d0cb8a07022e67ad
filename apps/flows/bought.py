"""What lies on the counter: goods by their SKU, and an amount for what nobody scanned; priced for whoever stands there."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.catalog.errors import ProductUnknown
from apps.catalog.models import Product
from apps.core import money
from apps.coupons.basket import Shopper
from apps.coupons.redeeming import Receipt, Sold
from apps.flows import shopper
from apps.flows.shopper import Asked, Put
from apps.orders.models import Order
from apps.orders.services import NewLine

CHANNEL = "store"


@dataclass(frozen=True)
class Good:
    """`unit_cents`: what the clerk says that a piece costs, where the catalogue has no price of it; else None."""

    sku: str
    quantity: int = 1
    unit_cents: int | None = None


@dataclass(frozen=True)
class Bought:
    """`amount_cents`: of what is not among the goods; a till that scans none only knows this."""

    amount_cents: int = 0
    goods: tuple[Good, ...] = ()

    @property
    def asked(self) -> list[Asked]:
        """The goods, then the amount, which is no unit of anything."""
        found = [Asked(one.unit_cents, one.quantity, one.sku, is_units=True) for one in self.goods]
        return found if self.goods and not self.amount_cents else [*found, Asked(self.amount_cents)]


def put(bought: Bought, *, who: Shopper | None, store_code: str, moment: datetime, is_vouched: bool = False) -> Put:
    """`is_vouched`: the clerk says that what was not scanned fits what coupons ask. Raises PriceUnknown."""
    return shopper.basket_of(
        bought.asked, moment=moment, shopper=who, store=store_code, channel=CHANNEL, is_vouched=is_vouched
    )


def sold(found: Put, receipt: Receipt | None) -> tuple[Sold, ...]:
    """Each line before coupons and what they took off it; `receipt` is of the coupons that were used."""
    if receipt is not None:
        return receipt.sold
    listed = found.basket.list_cents
    return tuple(Sold(line.number, listed.get(line.number, line.cents), line.cents) for line in found.basket.lines)


def order_lines(bought: Bought, lines: tuple[Sold, ...], *, cents: int) -> list[NewLine]:
    """As the order keeps them, what points paid taken off each; none where only an amount is known. `cents`: what was paid in all.
    Raises ProductUnknown."""
    if not bought.goods:
        return []
    ids = dict(Product.objects.filter(sku__in=[one.sku for one in bought.goods]).values_list("sku", "pk"))
    if unknown := [one.sku for one in bought.goods if one.sku not in ids]:
        raise ProductUnknown(sku=unknown[0])
    paid = money.split(cents, [line.to_pay_cents for line in lines])
    return [
        NewLine(ids.get(one.sku), part, Decimal(one.quantity), line.list_cents - part)
        for one, line, part in zip(bought.asked, lines, paid, strict=True)
    ]


@dataclass(frozen=True)
class Told:
    """A line on the slip; `cents` at list price."""

    name: str
    quantity: int
    cents: int


def told(order: Order, *, gross_cents: int) -> tuple[list[Told], int]:
    """The goods of a sale that was taken in, as its slip names them, and what special prices took off them."""
    lines = list(order.lines.select_related("product").order_by("line_no"))
    listed = [(line.product, int(line.quantity), line.total_cents + line.discount_cents) for line in lines]
    goods = [Told(product.name, quantity, cents) for product, quantity, cents in listed if product]
    return goods, sum(cents for _product, _quantity, cents in listed) - gross_cents if listed else 0


def of_order(order: Order, *, gross_cents: int) -> tuple[int, list[tuple[str, int]]]:
    """The amount and the goods, SKU and pieces, of a sale that was taken in."""
    lines = list(order.lines.select_related("product").order_by("line_no"))
    goods = [(line.product.sku, int(line.quantity)) for line in lines if line.product]
    rest = sum(line.total_cents + line.discount_cents for line in lines if not line.product)
    return (rest if lines else gross_cents), goods
