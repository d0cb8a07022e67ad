"""What the API holds about members: nothing by member; its log names accounts by id and ends after 7 days."""

from apps.core.holdings import Holding, Purge

HOLDINGS: tuple[Holding, ...] = ()
IMPERSONAL = ("api.RequestLine",)
PURGES = (Purge(model="api.RequestLine", days=7, since="at"),)
