"""How many pieces each store has: handed in by the stores' systems, read by every channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.db import connection
from django.utils.translation import gettext as _

from apps.catalog.models import Product, Stock
from apps.core import clock
from apps.core.errors import ValidationFailed
from apps.stores.models import Store

Status = Literal["created", "updated", "unchanged", "older"]
Level = Literal["many", "few", "none"]
FEW = 3  # pieces: another customer may be faster
AHEAD = timedelta(minutes=5)  # clocks of tills differ
MOST_PIECES = 10_000_000
_PUT = """
    insert into catalog_stock as s (product_id, store_id, on_hand, as_of) values (%s, %s, %s, %s)
    on conflict (product_id, store_id) do update set on_hand = excluded.on_hand, as_of = excluded.as_of
    where excluded.as_of > s.as_of
    returning xmax = 0, (select old.on_hand from catalog_stock old where old.id = s.id)
"""


@dataclass(frozen=True)
class Count:
    """`as_of` None: now."""

    sku: str
    store: str  # its code
    on_hand: int
    as_of: datetime | None = None


def put(count: Count, *, moment: datetime | None = None) -> tuple[int, Status]:
    """(product id, what came of it). `older`: a later count, or another of that very moment, stands already, and stays.

    Raises ValidationFailed (/sku, /store: `unknown`; /as_of).
    """
    moment = moment or clock.now()
    as_of = count.as_of or moment
    product = Product.objects.filter(sku=count.sku).values_list("pk", flat=True).first()
    store = Store.objects.filter(code=count.store).values_list("pk", flat=True).first()
    errors = [
        {"pointer": pointer, "code": code, "message": message}
        for is_wrong, pointer, code, message in (
            (product is None, "/sku", "unknown", _("The catalogue does not know this SKU.")),
            (store is None, "/store", "unknown", _("There is no store with this code.")),
            (as_of > moment + AHEAD, "/as_of", "invalid", _("This moment has not come yet.")),
        )
        if is_wrong
    ]
    if errors or product is None or store is None:
        raise ValidationFailed(errors=errors)
    with connection.cursor() as cursor:
        cursor.execute(_PUT, [product, store, count.on_hand, as_of])
        done = cursor.fetchone()
    if done is None:
        same = Stock.objects.filter(product_id=product, store_id=store, on_hand=count.on_hand, as_of=as_of).exists()
        return product, "unchanged" if same else "older"
    is_new, before = done
    return product, "created" if is_new else "unchanged" if before == count.on_hand else "updated"


def of_skus(skus: Sequence[str], *, store: str = "") -> list[Stock]:
    """Counts of these products in stores that are in business, or in one; by SKU and the store's code."""
    rows = Stock.objects.filter(product__sku__in=skus, store__is_open=True).select_related("product", "store")
    return list((rows.filter(store__code=store) if store else rows).order_by("product__sku", "store__code"))


def levels(sku: str) -> dict[int, Level]:
    """Store → how many in words that members may see. A store that never counted it is not there."""
    rows = Stock.objects.filter(product__sku=sku).values_list("store_id", "on_hand")
    return {store: "none" if not pieces else "few" if pieces <= FEW else "many" for store, pieces in rows}
