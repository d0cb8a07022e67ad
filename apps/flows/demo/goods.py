"""Products and categories under Chinese names; sizes in grams and litres."""

import re

import numpy as np
from django.db import connection, transaction

from apps.catalog import barcodes
from apps.catalog.models import Category
from apps.flows.demo import words
from apps.flows.demo.source import Ints, Year

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(OZ|LB|GAL|QT|PT|LTR|LT|L|ML|CT|PK|GM|G)\b")
_UNITS = {
    "OZ": (28.35, "克"), "LB": (453.6, "克"), "GM": (1, "克"), "G": (1, "克"), "GAL": (3.785, "升"), "QT": (0.946, "升"),
    "PT": (0.473, "升"), "LTR": (1, "升"), "LT": (1, "升"), "L": (1, "升"), "ML": (1, "毫升"), "CT": (1, "枚"), "PK": (1, "包"),
}  # fmt: skip


def stock(year: Year) -> tuple[Ints, Ints]:
    """Store what was bought. Returns the data's product numbers, ascending, and our ids beside them."""
    rows = year.products.sort_by("product_id").to_pylist()
    names = [_category(row["product_category"], row["department"]) for row in rows]
    with transaction.atomic():
        Category.objects.bulk_create((Category(name=name) for name in sorted(set(names))), ignore_conflicts=True)
        category_ids = dict(Category.objects.values_list("name", "pk"))
        with (
            connection.cursor() as cursor,
            cursor.copy("copy catalog_product (sku, name, category_id, barcode) from stdin") as copy,
        ):
            for row, name in zip(rows, names, strict=True):
                number = row["product_id"]
                copy.write_row((sku(number), _product(row, category=name), category_ids[name], barcode(number)))
        with connection.cursor() as cursor:
            cursor.execute("select substr(sku, 2)::bigint, id from catalog_product where sku like 'P%' order by 1")
            pairs = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def sku(product: int) -> str:
    return f"P{product}"


def barcode(product: int) -> str:
    """Of the range that shops number themselves: an invented one is nobody's."""
    return barcodes.checked(f"20{product:010d}")


def _category(name: str | None, department: str | None) -> str:
    if name:
        return words.CATEGORIES.get(name) or name.strip().capitalize()
    return words.DEPARTMENTS.get(department or "", "其他商品")


def _product(row: dict, *, category: str) -> str:
    """Brand, kind, category, size: `谷雨里 经典酸奶 170克`."""
    number, maker = row["product_id"], row["manufacturer_id"]
    label = words.OWN_BRAND if row["brand"] == "Private" else words.BRANDS[maker % len(words.BRANDS)]
    kind = words.KINDS[(number // 7) % len(words.KINDS)]
    return " ".join(filter(None, (label, kind + category, _size(row["package_size"]))))[:120]


def _size(text: str | None) -> str:
    found = _SIZE.search((text or "").upper())
    if not found or not float(found[1]):
        return ""
    factor, unit = _UNITS[found[2]]
    amount = float(found[1]) * factor
    if unit == "克" and amount >= 1000:
        amount, unit = amount / 1000, "千克"
    return f"{amount:.0f}{unit}" if amount >= 10 else f"{amount:.1f}".removesuffix(".0") + unit
