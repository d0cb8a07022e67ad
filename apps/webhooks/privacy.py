"""Messages name members by their public ids only, as facts do, and go after 30 days with all that hangs on them."""

from apps.core.holdings import Holding, Purge

HOLDINGS: tuple[Holding, ...] = ()
IMPERSONAL = (
    "webhooks.Attempt", "webhooks.Delivery", "webhooks.Endpoint", "webhooks.LedgerMark", "webhooks.Message", "webhooks.Secret",
)  # fmt: skip
PURGES = (
    Purge(model="webhooks.Message", days=30, since="created_at"),
    Purge(model="webhooks.Secret", days=1, since="ends_at"),
)
