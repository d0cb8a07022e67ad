"""What tickets hold about members: what they asked for, what was said, and what came of it. Notes among staff are not shown to them."""

from django.utils.translation import gettext_lazy as _

from apps.core.holdings import Holding, Purge
from apps.members import uploads
from apps.tickets.models import Attachment, Message

_COUNTED = _("Belongs to orders and refunds; without its words nobody can tell whom it was about.")

HOLDINGS = (
    Holding(
        model="tickets.Ticket",
        sensitivity="personal",
        member="member_id",
        export=("kind", "state", "title", "channel", "created_at", "first_reply_at", "ended_at", "seen_at"),
        on_erase="keep",
        on_merge="move",
        blank=("title", "attributes"),
        reason=_COUNTED,
        purpose="care",
    ),
    Holding(
        model="tickets.TicketLine",
        sensitivity="technical",
        member="ticket__member_id",
        export=("is_open", "quantity"),
        on_erase="keep",
        on_merge="stay",
        reason=_COUNTED,
        purpose="care",
    ),
    Holding(
        model="tickets.Message",
        sensitivity="personal",
        member="ticket__member_id",
        export=("side", "channel", "text", "at"),
        on_erase="keep",
        on_merge="stay",
        blank=("text",),
        reason=_COUNTED,
        purpose="care",
    ),
    Holding(
        model="tickets.Attachment",
        sensitivity="sensitive",
        member="message__ticket__member_id",
        export=(),
        on_erase="delete",
        on_merge="stay",
        purpose="care",
    ),
    Holding(
        model="tickets.Vote",
        sensitivity="personal",
        member="ticket__member_id",
        export=("score", "text", "channel", "at"),
        on_erase="keep",
        on_merge="stay",
        blank=("text",),
        reason=_COUNTED,
        purpose="care",
    ),
    Holding(
        model="tickets.Posting",
        sensitivity="technical",
        member="ticket__member_id",
        export=("state", "at"),
        on_erase="delete",
        on_merge="stay",
        retain_days=90,
        since="at",
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
        model="tickets.Amends",
        sensitivity="technical",
        member="ticket__member_id",
        export=("kind", "worth", "at", "taken_back_at"),
        on_erase="keep",
        on_merge="stay",
        reason=_COUNTED,
        purpose="care",
    ),
    Holding(
        model="tickets.AutomationRun",
        sensitivity="technical",
        member="ticket__member_id",
        export=("outcome", "at"),
        on_erase="keep",
        on_merge="stay",
        reason=_COUNTED,
        purpose="care",
    ),
    Holding(
        model="tickets.Link",
        sensitivity="technical",
        member="one__member_id",
        export=("at",),
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
IMPERSONAL = (
    "tickets.Automation",
    "tickets.DeskCard",
    "tickets.Macro",
    "tickets.MacroUse",
    "tickets.Article",
    "tickets.Suggestion",
)  # a suggestion knows a form, not who wrote in it


def _said(member_id: int) -> list[dict[str, object]]:
    rows = Message.objects.filter(ticket__member_id=member_id, is_internal=False).order_by("pk")
    return [{"side": row.side, "channel": row.channel, "text": row.text, "at": row.at} for row in rows]


def _pictures(member_id: int) -> list[dict[str, object]]:
    """Each under the name it has in the copy."""
    rows = Attachment.objects.filter(message__ticket__member_id=member_id).select_related("message", "upload")
    return [{"file": f"files/{uploads.file_name(row.upload)}", "at": row.message.at} for row in rows.order_by("pk")]


SHOWN = {"tickets.Message": _said, "tickets.Attachment": _pictures}

PURGES = (Purge(model="tickets.Suggestion", days=400, since="shown_at"),)
