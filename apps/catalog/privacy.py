"""Products are nobody's data."""

from apps.core.holdings import Holding

HOLDINGS: tuple[Holding, ...] = ()
IMPERSONAL = (
    "catalog.Category", "catalog.Product", "catalog.Price", "catalog.Bundle", "catalog.BundleItem", "catalog.Stock",
)  # fmt: skip
