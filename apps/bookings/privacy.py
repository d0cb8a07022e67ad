"""What bookings hold about members: when they came to which store for what."""

from django.utils.translation import gettext_lazy as _

from apps.core.holdings import Holding

HOLDINGS = (
    Holding(
        model="bookings.Booking",
        sensitivity="personal",
        member="member_id",
        export=("slot", "staff", "state", "made_at", "filled_at", "settled_at"),
        on_erase="keep",  # those to come are cancelled by the story of the erasure
        on_merge="move",
        reason=_("Counts in how full the store was; nothing in it names the member."),
        purpose="care",
    ),
)

IMPERSONAL = ("bookings.Service", "bookings.Offer", "bookings.Person", "bookings.Slot", "bookings.Notice")
