"""What the gateways hold about members: the texts of their inbox."""

from apps.core.holdings import Holding

HOLDINGS = (
    Holding(
        model="gateways.InboxMessage",
        member="member_id",
        export=("title", "body", "created_at", "read_at"),
        on_erase="delete",
        on_merge="move",
        retain_days=730,
        since="created_at",
        purpose="care",
    ),
)
IMPERSONAL = ("gateways.PlatformLimit", "gateways.ReadUpTo")
