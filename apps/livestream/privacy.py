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
    Holding(
        model="livestream.Viewer",
        sensitivity="personal",
        member="member_id",
        export=("stream", "seconds", "said_seconds", "comments", "first_at", "last_at"),
        on_erase="delete",
        on_merge="move",
        purpose="profiling",
    ),
    Holding(
        model="livestream.Sale",
        sensitivity="technical",
        member="order__member_id",
        export=("order", "stream", "at"),
        on_erase="keep",
        on_merge="stay",
        reason=_("Which orders a stream brought; nothing in it names the member."),
        purpose="orders",
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
    "livestream.Tally",
)
