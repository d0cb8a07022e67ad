"""Goods by scanner or by hand: put on the list, counted, taken off. The page sends the list along each time."""

from django.http import HttpRequest, HttpResponse

from apps.catalog import selectors as catalog
from apps.catalog.models import Product
from apps.core import clock
from apps.counter import amounts, basket, drawn, scans, screens
from apps.counter.errors import GoodsUnknown

FOUND = 6


@screens.act
def goods(request: HttpRequest) -> HttpResponse:
    """`sku` with `count`: so many pieces. `sku` with `price`: goods that the catalogue has no price of. `text`: typed, a SKU, a barcode
    or a part of a name. Nothing of these: the screen anew."""
    listed = basket.read(screens.posted(request, "goods", basket.SENT))
    sku, text = screens.posted(request, "sku", 60), screens.posted(request, "text", 80)
    if sku and "count" in request.POST:
        count = amounts.whole(screens.posted(request, "count"))
        return drawn.with_goods(request, basket.counted(listed, sku, count))
    if sku:
        return _priced(request, listed, sku)
    if not text:
        return drawn.with_goods(request, listed)
    found = catalog.on_the_counter(scans.plain(text)) or catalog.on_the_counter(text)
    return put_in(request, found) if found else _several(request, text)


def put_in(request: HttpRequest, found: Product) -> HttpResponse:
    """One piece more. Goods without a price in the catalogue are asked for one."""
    listed = basket.read(screens.posted(request, "goods", basket.SENT))
    is_known = any(one.sku == found.sku for one in listed)
    if not is_known and found.sku not in catalog.list_cents([found.sku], moment=clock.now()):
        return screens.part(request, "_price.html", {"product": found}, place="view", sound="seen")
    return drawn.with_goods(request, basket.put_in(listed, found.sku), sound="seen")


def _priced(request: HttpRequest, listed: tuple[basket.Good, ...], sku: str) -> HttpResponse:
    found = catalog.on_the_counter(sku)
    if found is None or not (cents := amounts.cents(screens.posted(request, "price"))) > 0:
        raise GoodsUnknown
    return drawn.with_goods(request, basket.put_in(listed, found.sku, unit_cents=cents), sound="seen")


def _several(request: HttpRequest, text: str) -> HttpResponse:
    rows = catalog.like(text, at_most=FOUND) if len(text) > 1 else []
    if not rows:
        raise GoodsUnknown
    prices = catalog.list_cents([row.sku for row in rows], moment=clock.now())
    facts = {"rows": [(row, prices.get(row.sku)) for row in rows]}
    return screens.part(request, "_choose_goods.html", facts, place="view")
