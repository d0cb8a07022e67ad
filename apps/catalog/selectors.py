"""Prices as others read them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from apps.catalog import barcodes, pricing
from apps.catalog.models import Bundle, BundleItem, Dated, Price, Product
from apps.catalog.pricing import Buyer, Offer, Rule, Sheet, Special, When
from apps.core import clock


@dataclass(frozen=True)
class Shown:
    """A product as a shopper sees its price. `cents` ≤ `list_cents`; equal where no special price counts."""

    sku: str
    name: str
    list_cents: int
    cents: int
    rule: Rule
    bundles: tuple[Offer, ...] = ()


def at(moment: datetime) -> Q:
    return Q(starts_at__lte=moment) & (Q(ends_at=None) | Q(ends_at__gt=moment))


def sheet(skus: Iterable[str], *, moment: datetime) -> Sheet:
    """What counts at this moment for anybody, of these products: four statements at most."""
    wanted = [sku for sku in set(skus) if sku]
    if not wanted:
        return Sheet()
    rows = Price.objects.filter(at(moment), product__sku__in=wanted).select_related("product").order_by("pk")
    lists: dict[str, int] = {}
    specials: dict[str, list[Special]] = {}
    for row in rows:
        if row.kind == Price.Kind.LIST:
            lists[row.product.sku] = row.cents
        else:
            specials.setdefault(row.product.sku, []).append(Special(row.pk, row.cents, when(row), row.label))
    mine = BundleItem.objects.filter(product__sku__in=wanted).values("bundle")
    return Sheet(lists, specials, offers(Bundle.objects.filter(at(moment), pk__in=mine).order_by("pk")))


def offers(rows: Iterable[Bundle]) -> tuple[Offer, ...]:
    found = list(rows)
    items: dict[int, dict[str, int]] = {}
    if found:
        parts = BundleItem.objects.filter(bundle__in=[row.pk for row in found]).select_related("product")
        for item in parts.order_by("pk"):
            items.setdefault(item.bundle_id, {})[item.product.sku] = item.count
    return tuple(
        Offer(
            id=row.pk,
            kind=row.kind,
            name=row.name,
            items=items.get(row.pk, {}),
            when=when(row),
            count=row.count or 0,
            cents=row.cents or 0,
            percent=row.percent or 0,
        )
        for row in found
    )


def when(row: Dated) -> When:
    return When(row.audience, row.store, row.channel, row.starts_at, row.ends_at, row.week)


def shown(skus: Sequence[str], *, buyer: Buyer) -> list[Shown]:
    """In the order asked for; products without a list price are left out."""
    found = sheet(skus, moment=buyer.at)
    names = dict(Product.objects.filter(sku__in=skus).values_list("sku", "name"))
    answer = []
    for sku in dict.fromkeys(skus):
        if sku in found.lists and sku in names:
            cents, rule = pricing.lowest(sku, found, buyer)
            around = tuple(one for one in found.bundles if sku in one.items and one.when.counts(buyer))
            answer.append(Shown(sku, names[sku], found.lists[sku], cents, rule, around))
    return answer


def on_the_counter(text: str) -> Product | None:
    """The product whose barcode or SKU this is; a SKU in any case, for capitals may be locked."""
    if (kept := barcodes.read(text)) and (found := Product.objects.filter(barcode=kept).first()):
        return found
    written = list(dict.fromkeys([text, text.upper(), text.lower()]))
    known = {row.sku: row for row in Product.objects.filter(sku__in=written)}
    return next((known[sku] for sku in written if sku in known), None)


def like(text: str, *, at_most: int) -> list[Product]:
    """Products whose SKU begins so or whose name has it in it, those with a list price first."""
    now = clock.now()
    priced = Exists(Price.objects.filter(at(now), kind=Price.Kind.LIST, product=OuterRef("pk")))
    found = Product.objects.filter(Q(sku__istartswith=text) | Q(name__icontains=text))
    return list(found.order_by(priced.desc(), "sku")[:at_most])


def has_barcodes() -> bool:
    return Product.objects.exclude(barcode="").exists()


def list_cents(skus: Iterable[str], *, moment: datetime) -> dict[str, int]:
    rows = Price.objects.filter(at(moment), kind=Price.Kind.LIST, product__sku__in=set(skus))
    return dict(rows.values_list("product__sku", "cents"))
