"""The service desk for programs of the brand: every ticket, its words, answers and notes, steps and what is noted about it.

Words are never refused for a stale reading; what can be overwritten asks for the ETag that was read.
"""

from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import shapes
from apps.api.base import ApiView, Input
from apps.api.frame import call_of
from apps.api.rendering import Response
from apps.api.schema import Paged, operation, query
from apps.api.views import tickets as member_side
from apps.core import ids
from apps.core.errors import NotFound, ValidationFailed
from apps.members import selectors as members
from apps.stores.models import Staff, Store
from apps.tickets import life
from apps.tickets import services as tickets
from apps.tickets.actions import MOVES
from apps.tickets.models import Message, Ticket
from apps.tickets.services import Actor

TICKET, CHANNEL = member_side.TICKET, "api"
AGENT = Actor(life.AGENT)
_AT = "2026-11-29T10:32:05+08:00"
_STATES = {"open", "ended"}


class DeskMessageInput(Input):
    text = f.CharField(max_length=4_000)
    is_internal = f.BooleanField(
        required=False, default=False, help_text="a note among staff; the member never sees it"
    )
    move = f.ChoiceField(MOVES, required=False, help_text="a step in the same transaction; one of `moves`")


class DeskWorkInput(Input):
    """At least one."""

    limits = {"minProperties": 1}
    move = f.ChoiceField(MOVES, required=False, help_text="one of `moves`")
    priority = f.IntegerField(min_value=1, max_value=3, required=False, help_text="1 urgent, 2 normal, 3 low")
    kind = f.ChoiceField(Ticket.Kind.values, required=False)
    store = f.CharField(max_length=40, allow_null=True, required=False, help_text="its code; null: head office")
    assignee = f.CharField(max_length=40, allow_null=True, required=False, help_text="a staff number; null: nobody")
    skill = f.CharField(max_length=30, allow_blank=True, required=False)
    tags = f.ListField(child=f.CharField(max_length=30), max_length=12, required=False)
    attributes = f.DictField(
        child=f.CharField(max_length=100), required=False, help_text="what is left out stays; names: a–z, 0–9, _"
    )


class DeskMessageOut(f.Serializer[Any]):
    side = f.CharField(help_text="open list: member, agent, store, warehouse, house")
    who = f.CharField(allow_blank=True)
    is_internal = f.BooleanField()
    channel = f.CharField(allow_blank=True, help_text="open list: portal, mini, email, wecom, phone, counter, api")
    text = f.CharField()
    at = f.DateTimeField()
    pictures = member_side.TicketPictureOut(many=True)


class DeskTicketOut(f.Serializer[Any]):
    id = f.CharField()
    number = f.CharField()
    member = f.CharField()
    order = f.CharField(allow_null=True)
    kind = f.CharField(help_text=f"open list: {', '.join(Ticket.Kind.values)}")
    state = f.CharField(help_text=f"open list: {', '.join(Ticket.State.values)}")
    priority = f.IntegerField()
    title = f.CharField()
    store = f.CharField(allow_null=True, help_text="its code")
    assignee = f.CharField(allow_null=True, help_text="the number of whoever works on it")
    created_at = f.DateTimeField()
    due_at = f.DateTimeField(allow_null=True, help_text="the nearest promise; null: nothing is promised now")
    ended_at = f.DateTimeField(allow_null=True)


class DeskTicketDetailOut(DeskTicketOut):
    messages = DeskMessageOut(many=True, help_text="oldest first")


class DeskWorkOut(f.Serializer[Any]):
    state = f.CharField()
    priority = f.IntegerField()
    kind = f.CharField()
    store = f.CharField(allow_null=True)
    assignee = f.CharField(allow_null=True)
    skill = f.CharField(allow_blank=True)
    tags = f.ListField(child=f.CharField())
    attributes = f.DictField(child=f.CharField())
    moves = f.ListField(child=f.CharField(), help_text="the steps that may be taken now")


