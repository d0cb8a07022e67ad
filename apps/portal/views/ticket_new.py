"""A new request: what about, of which kind, which pieces, in words and pictures; then what it will do; then it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.core import clock, ids
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.flows import refund_ticket
from apps.orders import selectors as orders
from apps.orders.models import Line, Order
from apps.portal import sessions, shell, ticket_words
from apps.portal.shell import Facts
from apps.portal.views import help
from apps.portal.views import tickets as pages
from apps.tickets import articles, attachments, life, member_view
from apps.tickets.models import Ticket
from apps.tickets.services import NewTicket

ORDER = "ord"
NEWEST = 10
WITHOUT_ORDER = (life.QUESTION, life.COMPLAINT)
MONEY = frozenset({life.REFUND, life.RETURN})
_TITLE = 60


@dataclass
class Asked:
    """What the form says, as it was typed. `lines`: how many of each, by line number; None: all of it."""

    kind: str = ""
    text: str = ""
    lines: dict[int, Decimal | None] = field(default_factory=dict)
    photos: list[int] = field(default_factory=list)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """`?order=` says about which; without it, and without `?kind=`, what it is about is asked first."""
    order, lines = _order(request)
    kind = request.GET.get("kind", "")
    if order is None and kind not in WITHOUT_ORDER:
        found = orders.find(member_id=pages.me(request), limit=NEWEST)
        facts: Facts = {"rows": [row for row in found.rows if row.paid_at and row.status != Order.Status.CANCELLED]}
        return shell.page(request, "portal/ticket_about.html", facts, at="me")
    if request.method != "POST":
        return _form(request, order, lines, Asked(kind=kind))
    return _sent(request, order, lines)


def _sent(request: HttpRequest, order: Order | None, lines: list[Line]) -> HttpResponse:
    """Looked at, then shown with what it will do, then, by the second button, on its way."""
    source = pages.source_of(request)
    asked = _asked(request, lines)
    if "change" in request.POST:
        return _form(request, order, lines, asked)
    try:
        asked.photos = pages.photos_of(request)
        wanted = _wanted(request, asked, lines, source)
        if "send" not in request.POST:
            member_view.check(wanted)
            return _check(request, order, lines, asked)
        made = attachments.open_ticket(wanted, by=member_view.MEMBER, upload_ids=asked.photos)
        articles.note_sent(token=request.POST["token"])
    except DomainError as refusal:
        return _form(request, order, lines, asked, problem=refusal)
    sessions.say(request, _("We have it. You hear from us here."))
    return redirect("portal:ticket", ids.encode(pages.PREFIX, made.pk))


def _form(
    request: HttpRequest, order: Order | None, lines: list[Line], asked: Asked, *, problem: DomainError | None = None
) -> HttpResponse:
    choices = member_view.choices(order, moment=clock.now())
    if order is None:
        choices = [one for one in choices if one.kind in WITHOUT_ORDER]
    taken = member_view.open_tickets([line.pk for line in lines])
    waiting = {row.pk for row in attachments.waiting(pages.me(request))} | set(asked.photos)
    facts: Facts = {
        **_shared(request, order, asked),
        "choices": [(one, ticket_words.KINDS[one.kind]) for one in choices],
        "lines": [
            {
                "line": line,
                "open": ids.encode(pages.PREFIX, taken[line.pk]) if line.pk in taken else "",
                "is_chosen": line.line_no in asked.lines or len(lines) == 1,
                "quantity": asked.lines.get(line.line_no) or line.quantity,
                "many": line.quantity > 1 and line.quantity == line.quantity.to_integral_value(),
            }
            for line in lines
        ],
        "photos": sorted(waiting)[: attachments.MOST],
        "problem": pages.said(problem) if problem else "",
        "wrong": _pointer(problem),
        "most": attachments.MOST,
    }
    return shell.page(request, "portal/ticket_new.html", facts, at="me", status=problem.status if problem else 200)


def _check(request: HttpRequest, order: Order | None, lines: list[Line], asked: Asked) -> HttpResponse:
    """What was written, and what comes of it, before it is sent."""
    chosen = [line for line in lines if line.line_no in asked.lines]
    facts: Facts = {
        **_shared(request, order, asked),
        "kind_label": Ticket.Kind(asked.kind).label,
        "lines": [(line, asked.lines[line.line_no]) for line in chosen],
        "photos": asked.photos,
        "suggested": help.rows(articles.suggest(asked.text, token=request.POST["token"])),
    }
    if asked.kind in MONEY and order is not None:
        cents = {line.pk: member_view.share_cents(line, asked.lines[line.line_no]) for line in chosen}
        try:
            seen = refund_ticket.foresee(
                member_id=pages.me(request), order_id=order.pk, cents={key: some for key, some in cents.items() if some}
            )
        except DomainError as refusal:
            facts["not_foreseen"] = str(refusal)
        else:
            facts["outcome"] = ticket_words.outcome(seen)
    return shell.page(request, "portal/ticket_check.html", facts, at="me")


def _shared(request: HttpRequest, order: Order | None, asked: Asked) -> Facts:
    return {
        "order": order,
        "order_id": ids.encode(ORDER, order.pk) if order else "",
        "asked": asked,
        "token": request.POST.get("token") or uuid4().hex,
    }


def _order(request: HttpRequest) -> tuple[Order | None, list[Line]]:
    """Raises NotFound for somebody else's."""
    if not (public_id := request.GET.get("order", "")):
        return None, []
    found = orders.of_member(pages.me(request)).filter(pk=ids.decode(ORDER, public_id)).select_related("store").first()
    if found is None or found.paid_at is None:
        raise NotFound
    return found, list(found.lines.select_related("product").order_by("line_no"))


