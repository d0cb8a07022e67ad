"""By which ways an answer reaches the member, before it is written."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from apps.community import window_out
from apps.console.templatetags.console import minute
from apps.gateways import mail
from apps.members import mail_addresses
from apps.members import selectors as members
from apps.tickets import life
from apps.tickets.models import Message, Ticket


def told(row: Ticket, said: Sequence[Message]) -> list[str]:
    """The inbox always; beside it the way by which they wrote last, or why not. `said` oldest first."""
    last = next((one for one in reversed(said) if one.side == life.MEMBER), None)
    ways, member_id = [_("Goes into the member's inbox")], members.current_id(row.member_id)
    if last is not None and last.channel == "wecom":
        ways.append(_wecom(member_id))
    elif last is not None and last.channel == "email" and mail.is_set_up():
        closed = mail_addresses.is_closed(member_id)
        ways.append(_("no e-mail: the address is closed") if closed else _("and by e-mail"))
    return ways


def _wecom(member_id: int) -> str:
    window = window_out.window(member_id)
    if window is None:
        return _("not in WeCom: the 48 hours are over")
    if not window.left:
        return _("in WeCom only after the member writes again: WeCom's answers to their last words are used up")
    return _("and in WeCom: answers left %(n)s, until %(at)s") % {"n": window.left, "at": minute(window.until)}
