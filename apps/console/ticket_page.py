"""One ticket as the workbench shows it: the queue it came from, thread, forms, who the member is, its life."""

import secrets
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.console import ticket_life, ticket_panel, ticket_tools, ticket_ways
from apps.console.ticket_form import RefundForm, SplitForm, WordsForm
from apps.console.ticket_words import MOVES
from apps.core import clock, ids
from apps.core.errors import NotFound
from apps.stores.models import Role, Staff, Store
from apps.tickets import changing, life, queues
from apps.tickets.models import Entry, Ticket
from apps.tickets.services import Actor

PREFIX = ticket_panel.PREFIX
VIEW, WORK, REFUND = "tickets.view", "tickets.work", "tickets.refund"
BESIDE = 14  # of the queue, at the left


def found(request: HttpRequest, public_id: str, *, permission: str = VIEW) -> Ticket:
    """Within the reader's stores. Raises NotFound."""
    reach = request.access.store_ids(permission)  # type: ignore[attr-defined]
    rows = queues.seen_by(reach).select_related("member", "store", "assignee", "order", "into")
    row: Ticket | None = rows.filter(pk=ids.decode(PREFIX, public_id)).first()
    if row is None:
        raise NotFound
    return row


def answer(request: HttpRequest, row: Ticket, *, status: int = 200, **given: Any) -> HttpResponse:
    """`given`: bound forms (`words`, `refund`, `split`, `amends`), the `outcome` of a preview, the `look` at a macro, and what a clash
    shows: `newer` words, `since` entries and the reader's own `wanted` values."""
    stores = request.access.store_ids(VIEW)  # type: ignore[attr-defined]
    moves = may_move(request, row)
    said = list(row.messages.select_related("by").prefetch_related("pictures__upload").order_by("pk"))
    refunds = can(request, REFUND) and "refund" in life.legal(row.kind, row.state, by=life.HOUSE)
    may_work = can(request, WORK)
    words = given.pop("words", None) or WordsForm(moves=moves, initial={"seen": said[-1].pk if said else 0})
    facts = {
        "row": row,
        "public_id": ids.encode(PREFIX, row.pk),
        "moves": moves,
        "state": f"{row.version}:{max((one.pk for one in said), default=0)}",
        "left": queues.left(row.due_at, clock.now()),
        "said": said,
        "life": ticket_life.told(row),
        "entry": Entry.objects.filter(ticket=row).order_by("-pk").values_list("pk", flat=True).first() or 0,
        "lines": row.lines.select_related("line__product", "line__order").order_by("pk"),
        "priorities": Ticket.Priority.choices,
        **(_choices(request, row) if may_work and not row.ended_at else {}),
        "may_work": may_work,
        "words": words,
        "ways": ticket_ways.told(row, said) if may_work else (),
        "log_key": secrets.token_urlsafe(15),
        "refund": (given.pop("refund", None) or RefundForm(ticket=row)) if refunds else None,
        "split": given.pop("split", None)
        or (SplitForm(ticket=row) if may_work and len(said) > 1 and not row.ended_at else None),
        **_queue(request, row, stores),
        **(ticket_tools.of(request, row, said=said, amends=given.pop("amends", None)) if may_work else {}),
        **ticket_panel.of(row, stores=stores),
        **given,
    }
    return render(request, "console/ticket.html", facts, status=status)


def state(row: Ticket) -> str:
    newest = row.messages.order_by("-pk").values_list("pk", flat=True).first()
    return f"{row.version}:{newest or 0}"


def may_move(request: HttpRequest, row: Ticket) -> list[tuple[str, str]]:
    """Moves that this person may make now."""
    if not can(request, WORK):
        return []
    legal = life.legal(row.kind, row.state, by=actor(request).side)
    return [(name, str(MOVES[name])) for name in legal]


def actor(request: HttpRequest) -> Actor:
    """Who works in a warehouse is its side, whatever their role there."""
    access = request.access  # type: ignore[attr-defined]
    if access.role in {Role.AGENT, Role.ADMIN}:
        return Actor(life.AGENT, access.staff_id)
    is_there = access.store_id and Store.objects.filter(pk=access.store_id, is_warehouse=True).exists()
    return Actor(life.WAREHOUSE if is_there else life.STORE, access.staff_id)


def can(request: HttpRequest, permission: str) -> bool:
    return bool(request.access.can(permission))  # type: ignore[attr-defined]


def places(request: HttpRequest) -> list[tuple[int, str]]:
    """Where it can go: stores of the reader, and warehouses, whose people take goods in and send them out."""
    reach = request.access.store_ids(WORK)  # type: ignore[attr-defined]
    rows = Store.objects.filter(is_open=True).order_by("name", "pk")
    if reach is not None:
        rows = rows.filter(Q(pk__in=reach) | Q(is_warehouse=True))
    return list(rows.values_list("pk", "name"))


def _choices(request: HttpRequest, row: Ticket) -> dict[str, Any]:
    kinds = changing.kinds(row)
    return {
        "kinds": [(value, label) for value, label in Ticket.Kind.choices if value in kinds],
        "places": places(request),
        "colleagues": colleagues(row),
    }


def colleagues(row: Ticket) -> list[tuple[int, str]]:
    """Whom it can be given to: service agents, and who works in its store."""
    there = Staff.objects.filter(is_active=True, user__isnull=False)
    agents, own = there.filter(role=Role.AGENT), there.filter(store_id=row.store_id or 0)
    return list((agents | own).order_by("name", "pk").values_list("pk", "name"))


def _queue(request: HttpRequest, row: Ticket, stores: list[int] | None) -> dict[str, Any]:
    """The queue at the left, with its neighbours of this ticket for the keys."""
    show = request.GET.get("queue", "")
    show = show if show in queues.ALL else "mine"
    desk = queues.Desk(stores=stores, staff_id=request.access.staff_id, moment=clock.now())  # type: ignore[attr-defined]
    rows = queues.rows(desk, show, limit=BESIDE)[:BESIDE]
    keys = [one.pk for one in rows]
    at = keys.index(row.pk) if row.pk in keys else -1
    beside = [(one, ids.encode(PREFIX, one.pk), queues.left(one.due_at, desk.moment)) for one in rows]
    return {
        "queue": show,
        "beside": beside,
        "before": beside[at - 1][1] if at > 0 else "",
        "after": beside[at + 1][1] if at + 1 < len(beside) else "",
    }
