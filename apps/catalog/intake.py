"""Products and their prices as programs and files hand them in: one item says all of one product."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.catalog import barcodes, prices
from apps.catalog.errors import BarcodeInvalid, BarcodeTaken
from apps.catalog.models import Category, Product
from apps.catalog.prices import Terms, Who, Wish
from apps.core import audit, clock


@dataclass(frozen=True)
class Item:
    """What is None stays as it is; a new product without a name is called by its SKU. `specials`: prices for an audience, a time; each
    takes the place of the one that runs for the same people."""

    sku: str
    name: str | None = None
    category: str | None = None
    brand: str | None = None
    list_cents: int | None = None
    specials: Sequence[tuple[int, str, Terms]] = ()  # 分, label, terms
    barcode: str | None = None  # as it stands on the goods


@transaction.atomic
def take(item: Item, *, who: Who, moment: datetime | None = None) -> tuple[Product, str]:
    """`created`, `updated` or `unchanged`. Raises as `prices.put`, BarcodeInvalid, BarcodeTaken; nothing of the item is kept
    then."""
    audit.sign()
    moment = moment or clock.now()
    product, is_new = _product(item)
    changed = _describe(product, item)
    for wish in _wishes(item):
        changed |= prices.put(wish, who=who, moment=moment, takes_over=not wish.is_list)[1]
    return product, "created" if is_new else "updated" if changed else "unchanged"


def _wishes(item: Item) -> list[Wish]:
    listed = [] if item.list_cents is None else [Wish(item.sku, item.list_cents, is_list=True)]
    return [*listed, *(Wish(item.sku, cents, False, label, terms) for cents, label, terms in item.specials)]


def _product(item: Item) -> tuple[Product, bool]:
    return Product.objects.get_or_create(sku=item.sku, defaults={"name": item.name or item.sku})


def _describe(product: Product, item: Item) -> bool:
    said: dict[str, object] = {}
    if item.name and product.name != item.name:
        said["name"] = item.name
    if item.brand is not None and product.brand != item.brand:
        said["brand"] = item.brand
    if item.category is not None:
        category = Category.objects.get_or_create(name=item.category)[0] if item.category else None
        if product.category_id != (category.pk if category else None):
            said["category"] = category
    if item.barcode is not None and (barcode := _barcode(item.barcode, product)) != product.barcode:
        said["barcode"] = barcode
    for name, value in said.items():
        setattr(product, name, value)
    if said:
        product.save(update_fields=list(said))
    return bool(said)


def _barcode(text: str, product: Product) -> str:
    if not text:
        return ""
    kept = barcodes.read(text)
    if not kept:
        raise BarcodeInvalid(text=text)
    if other := Product.objects.filter(barcode=kept).exclude(pk=product.pk).first():
        raise BarcodeTaken(text=text, sku=other.sku)
    return kept
