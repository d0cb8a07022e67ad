"""What the statistics hold about members: computed from their orders, gone with them."""

from django.utils.translation import gettext_lazy as _

from apps.core.holdings import Holding

HOLDINGS = (
    Holding(
        model="segments.MemberStats",
        sensitivity="personal",
        member="member_id",
        export=(
            "first_order_at",
            "last_order_at",
            "orders",
            "net_cents",
            "gap_mean_days",
            "gap_median_days",
            "top_category_id",
            "top_store_id",
            "top_hour",
            "top_channel",
            "r",
            "f",
            "m",
            "cell",
            "stage",
            "stage_since",
        ),
        on_erase="delete",
        on_merge="stay",
        purpose="profiling",
    ),
    Holding(
        model="segments.StageChange",
        sensitivity="personal",
        member="member_id",
        export=("before", "after", "cause", "at"),
        on_erase="keep",
        on_merge="stay",
        reason=_("Figures of past days stand on it; it holds no name and no number."),
        purpose="profiling",
    ),
    Holding(
        model="segments.ScoreChange",
        sensitivity="personal",
        member="member_id",
        export=("on", "r", "f", "m", "cell"),
        on_erase="delete",
        on_merge="stay",
        purpose="profiling",
    ),
    Holding(
        model="segments.Newcomer",
        sensitivity="technical",
        member="member_id",
        export=("member",),
        on_erase="delete",
        on_merge="stay",
        purpose="profiling",
    ),
    Holding(
        model="segments.Minor",
        sensitivity="sensitive",
        member="member_id",
        export=("due_at",),
        on_erase="delete",
        on_merge="stay",
        purpose="profiling",
    ),
)
IMPERSONAL = ("segments.RefreshRun", "segments.Snapshot")
