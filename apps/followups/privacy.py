"""What tasks hold about members: that staff turned to them, what was to be said and what came of it."""

from django.utils.translation import gettext_lazy as _

from apps.core.holdings import Holding

_COUNTED = _("Counts in what staff have done; without its words nobody can tell whom it was about.")

HOLDINGS = (
    Holding(
        model="followups.Task",
        sensitivity="personal",
        member="member_id",
        export=("kind", "title", "note", "state", "outcome", "evidence", "created_at", "due_at", "settled_at"),
        on_erase="keep",  # open ones are called off by the story of the erasure
        on_merge="move",
        blank=("title", "note", "evidence"),
        reason=_COUNTED,
        purpose="care",
    ),
    Holding(
        model="followups.Entry",
        sensitivity="technical",
        member="task__member_id",
        export=("kind", "at"),
        on_erase="keep",
        on_merge="stay",
        reason=_COUNTED,
        purpose="care",
    ),
)