TICKET_EXAMPLE = {
    "id": "tkt_3f8k2m9pq7wxz", "number": "20261119-0382", "member": "mem_3f8k2m9pq7wxz", "order": None, "kind": "question",
    "state": "new", "priority": 2, "title": "第二颗扣子掉了", "store": "S001", "assignee": None, "created_at": _AT, "due_at": _AT,
    "ended_at": None,
}  # fmt: skip
MESSAGE_EXAMPLE = {
    "side": "member", "who": "", "is_internal": False, "channel": "wecom", "text": "穿了两次，第二颗扣子就掉了。", "at": _AT,
    "pictures": [],
}  # fmt: skip
DETAIL_EXAMPLE = TICKET_EXAMPLE | {"messages": [MESSAGE_EXAMPLE]}
WORK_EXAMPLE = {
    "state": "working", "priority": 1, "kind": "question", "store": "S001", "assignee": None, "skill": "", "tags": ["扣子"],
    "attributes": {"batch_no": "B17"}, "moves": ["ask", "resolve"],
}  # fmt: skip


class DeskTickets(ApiView):
    route = "tickets"

    @operation(
        "Tickets of the service desk, newest first",
        answer=Paged(DeskTicketOut),
        example=TICKET_EXAMPLE,
        parameters=[
            OpenApiParameter("state", {"type": "string", "enum": sorted(_STATES)}, description="without it, all"),
            OpenApiParameter("kind", {"type": "string", "enum": Ticket.Kind.values}, description="without it, all"),
            query("member", "Those of this member."),
        ],
        problems=["not_found"],
        is_tagged=True,
        tag="server",
    )
    def get(self, request: Request) -> HttpResponse:
        whole = _asked(request)
        name = f"desk:{':'.join(request.query_params.get(one, '') for one in ('state', 'kind', 'member'))}"
        limit, after = self.page_asked(name)
        rows = list((whole.filter(pk__lt=after[0]) if after else whole).order_by("-pk")[: limit + 1])
        following = [rows[limit - 1].pk] if len(rows) > limit else None
        return self.page([_ticket(row) for row in rows[:limit]], name=name, following=following, whole=whole)


class DeskTicket(ApiView):
    route = "ticket"

    @operation(
        "One ticket with its words, those among staff too",
        answer=DeskTicketDetailOut,
        example=DETAIL_EXAMPLE,
        problems=["not_found"],
        is_tagged=True,
        tag="server",
    )
    def get(self, request: Request, ticket: str) -> HttpResponse:
        return self.tagged(_detail(_one(ticket)))


class DeskMessages(ApiView):
    route = "ticket_messages"
    key_required = ("POST",)

    @operation(
        "Answer the member, or note something among staff; with `move` in one step",
        form=DeskMessageInput,
        asks={"text": "今天给您寄一颗扣子。"},
        answer=DeskTicketDetailOut,
        example=DETAIL_EXAMPLE,
        status=201,
        problems=["validation_failed", "not_found", "ticket_move_refused", "ticket_reopen_over", "ticket_line_open"],
        tag="server",
    )
    def post(self, request: Request, ticket: str) -> Response:
        row, said = _one(ticket), self.read(DeskMessageInput)
        key = sha256(call_of(request._request).key.encode()).hexdigest()[:40]
        tickets.say(
            ticket_id=row.pk, by=AGENT, text=said["text"], source=f"api:client:{self.principal.credential_id}:{key}",
            is_internal=said["is_internal"], channel=CHANNEL, move=said.get("move", ""),
        )  # fmt: skip
        return Response(_detail(_one(ticket)), status=201)


