"""What care holds about members: what was decided, and the texts that were sent."""

from django.utils.translation import gettext_lazy as _

from apps.core.holdings import Holding

_COUNTED = _("Counts in the results of a policy; without text, name and number.")

HOLDINGS = (
    Holding(
        model="care.Touch",
        sensitivity="personal",
        member="member_id",
        export=("policy", "channel", "state", "reason", "decided_at", "send_at", "zone", "settled_at"),
        on_erase="keep",
        on_merge="move",
        reason=_COUNTED,
        purpose="care",
    ),
    Holding(
        model="care.Enrolment",
        sensitivity="personal",
        member="member_id",
        export=("journey", "entered_at", "ending"),
        on_erase="keep",
        on_merge="move",
        reason=_COUNTED,
        purpose="care",
    ),
    Holding(
        model="care.Step",
        sensitivity="technical",
        member="enrolment__member_id",
        export=("node", "outcome", "at"),
        on_erase="keep",
        on_merge="stay",
        reason=_COUNTED,
        purpose="care",
    ),
    Holding(
        model="care.Receipt",
        sensitivity="technical",
        member="touch__member_id",
        export=("state", "code", "at"),
        on_erase="keep",
        on_merge="stay",
        reason=_COUNTED,
        purpose="care",
    ),
    Holding(
        model="care.Attempt",
        sensitivity="personal",
        member="touch__member_id",
        export=("number", "state", "code", "text", "at"),
        on_erase="keep",
        on_merge="stay",
        blank=("text", "provider_id"),
        reason=_COUNTED,
        purpose="care",
    ),
    Holding(
        model="care.Tester",
        sensitivity="personal",
        member="member_id",
        export=("since",),
        on_erase="delete",
        on_merge="move",
        purpose="care",
    ),
    Holding(
        model="care.Trial",
        sensitivity="personal",
        member="member_id",
        export=("channel", "text", "state", "at"),
        on_erase="delete",
        on_merge="move",
        retain_days=180,
        since="at",
        purpose="care",
    ),
)
IMPERSONAL = (
    "care.Campaign", "care.Card", "care.Cost", "care.Journey", "care.JourneyMark", "care.JourneyVersion", "care.Lane", "care.Policy",
    "care.Run", "care.StepWatch", "care.Version",
)  # fmt: skip
