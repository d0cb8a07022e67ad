"""The service desk: queues, one ticket with what was said and who the member is, a new one, money back."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.console import asked, people, scope
from apps.console.ticket_form import RefundForm, TicketForm, WordsForm
from apps.console.ticket_words import ACTS, MOVES
from apps.core import clock, ids, money
from apps.core.errors import DomainError, NotFound
from apps.coupons.models import Coupon
from apps.flows import refund_ticket
from apps.members.models import Member
from apps.orders import selectors as orders
from apps.points.models import Account
from apps.points.tiers import tier_of
from apps.stores.models import Role, Staff
from apps.tickets import assigning, life
from apps.tickets import services as tickets
from apps.tickets.models import Entry, Ticket
from apps.tickets.services import Actor, NewTicket

PREFIX = "tkt"
VIEW, WORK, REFUND = "tickets.view", "tickets.work", "tickets.refund"
QUEUES = ("mine", "pool", "late", "all", "done")
SHOWN = 100
SOON = timedelta(minutes=30)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    where = scope.of(request, permission=VIEW)
    show = asked.one_of(request, name="show", allowed=QUEUES) or "all"
    moment = clock.now()
    found = _queue(_within(where.ids), show, request, moment).select_related("member", "store", "assignee")[:SHOWN]
    rows = [{"row": row, "public_id": ids.encode(PREFIX, row.pk), "left": _left(row.due_at, moment)} for row in found]
    facts = {"rows": rows, "show": show, "stores": where.options, "most": SHOWN, "may_work": _can(request, WORK)}
    return render(request, "console/tickets.html", facts)


@require_http_methods(["GET", "HEAD"])
def page(request: HttpRequest, ticket: str) -> HttpResponse:
    return _page(request, _found(request, ticket))


@require_POST
def act(request: HttpRequest, ticket: str, act: str) -> HttpResponse:
    """`take`, `say`, `move`, `change`, `refund`; what is refused is said above the page."""
    row = _found(request, ticket, permission=WORK)
    if act == "say":
        return _say(request, row, ticket)
    if act == "refund":
        return _refund(request, row, ticket)
    if act not in _ACTS:
        raise NotFound
    try:
        _ACTS[act](request, row)
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("Saved."))
    return redirect("console:ticket", ticket)


@require_POST
def take_next(request: HttpRequest) -> HttpResponse:
    """The most pressing one that nobody has."""
    access = request.access  # type: ignore[attr-defined]
    taken = assigning.take_next(staff_id=access.staff_id, store_ids=access.store_ids(WORK))
    if taken is None:
        messages.info(request, _("Nobody waits: every ticket has somebody."))
        return redirect("console:tickets")
    return redirect("console:ticket", ids.encode(PREFIX, taken.pk))


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, member: str) -> HttpResponse:
    row = people.one(request, member, permission=WORK)
    form = TicketForm(request.POST or None, member_id=row.pk)
    if request.method == "POST" and form.is_valid():
        try:
            made = tickets.open_ticket(_asked(form, row), by=_actor(request))
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


def _say(request: HttpRequest, row: Ticket, public_id: str) -> HttpResponse:
    form = WordsForm(request.POST, moves=_moves(request, row))
    if not form.is_valid():
        return _page(request, row, words=form)
    said = form.cleaned_data
    try:
        tickets.say(
            ticket_id=row.pk, by=_actor(request), text=said["text"], source=f"console:{said['request_key']}",
            is_internal=said["is_internal"], move=said["move"],
        )  # fmt: skip
    except DomainError as refusal:
        people.complain(request, refusal)
        return _page(request, row, words=form)
    messages.success(request, _("Noted.") if said["is_internal"] else _("Sent."))
    return redirect("console:ticket", public_id)


def _refund(request: HttpRequest, row: Ticket, public_id: str) -> HttpResponse:
    """First what will happen, then, by a second button, that it does."""
    access = request.access  # type: ignore[attr-defined]
    access.reach(REFUND)
    form = RefundForm(request.POST, ticket=row)
    if not form.is_valid():
        return _page(request, row, refund=form)
    try:
        if "do" not in request.POST:
            return _page(request, row, refund=form, outcome=refund_ticket.preview(ticket_id=row.pk, cents=form.cents()))
        staff = Staff.objects.get(pk=access.staff_id)
        done = refund_ticket.decide(
            ticket_id=row.pk, cents=form.cents(), staff=staff, reason=form.cleaned_data["reason"]
        )
    except DomainError as refusal:
        people.complain(request, refusal)
        return _page(request, row, refund=form)
    if done.approval_id:
        messages.info(request, _("This is over your limit: it waits for a second person under approvals."))
    else:
        messages.success(request, _("%(amount)s went back.") % {"amount": money.show(done.refunded_cents)})
    return redirect("console:ticket", public_id)


def _take(request: HttpRequest, row: Ticket) -> None:
    assigning.take(ticket_id=row.pk, staff_id=request.access.staff_id)  # type: ignore[attr-defined]


def _move(request: HttpRequest, row: Ticket) -> None:
    name = request.POST.get("move", "")
    tickets.move(ticket_id=row.pk, move=name, by=_actor(request), version=_version(request))


def _change(request: HttpRequest, row: Ticket) -> None:
    values: dict[str, Any] = {}
    if (priority := request.POST.get("priority", "")) in {"1", "2", "3"}:
        values["priority"] = int(priority)
    tickets.change(ticket_id=row.pk, values=values, by=_actor(request), version=_version(request))


_ACTS: dict[str, Callable[[HttpRequest, Ticket], None]] = {"take": _take, "move": _move, "change": _change}


def _version(request: HttpRequest) -> int:
    """What the page showed; a page that said none is as old as can be."""
    text = request.POST.get("version", "")
    return int(text) if text.isdigit() and len(text) < 10 else 0


def _page(request: HttpRequest, row: Ticket, **given: Any) -> HttpResponse:
    moves = _moves(request, row)
    may_refund = _can(request, REFUND) and "refund" in life.legal(row.kind, row.state, by=life.HOUSE)
    facts = {
        "row": row,
        "public_id": ids.encode(PREFIX, row.pk),
        "moves": moves,
        "left": _left(row.due_at, clock.now()),
        "said": row.messages.select_related("by").order_by("pk"),
        "life": _life(row),
        "lines": row.lines.select_related("line__product", "line__order").order_by("pk"),
        "priorities": Ticket.Priority.choices,
        "may_work": _can(request, WORK),
        "words": given.get("words") or WordsForm(moves=moves),
        "refund": (given.get("refund") or RefundForm(ticket=row)) if may_refund else None,
        "outcome": given.get("outcome"),
        **_panel(row),
    }
    is_wrong = any(form.errors for form in given.values() if hasattr(form, "errors"))
    return render(request, "console/ticket.html", facts, status=422 if is_wrong else 200)


def _panel(row: Ticket) -> dict[str, Any]:
    """Who it is, in six statements."""
    member_id = row.member_id
    return {
        "tier": tier_of(member_ids=[member_id]).get(member_id),
        "accounts": Account.objects.filter(member_id=member_id).select_related("currency").order_by("currency_id"),
        "orders": orders.newest(member_id=member_id, limit=5),
        "coupons": Coupon.objects.filter(member_id=member_id, state=Coupon.State.READY).count(),
        "others": [
            {"row": other, "public_id": ids.encode(PREFIX, other.pk)}
            for other in Ticket.objects.filter(member_id=member_id).exclude(pk=row.pk).order_by("-pk")[:5]
        ],
    }


def _life(row: Ticket) -> list[dict[str, Any]]:
    entries = Entry.objects.filter(ticket=row).select_related("by").order_by("-pk")
    return [
        {"title": str(ACTS.get(one.act, one.act)), "moment": one.at, "text": one.by.name if one.by else "", "tone": ""}
        for one in entries
    ]


def _moves(request: HttpRequest, row: Ticket) -> list[tuple[str, str]]:
    if not _can(request, WORK):
        return []
    legal = life.legal(row.kind, row.state, by=_actor(request).side)
    return [(name, str(MOVES[name])) for name in legal if name != "merge"]


def _actor(request: HttpRequest) -> Actor:
    access = request.access  # type: ignore[attr-defined]
    side = life.AGENT if access.role in {Role.AGENT, Role.ADMIN} else life.STORE
    return Actor(side, access.staff_id)


def _queue(found: Any, show: str, request: HttpRequest, moment: datetime) -> Any:
    if show == "done":
        return found.filter(ended_at__isnull=False).order_by("-ended_at", "-pk")
    found = found.filter(ended_at=None).order_by("due_at", "pk")
    if show == "mine":
        return found.filter(assignee_id=request.access.staff_id)  # type: ignore[attr-defined]
    if show == "pool":
        return found.filter(assignee=None)
    return found.filter(due_at__lte=moment + SOON) if show == "late" else found


def _left(due_at: datetime | None, moment: datetime) -> str:
    """Which colour, with its words: missed, soon or ok."""
    if due_at is None:
        return ""
    if due_at <= moment:
        return "missed"
    return "soon" if due_at <= moment + SOON else "ok"


def _found(request: HttpRequest, public_id: str, *, permission: str = VIEW) -> Ticket:
    reach = request.access.store_ids(permission)  # type: ignore[attr-defined]
    found = _within(reach).select_related("member", "store", "assignee", "order", "into")
    row: Ticket | None = found.filter(pk=ids.decode(PREFIX, public_id)).first()
    if row is None:
        raise NotFound
    return row


def _within(store_ids: Any) -> Any:
    return Ticket.objects.all() if store_ids is None else Ticket.objects.filter(store_id__in=store_ids)


def _can(request: HttpRequest, permission: str) -> bool:
    return bool(request.access.can(permission))  # type: ignore[attr-defined]
