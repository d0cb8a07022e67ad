"""What behaviour events and codes hold about members."""

from apps.activity.models import Event, Visitor
from apps.core.holdings import Holding

HOLDINGS = (
    Holding(  # months older than the brand keeps are dropped whole by `partitions.keep`
        model="activity.Event",
        sensitivity="personal",
        member="member_id",
        export=("occurred_at", "name", "properties", "source", "is_stitched"),
        on_erase="delete",
        on_merge="move",
        purpose="profiling",
    ),
    Holding(
        model="activity.CodeVisitor",
        sensitivity="personal",
        member="visitor__member_id",
        export=("code", "first_at", "last_at", "opens"),
        on_erase="delete",
        on_merge="stay",
        purpose="profiling",
    ),
    Holding(
        model="activity.Visitor",
        sensitivity="personal",
        member="member_id",
        export=("anonymous_id", "first_seen_at", "seen_at", "linked_at"),
        on_erase="delete",
        on_merge="move",
        purpose="profiling",
    ),
    Holding(
        model="activity.Arrival",
        sensitivity="personal",
        member="member_id",
        export=("code", "at"),
        on_erase="delete",
        on_merge="stay",
        purpose="profiling",
    ),
)
IMPERSONAL = (
    "activity.Code",
    "activity.CodeDay",
    "activity.Receipt",  # random ids of events, forgotten after eight days
)


def _leave_no_anonymous_trail(member_id: int) -> None:
    """What the member's own devices did without a log-in goes too: the ids would lead back to the member."""
    ids = Visitor.objects.filter(member_id=member_id, shared_at__isnull=True).values_list("anonymous_id", flat=True)
    Event.objects.filter(member_id__isnull=True, anonymous_id__in=list(ids)).delete()


ERASES = (_leave_no_anonymous_trail,)
