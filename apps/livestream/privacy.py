"""What live streams hold about members: of which they want to be reminded, and what was put aside for them."""

from django.utils.translation import gettext_lazy as _

from apps.core.holdings import Holding

HOLDINGS = (
    Holding(
        model="livestream.Subscription",
        sensitivity="personal",
        member="member_id",
        export=("stream", "asked_at", "ended_at"),
        on_erase="delete",
        on_merge="move",
        purpose="care",
    ),
    Holding(
        model="livestream.Reservation",
        sensitivity="personal",
        member="member_id",
        export=("product", "store", "visit_on", "state", "made_at", "settled_at"),
        on_erase="keep",  # open ones are given back by the story of the erasure
        on_merge="move",
        reason=_("Counts in what was shown and tried on; nothing in it names the member."),
        purpose="care",
    ),
)

IMPERSONAL = (
    "livestream.Platform",
    "livestream.Room",
    "livestream.Host",
    "livestream.Stream",
    "livestream.Product",
    "livestream.Window",
    "livestream.Reminder",
)
