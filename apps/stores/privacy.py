"""Stores and staff: people of the brand, no members."""

from apps.core.holdings import Holding

HOLDINGS: tuple[Holding, ...] = ()
IMPERSONAL = (
    "stores.ApiClient",
    "stores.Device",
    "stores.Pin",
    "stores.PublicDay",
    "stores.Region",
    "stores.Shift",
    "stores.SpecialDay",
    "stores.Staff",
    "stores.Store",
    "stores.StorePlace",
    "stores.Till",
)
