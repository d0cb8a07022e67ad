"""What tickets hold about members: what they asked for, what was said, and what came of it. Notes among staff are not shown to them."""

from django.utils.translation import gettext_lazy as _

from apps.core.holdings import Holding
from apps.tickets.models import Message

_COUNTED = _("Belongs to orders and refunds; without its words nobody can tell whom it was about.")

HOLDINGS = (
    Holding(
        model="tickets.Ticket",
        sensitivity="personal",
        member="member_id",
        export=("kind", "state", "title", "channel", "created_at", "first_reply_at", "ended_at"),
        on_erase="keep",
        on_merge="move",
        blank=("title",),
        reason=_COUNTED,
        purpose="care",
    ),
    Holding(
        model="tickets.TicketLine",
        sensitivity="technical",
        member="ticket__member_id",
        export=("is_open",),
        on_erase="keep",
        on_merge="stay",
        reason=_COUNTED,
        purpose="care",
    ),
    Holding(
        model="tickets.Message",
        sensitivity="personal",
        member="ticket__member_id",
        export=("side", "text", "at"),
        on_erase="keep",
        on_merge="stay",
        blank=("text",),
        reason=_COUNTED,
        purpose="care",
    ),
    Holding(
        model="tickets.Pause",
        sensitivity="technical",
        member="ticket__member_id",
        export=("began_at", "ended_at"),
        on_erase="keep",
        on_merge="stay",
        reason=_COUNTED,
        purpose="care",
    ),
    Holding(
        model="tickets.Entry",
        sensitivity="technical",
        member="ticket__member_id",
        export=("act", "side", "at"),
        on_erase="keep",
        on_merge="stay",
        reason=_COUNTED,
        purpose="care",
    ),
)


def _said(member_id: int) -> list[dict[str, object]]:
    rows = Message.objects.filter(ticket__member_id=member_id, is_internal=False).order_by("pk")
    return [{"side": row.side, "text": row.text, "at": row.at} for row in rows]


SHOWN = {"tickets.Message": _said}