def _asked(request: HttpRequest, lines: list[Line]) -> Asked:
    known = {line.line_no: line for line in lines}
    asked = Asked(kind=request.POST.get("kind", ""), text=request.POST.get("text", "").strip()[:4_001])
    for text in request.POST.getlist("line"):
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
        if number in known:
            asked.lines[number] = _quantity(request.POST.get(f"quantity-{number}", ""), known[number])
    return asked


def _quantity(text: str, line: Line) -> Decimal | None:
    """Whole pieces; None is all of them, and zero is what is refused."""
    if not text:
        return None
    number = Decimal(text) if text.isascii() and text.isdigit() and len(text) < 7 else Decimal(0)
    return None if number == line.quantity else number


def _wanted(request: HttpRequest, asked: Asked, lines: list[Line], source: str) -> NewTicket:
    if asked.kind not in Ticket.Kind.values:
        raise _wrong("/kind", _("Choose what we can do for you."))
    if not asked.text:
        raise _wrong("/text", _("Say in a few words what happened."))
    chosen = {line.pk: asked.lines[line.line_no] for line in lines if line.line_no in asked.lines}
    quantities: Mapping[int, Decimal] = {key: some for key, some in chosen.items() if some is not None}
    return NewTicket(
        source=source, member_id=pages.me(request), kind=asked.kind, title=_title(asked.text), text=asked.text,
        line_ids=list(chosen), quantities=quantities,
    )  # fmt: skip


def _title(text: str) -> str:
    """The member's first line, as far as it fits."""
    first = text.splitlines()[0].strip()
    return first if len(first) <= _TITLE else first[: _TITLE - 1] + "…"


def _wrong(pointer: str, message: str) -> ValidationFailed:
    return ValidationFailed(errors=[{"pointer": pointer, "code": "invalid", "message": message}])


def _pointer(problem: DomainError | None) -> str:
    """Which field: kind, lines, text or files."""
    found = pages.errors_of(problem)
    return str(found[0]["pointer"]).strip("/") if found else ""
