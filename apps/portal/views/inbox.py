"""Messages of the house to the member."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.core import clock, ids
from apps.core.errors import NotFound
from apps.gateways import inbox
from apps.portal import sessions, shell
from apps.portal.shell import Facts

PAGE = 20
PREFIX = "msg"


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Newest first; `?after=` goes on below a message. htmx asks for the rows alone."""
    letters = inbox.find_for_member(member_id=request.member.member_id)  # type: ignore[attr-defined]
    if after := request.GET.get("after", ""):
        letters = letters.filter(pk__lt=ids.decode(PREFIX, after))
    rows = list(letters[: PAGE + 1])
    facts: Facts = {"rows": rows[:PAGE], "older": ids.encode(PREFIX, rows[PAGE - 1].pk) if len(rows) > PAGE else ""}
    if request.headers.get("HX-Request"):
        return shell.part(request, "portal/_inbox_rows.html", facts)
    return shell.page(request, "portal/inbox.html", {**facts, "is_first": not after}, at="inbox")


@require_safe
def message(request: HttpRequest, message: str) -> HttpResponse:
    """One message; opening it makes it read."""
    member_id = request.member.member_id  # type: ignore[attr-defined]
    letter = inbox.find_for_member(member_id=member_id).filter(pk=ids.decode(PREFIX, message)).first()
    if letter is None:
        raise NotFound
    inbox.mark_read(member_id=member_id, message_id=letter.pk, moment=clock.now())
    kind, _colon, rest = letter.key.partition(":")
    number = rest.partition(":")[0]
    ticket = ids.encode("tkt", int(number)) if kind == "ticket" and number.isdigit() else ""
    return shell.page(request, "portal/message.html", {"letter": letter, "ticket": ticket}, at="inbox")


@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    count = inbox.mark_all_read(member_id=request.member.member_id, moment=clock.now())  # type: ignore[attr-defined]
    if count:
        sessions.say(request, _("All messages are marked as read."))
    return redirect("portal:inbox")
