"""What the rules of tickets refuse."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class MoveRefused(DomainError):
    """Facts: `move`, `ticket_state`, and `legal_moves` as a list: what this side may do now."""

    code = "ticket_move_refused"
    title = _("The ticket is not in a state that allows this.")


class LineInTicket(DomainError):
    code = "ticket_line_open"
    title = _("There is an open ticket about this already.")


class WindowOver(DomainError):
    """Facts: `days` of the window, `line_id`."""

    code = "ticket_window_over"
    title = _("This was possible for %(days)s days after the goods came.")


class NotReceived(DomainError):
    code = "ticket_not_received"
    title = _("This is possible once the goods have come.")


class TicketChanged(DomainError):
    """Facts: `version` as it is now."""

    code = "precondition_failed"
    status = 412
    title = _("Somebody changed this ticket meanwhile. Look at it again; nothing was changed.")


class ArticleChanged(DomainError):
    """Facts: `version` as it is now."""

    code = "precondition_failed"
    status = 412
    title = _("Somebody changed this article meanwhile. Open it again; nothing was saved.")


class ReopenOver(DomainError):
    code = "ticket_reopen_over"
    title = _("A ticket can be opened again for %(days)s days. Write a new one, please.")


class VoteOver(DomainError):
    code = "ticket_vote_over"
    title = _("This can be rated once it is done, and for 30 days.")


class WrongQuantity(DomainError):
    code = "ticket_wrong_quantity"
    status = 422
    title = _("Choose how many, and not more than were bought.")


class TicketTaken(DomainError):
    code = "ticket_taken"
    title = _("Somebody else has this ticket already.")


class WrongTarget(DomainError):
    code = "ticket_wrong_target"
    status = 422
    title = _("Only open tickets of the same member can be merged.")