class DeskWork(ApiView):
    route = "ticket_work"

    @operation(
        "How a ticket stands, and what may be done with it",
        answer=DeskWorkOut,
        example=WORK_EXAMPLE,
        problems=["not_found"],
        is_tagged=True,
        tag="server",
    )
    def get(self, request: Request, ticket: str) -> HttpResponse:
        return self.tagged(_work(_one(ticket)))

    @operation(
        "Take a step with a ticket, or change what is noted about it; all of it or nothing",
        form=DeskWorkInput,
        asks={"priority": 1, "tags": ["扣子"]},
        answer=DeskWorkOut,
        example=WORK_EXAMPLE,
        problems=["validation_failed", "not_found", "ticket_move_refused", "ticket_reopen_over", "ticket_line_open"],
        is_tagged=True,
        tag="server",
    )
    @transaction.atomic
    def put(self, request: Request, ticket: str) -> HttpResponse:
        wanted, key = self.read(DeskWorkInput), _one(ticket).pk
        if not wanted:
            raise ValidationFailed(errors=[{"pointer": "", "code": "invalid", "message": _("Say what to change.")}])
        self.demand_match(_work(tickets.locked(key)))
        values = {name: wanted[name] for name in ("priority", "kind", "skill", "tags", "attributes") if name in wanted}
        for name, model in (("store", Store), ("assignee", Staff)):
            if name in wanted:
                values[f"{name}_id"] = _key(name, model, wanted[name])
        if values:
            tickets.change(ticket_id=key, values=values, by=AGENT)
        if wanted.get("move"):
            tickets.move(ticket_id=key, move=wanted["move"], by=AGENT)
        return self.tagged(_work(_one(ticket)))


def _asked(request: Request) -> QuerySet[Ticket]:
    """Raises ValidationFailed for a filter that there is not."""
    asked, rows = request.query_params, _every()
    if (state := asked.get("state")) is not None:
        _known("state", state, _STATES)
        rows = rows.filter(ended_at__isnull=state == "open")
    if (kind := asked.get("kind")) is not None:
        _known("kind", kind, set(Ticket.Kind.values))
        rows = rows.filter(kind=kind)
    if member := asked.get("member"):
        rows = rows.filter(member_id=members.current_id(ids.decode(shapes.MEMBER, member)))
    return rows


def _key(name: str, model: type[Store | Staff], code: str | None) -> int | None:
    """Raises ValidationFailed for a code that nothing has."""
    if code is None:
        return None
    found: int | None = model.objects.filter(code=code).values_list("pk", flat=True).first()
    if found is None:
        message = _("Choose one of the list.")
        raise ValidationFailed(errors=[{"pointer": f"/{name}", "code": "invalid", "message": message}])
    return found


def _known(name: str, value: str, allowed: set[str]) -> None:
    if value not in allowed:
        raise ValidationFailed(
            errors=[{"pointer": f"/{name}", "code": "invalid", "message": _("Choose one of the list.")}]
        )


def _every() -> QuerySet[Ticket]:
    return Ticket.objects.select_related("store", "assignee")


def _one(public_id: str) -> Ticket:
    row = _every().filter(pk=ids.decode(TICKET, public_id)).first()
    if row is None:
        raise NotFound
    return row


def _ticket(row: Ticket) -> dict[str, Any]:
    return {
        "id": ids.encode(TICKET, row.pk),
        "number": str(row),
        "member": ids.encode(shapes.MEMBER, row.member_id),
        "order": ids.encode(shapes.ORDER, row.order_id) if row.order_id else None,
        "kind": row.kind,
        "state": row.state,
        "priority": row.priority,
        "title": row.title,
        "store": row.store.code if row.store else None,
        "assignee": row.assignee.code if row.assignee else None,
        "created_at": shapes.at(row.created_at),
        "due_at": shapes.at(row.due_at),
        "ended_at": shapes.at(row.ended_at),
    }


def _detail(row: Ticket) -> dict[str, Any]:
    said = row.messages.select_related("by").prefetch_related("pictures__upload").order_by("pk")
    return _ticket(row) | {"messages": [_message(one) for one in said]}


def _message(row: Message) -> dict[str, Any]:
    return {
        "side": row.side,
        "who": row.by.name if row.by else "",
        "is_internal": row.is_internal,
        "channel": row.channel,
        "text": row.text,
        "at": shapes.at(row.at),
        "pictures": [
            member_side.picture(one.upload_id, media_type=one.upload.media_type) for one in row.pictures.all()
        ],
    }


def _work(row: Ticket) -> dict[str, Any]:
    moves = life.legal(row.kind, row.state, by=life.AGENT)
    return {
        "state": row.state,
        "priority": row.priority,
        "kind": row.kind,
        "store": row.store.code if row.store else None,
        "assignee": row.assignee.code if row.assignee else None,
        "skill": row.skill,
        "tags": row.tags,
        "attributes": row.attributes,
        "moves": [name for name in moves if name in MOVES],
    }
