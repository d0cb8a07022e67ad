"""The service desk: queues with their counts, one ticket at the workbench, a new one, many at once."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.analytics import keyset
from apps.console import asked, people, scope, ticket_page
from apps.console.ticket_form import TicketForm
from apps.console.ticket_page import PREFIX, VIEW, WORK
from apps.console.ticket_words import MOVES
from apps.console.views import ticket_people
from apps.core import clock, ids
from apps.core.errors import DomainError, NotFound
from apps.members.models import Member
from apps.tickets import assigning, queues
from apps.tickets import services as tickets
from apps.tickets.models import Ticket
from apps.tickets.services import NewTicket

QUEUES = {
    "mine": pgettext_lazy("tickets", "Mine"),
    "team": pgettext_lazy("tickets", "My team's"),
    "pool": pgettext_lazy("tickets", "Nobody's"),
    "waiting": pgettext_lazy("tickets", "Waiting for the member"),
    "late": pgettext_lazy("tickets", "Late, or within 30 minutes"),
    "vip": pgettext_lazy("tickets", "High tiers"),
    "all": pgettext_lazy("tickets", "All open"),
    "done": pgettext_lazy("tickets", "Ended"),
}
BULK_MOVES = ("take_up", "ask", "resolve", "close", "withdraw")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    return _index(request)


@require_http_methods(["GET", "HEAD"])
def page(request: HttpRequest, ticket: str) -> HttpResponse:
    return ticket_page.answer(request, ticket_page.found(request, ticket))


@require_safe
def state(request: HttpRequest, ticket: str) -> HttpResponse:
    """For pages without a socket: another text whenever there is something new to look at."""
    answer = HttpResponse(ticket_page.state(ticket_page.found(request, ticket)), content_type="text/plain")
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
def take_next(request: HttpRequest) -> HttpResponse:
    """The most pressing one that nobody has."""
    access = request.access  # type: ignore[attr-defined]
    taken = assigning.take_next(staff_id=access.staff_id, store_ids=access.store_ids(WORK))
    if taken is None:
        messages.info(request, _("Nobody waits: every ticket has somebody."))
        return redirect("console:tickets")
    return redirect("console:ticket", ids.encode(PREFIX, taken.pk))


@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """One act for up to 200 tickets, with a result for each. What the reader may not see is not there."""
    reach = request.access.store_ids(WORK)  # type: ignore[attr-defined]
    chosen = _keys(request.POST.getlist("ticket"))
    try:
        act = _bulk_act(request)

        def one(key: int) -> object:
            if not queues.seen_by(reach).filter(pk=key).exists():
                raise NotFound
            return act(key)

        told = tickets.bulk(ticket_ids=chosen, act=one)
    except DomainError as refusal:
        people.complain(request, refusal)
        return _index(request, status=422)
    rows = {row.pk: row for row in queues.seen_by(reach).filter(pk__in=[key for key, _refused in told])}
    results = [(rows.get(key), ids.encode(PREFIX, key), refused) for key, refused in told]
    done = sum(refused is None for _row, _key, refused in results)
    messages.success(request, ngettext("%(n)s ticket done.", "%(n)s tickets done.", done) % {"n": done})
    results.sort(key=lambda one: one[2] is None)  # what was refused stands first
    return _index(request, results=results, done=done, refused=len(results) - done)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, member: str) -> HttpResponse:
    row = people.one(request, member, permission=WORK)
    form = TicketForm(request.POST or None, member_id=row.pk)
    if request.method == "POST" and form.is_valid():
        try:
            made = tickets.open_ticket(_asked(form, row), by=ticket_page.actor(request))
        except DomainError as refusal:
            people.complain(request, refusal)
        else:
            messages.success(request, _("The ticket is open."))
            return redirect("console:ticket", ids.encode(PREFIX, made.pk))
    facts = {"form": form, "member": row, "public_id": people.public_id(row)}
    return render(request, "console/ticket_new.html", facts, status=422 if form.is_bound else 200)


def _asked(form: TicketForm, row: Member) -> NewTicket:
    said = form.cleaned_data
    return NewTicket(
        source=f"console:{said['request_key']}", member_id=row.pk, kind=said["kind"], title=said["title"],
        text=said["text"], line_ids=said["lines"], store_id=row.home_store_id, channel=said["channel"],
        priority=said["priority"],
    )  # fmt: skip


def _index(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    where = scope.of(request, permission=VIEW)
    show = asked.one_of(request, name="show", allowed=QUEUES) or "all"
    kind = asked.one_of(request, name="kind", allowed=Ticket.Kind.values)
    desk = queues.Desk(
        stores=where.ids, staff_id=request.access.staff_id, moment=clock.now(), kind=kind,  # type: ignore[attr-defined]
        tag=request.GET.get("tag", "")[:30].replace("\0", ""),
    )  # fmt: skip
    counts = queues.counts(desk)
    found, older = _rows(request, desk, show)
    facts = {
        "rows": found,
        "show": show,
        "queues": [(key, label, counts.get(key)) for key, label in QUEUES.items()],
        "most": queues.MOST,
        "late": counts["late"],
        "stores": where.options,
        "kinds": [("", _("All kinds"), not kind), *((key, label, key == kind) for key, label in Ticket.Kind.choices)],
        "tag": desk.tag,
        "may_work": ticket_page.can(request, WORK),
        "bulk_moves": [(name, MOVES[name]) for name in BULK_MOVES],
        "priorities": Ticket.Priority.choices,
        "older": older,
        "is_away": ticket_people.is_away(request),
        **more,
    }
    return render(request, "console/tickets.html", facts, status=status)


def _rows(request: HttpRequest, desk: queues.Desk, show: str) -> tuple[list[dict[str, Any]], str]:
    """The rows and the address of the next page."""
    cursor = keyset.read(request.GET.get("at", ""), kinds=[str, int])
    after = [_moment(cursor.key[0]), cursor.key[1]] if cursor else None
    found = queues.rows(desk, show, after=after)
    shown = found[: queues.SHOWN]
    older = ""
    if len(found) > queues.SHOWN:
        at, key = queues.place(shown[-1], show)
        kept = request.GET.copy()
        kept["at"] = keyset.write([at.isoformat() if at else "", key])
        older = f"?{kept.urlencode()}"
    rows = [
        {"row": row, "public_id": ids.encode(PREFIX, row.pk), "left": queues.left(row.due_at, desk.moment)}
        for row in shown
    ]
    return rows, older


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _keys(public_ids: list[str]) -> list[int]:
    """A broken one counts as one that is not there."""
    return [ids.decode(PREFIX, one) for one in public_ids[: tickets.AT_ONCE + 1]]


def _bulk_act(request: HttpRequest) -> Any:
    """`do`: take, priority:N or move:NAME."""
    by, staff_id = ticket_page.actor(request), request.access.staff_id  # type: ignore[attr-defined]
    what, _colon, value = request.POST.get("do", "").partition(":")
    if what == "take":
        return lambda key: assigning.take(ticket_id=key, staff_id=staff_id)
    if what == "priority" and value in {"1", "2", "3"}:
        return lambda key: tickets.change(ticket_id=key, values={"priority": int(value)}, by=by)
    if what == "move" and value in BULK_MOVES:
        return lambda key: tickets.move(ticket_id=key, move=value, by=by)
    raise NotFound
