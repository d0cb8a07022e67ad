"""Writes of the catalogue."""

from collections.abc import Mapping

from django.db import connection

from apps.catalog.models import Product


def known_products(names: Mapping[str, str]) -> dict[str, int]:
    """Products by SKU; one that is new is added under its name, known ones keep theirs. SKUs with an empty name are only looked up."""
    new = {sku: name[:120] for sku, name in sorted(names.items()) if name}
    if new:
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into catalog_product (sku, name) select * from unnest(%s::text[], %s::text[])"
                " on conflict (sku) do nothing",
                [list(new), list(new.values())],
            )
    return dict(Product.objects.filter(sku__in=names).values_list("sku", "pk"))
