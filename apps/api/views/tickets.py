"""After-sales over the API, for mini-programs: what may be asked for, what it will do, own requests, words, moves, the vote."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import shapes
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import Paged, operation, query
from apps.core import clock, ids, links
from apps.core.errors import NotFound, ValidationFailed
from apps.core.files import documents, pictures
from apps.flows import refund_ticket
from apps.orders import selectors as orders
from apps.orders.models import Line, Order
from apps.tickets import articles, attachments, life, member_view, votes
from apps.tickets import services as tickets
from apps.tickets.models import Article, Ticket, Vote
from apps.tickets.services import NewTicket

TICKET, CHANNEL = "tkt", "mini"
LINK_LIVES = timedelta(minutes=10)
MONEY = frozenset({life.REFUND, life.RETURN})
_AT = "2026-11-29T10:32:05+08:00"
SHORTEST, LONGEST = 8, 40  # a form's own word
_KINDS = "refund, return, exchange, repair, complaint, question"


class TicketLineInput(Input):
    line_no = f.IntegerField(min_value=1, max_value=32_000)
    quantity = f.IntegerField(min_value=1, max_value=999_999, required=False, help_text="without it, all of the line")


class TicketInput(Input):
    kind = f.ChoiceField(Ticket.Kind.values)
    title = f.CharField(max_length=120)
    text = f.CharField(max_length=4_000)
    order = f.CharField(max_length=40, required=False)
    lines = TicketLineInput(
        many=True, required=False, help_text="of that order; a must for refund, return, exchange, repair"
    )
    files = f.ListField(
        child=f.CharField(max_length=40),
        max_length=attachments.MOST,
        required=False,
        help_text="sent with `purpose` ticket",
    )
    writing = f.CharField(
        min_length=SHORTEST,
        max_length=LONGEST,
        required=False,
        help_text="as sent with `articles`: they did not spare this request",
    )


class ArticleHelpedInput(Input):
    article = f.CharField(max_length=40)
    writing = f.CharField(min_length=SHORTEST, max_length=LONGEST, help_text="as sent with `articles`")


class TicketSayInput(Input):
    text = f.CharField(max_length=4_000)
    files = f.ListField(child=f.CharField(max_length=40), max_length=attachments.MOST, required=False)


class TicketMoveInput(Input):
    move = f.ChoiceField(["withdraw", "agree", "disagree", "deliver", "reopen", "close"])


class TicketVoteInput(Input):
    score = f.IntegerField(min_value=1, max_value=5)
    text = f.CharField(max_length=500, allow_blank=True, required=False, default="")


class TicketPreviewInput(Input):
    lines = TicketLineInput(many=True)


class TicketChoiceOut(f.Serializer[Any]):
    kind = f.CharField(help_text=f"open list: {_KINDS}")
    label = f.CharField()  # type: ignore[assignment]  # DRF makes it a field
    is_available = f.BooleanField()
    last_day = f.DateField(allow_null=True, help_text="of the shop; null: no end, or not known before the goods come")
    refusal = f.CharField(allow_blank=True, help_text="why not, in words")


class TicketPictureOut(f.Serializer[Any]):
    file = f.CharField()
    media_type = f.CharField(help_text="image/jpeg, or application/pdf from our service")
    link = f.CharField(help_text="opens it without a token, on this host")
    link_expires_at = f.DateTimeField()


class TicketStepOut(f.Serializer[Any]):
    act = f.CharField(
        help_text="open list: opened, said, take_up, ask, accept, receive, send, deliver, refund, refuse, offer …"
    )
    side = f.CharField(help_text="open list: member, agent, store, warehouse, house")
    who = f.CharField(allow_blank=True)
    at = f.DateTimeField()
    text = f.CharField(allow_blank=True)
    pictures = TicketPictureOut(many=True)


class TicketOut(f.Serializer[Any]):
    id = f.CharField()
    number = f.CharField()
    kind = f.CharField(help_text=f"open list: {_KINDS}")
    state = f.CharField(help_text=f"open list: {', '.join(Ticket.State.values)}")
    title = f.CharField()
    order = f.CharField(allow_null=True)
    created_at = f.DateTimeField()
    ended_at = f.DateTimeField(allow_null=True)
    is_unread = f.BooleanField()


class TicketLineOut(f.Serializer[Any]):
    line_no = f.IntegerField()
    quantity = f.CharField(allow_null=True, help_text="a decimal number as text; null: all of it")


class TicketDetailOut(TicketOut):
    lines = TicketLineOut(many=True)
    steps = TicketStepOut(many=True, help_text="newest first")
    moves = f.ListField(child=f.CharField(), help_text="what may be sent to `moves` now")
    promised_by = f.DateTimeField(
        allow_null=True, help_text="when you hear from us at the latest; null: it is your turn"
    )
    into = f.CharField(allow_null=True, help_text="the request in which this one goes on")
    vote = f.IntegerField(allow_null=True)


class TicketPointsOut(f.Serializer[Any]):
    currency = f.CharField()
    change = f.IntegerField()


class TicketPreviewOut(f.Serializer[Any]):
    refunded_cents = f.IntegerField()
    points = TicketPointsOut(many=True)
    coupons_back = f.ListField(child=f.CharField(), help_text="usable again")
    coupons_gone = f.ListField(child=f.CharField(), help_text="taken back")
    tier_before = f.CharField(allow_blank=True)
    tier_after = f.CharField(allow_blank=True)


TICKET_EXAMPLE = {
    "id": "tkt_3f8k2m9pq7wxz", "number": "20261119-0382", "kind": "return", "state": "working", "title": "第二颗扣子掉了",
    "order": "ord_7hq2c0m4tz9ba", "created_at": _AT, "ended_at": None, "is_unread": True,
}  # fmt: skip
STEP_EXAMPLE = {
    "act": "opened", "side": "member", "who": "", "at": _AT, "text": "穿了两次，第二颗扣子就掉了。", "pictures": [
        {"file": "file_3f8k2m9pq7wxz", "media_type": "image/jpeg",
         "link": "/api/v1/files/file_3f8k2m9pq7wxz/content?opens=1795315325.h0…", "link_expires_at": _AT},
    ],
}  # fmt: skip
DETAIL_EXAMPLE = TICKET_EXAMPLE | {
    "is_unread": False, "lines": [{"line_no": 1, "quantity": "1"}], "steps": [STEP_EXAMPLE], "moves": ["withdraw"],
    "promised_by": _AT, "into": None, "vote": None,
}  # fmt: skip
CHOICE_EXAMPLE = {"kind": "return", "label": "退货", "is_available": True, "last_day": "2026-12-06", "refusal": ""}
PREVIEW_EXAMPLE = {
    "refunded_cents": 12800, "points": [{"currency": "points", "change": -128}], "coupons_back": [], "coupons_gone": [],
    "tier_before": "silver", "tier_after": "silver",
}  # fmt: skip


class ArticleOut(f.Serializer[Any]):
    id = f.CharField()
    topic = f.CharField(help_text="open list: returns, care, orders, points, account, other")
    title = f.CharField()
    text = f.CharField(help_text="plain")


ARTICLE_EXAMPLE = {
    "id": "art_3f8k2m9pq7wxz", "topic": "returns", "title": "几天内可以退货", "text": "收货后7天内可以退货，第7天也算。",
}  # fmt: skip


class Articles(ApiView):
    route = "articles"

    @operation(
        "Help articles; show them before a request is sent",
        answer=ArticleOut(many=True),
        example=[ARTICLE_EXAMPLE],
        parameters=[
            query("q", "A question in the member's words; without it, all."),
            query("writing", "Made up anew for each form, 8 to 40 letters: it counts what spared a request."),
        ],
        tag="tickets",
    )
    def get(self, request: Request) -> Response:
        asked, writing = request.query_params.get("q", "")[:200], request.query_params.get("writing", "")
        if asked and SHORTEST <= len(writing) <= LONGEST and writing.isprintable():
            found = articles.suggest(asked, token=writing)
        else:
            found = articles.find(asked) if asked else articles.published()
        return Response([_article(row) for row in found])


class ArticleHelped(ApiView):
    route = "article_helped"

    @operation(
        "An article solved it: no request is sent",
        form=ArticleHelpedInput,
        asks={"article": "art_3f8k2m9pq7wxz", "writing": "f3k2m9pq7w"},
        status=204,
        problems=["validation_failed"],
        tag="tickets",
        is_keyed=False,
    )
    def post(self, request: Request) -> Response:
        """What was never shown to this form counts for nothing."""
        said = self.read(ArticleHelpedInput)
        with suppress(NotFound):
            articles.note_helped(token=said["writing"], article_id=ids.decode("art", said["article"]))
        return Response(status=204)


class TicketChoices(ApiView):
    route = "my_ticket_choices"

    @operation(
        "What may be asked for about an order, and until when",
        answer=TicketChoiceOut(many=True),
        example=[CHOICE_EXAMPLE],
        problems=["not_found"],
        tag="tickets",
    )
    def get(self, request: Request, order: str) -> Response:
        found = member_view.choices(_order(self.member_id, order), moment=clock.now())
        return Response(
            [
                {"kind": one.kind, "label": one.label, "is_available": not one.refusal, "last_day": one.last_day,
                 "refusal": one.refusal}
                for one in found
            ]
        )  # fmt: skip


class TicketPreview(ApiView):
    route = "my_ticket_preview"
    keeps_answers = False

    @operation(
        "What a refund of these pieces would do now; nothing is done",
        form=TicketPreviewInput,
        asks={"lines": [{"line_no": 1}]},
        answer=TicketPreviewOut,
        example=PREVIEW_EXAMPLE,
        problems=["not_found", "refund_exceeds", "ticket_wrong_quantity", "order_not_open", "member_stories_behind"],
        tag="tickets",
        is_keyed=False,
    )
    def post(self, request: Request, order: str) -> Response:
        row = _order(self.member_id, order)
        chosen = _lines(row, self.read(TicketPreviewInput)["lines"])
        cents = {line.pk: member_view.share_cents(line, some) for line, some in chosen.items()}
        seen = refund_ticket.foresee(member_id=self.member_id, order_id=row.pk, cents=cents)
        return Response(
            {
                "refunded_cents": seen.refunded_cents,
                "points": [{"currency": key, "change": change} for key, change in seen.points.items()],
                "coupons_back": [ids.encode("cpn", key) for key in seen.coupons_back],
                "coupons_gone": [ids.encode("cpn", key) for key in seen.coupons_gone],
                "tier_before": seen.tier_before,
                "tier_after": seen.tier_after,
            }
        )


class Tickets(ApiView):
    route = "my_tickets"
    key_required = ("POST",)

    @operation(
        "Your requests, newest first",
        answer=Paged(TicketOut),
        example=TICKET_EXAMPLE,
        is_tagged=True,
        tag="tickets",
    )
    def get(self, request: Request) -> HttpResponse:
        return self.newest_first(member_view.of_member(self.member_id), of="tickets", shown=_ticket)

    @operation(
        "Ask for a return, an exchange, a repair or something else",
        form=TicketInput,
        asks={"kind": "question", "title": "第二颗扣子掉了", "text": "穿了两次，第二颗扣子就掉了。能补一颗吗？"},
        answer=TicketDetailOut,
        example=DETAIL_EXAMPLE,
        status=201,
        problems=[
            "validation_failed", "not_found", "ticket_not_received", "ticket_window_over", "ticket_line_open", "ticket_wrong_quantity",
            "content_refused",
        ],
        tag="tickets",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        said = self.read(TicketInput)
        chosen: Mapping[Line, Decimal | None] = {}
        if said.get("order"):
            chosen = _lines(_order(self.member_id, said["order"]), said.get("lines", []))
        new = NewTicket(
            source=self.source("ticket"), member_id=self.member_id, kind=said["kind"], title=said["title"], text=said["text"],
            line_ids=[line.pk for line in chosen], channel=CHANNEL,
            quantities={line.pk: some for line, some in chosen.items() if some is not None},
        )  # fmt: skip
        made = attachments.open_ticket(new, by=member_view.MEMBER, upload_ids=_files(said))
        if said.get("writing"):
            articles.note_sent(token=said["writing"])
        return Response(_detail(self.member_id, made.pk), status=201)


class OneTicket(ApiView):
    route = "my_ticket"

    @operation(
        "One request with its course; reading it makes it read",
        answer=TicketDetailOut,
        example=DETAIL_EXAMPLE,
        problems=["not_found"],
        tag="tickets",
    )
    def get(self, request: Request, ticket: str) -> Response:
        row = member_view.one(member_id=self.member_id, ticket_id=ids.decode(TICKET, ticket))
        member_view.look(row, moment=clock.now())
        return Response(_detail(self.member_id, row.pk))


class TicketMessages(ApiView):
    route = "my_ticket_messages"
    key_required = ("POST",)

    @operation(
        "Write to a request; when it is your turn, this hands it back, and what is done is opened again",
        form=TicketSayInput,
        asks={"text": "寄出了，单号SF123。"},
        answer=TicketDetailOut,
        example=DETAIL_EXAMPLE,
        status=201,
        problems=[
            "validation_failed", "not_found", "content_refused", "ticket_move_refused", "ticket_reopen_over", "ticket_line_open",
        ],
        tag="tickets",
    )  # fmt: skip
    def post(self, request: Request, ticket: str) -> Response:
        row = member_view.one(member_id=self.member_id, ticket_id=ids.decode(TICKET, ticket))
        said = self.read(TicketSayInput)
        made = attachments.say(
            ticket_id=row.pk, by=member_view.MEMBER, text=said["text"], source=self.source("say"), upload_ids=_files(said),
            channel=CHANNEL,
        )  # fmt: skip
        return Response(_detail(self.member_id, made.ticket_id), status=201)


class TicketMoves(ApiView):
    route = "my_ticket_moves"

    @operation(
        "Withdraw it, agree, confirm that it came, open it again",
        form=TicketMoveInput,
        asks={"move": "withdraw"},
        answer=TicketDetailOut,
        example=DETAIL_EXAMPLE | {"state": "withdrawn", "moves": []},
        problems=["not_found", "ticket_move_refused", "ticket_reopen_over", "ticket_line_open"],
        tag="tickets",
    )
    def post(self, request: Request, ticket: str) -> Response:
        row = member_view.one(member_id=self.member_id, ticket_id=ids.decode(TICKET, ticket))
        said = self.read(TicketMoveInput)
        tickets.move(ticket_id=row.pk, move=said["move"], by=member_view.MEMBER)
        return Response(_detail(self.member_id, row.pk))


class TicketVote(ApiView):
    route = "my_ticket_vote"

    @operation(
        "How did we do? The first vote counts; again answers with it",
        form=TicketVoteInput,
        asks={"score": 5},
        answer=TicketDetailOut,
        example=DETAIL_EXAMPLE | {"state": "resolved", "vote": 5},
        problems=["not_found", "ticket_vote_over", "content_refused"],
        tag="tickets",
    )
    def put(self, request: Request, ticket: str) -> Response:
        row = member_view.one(member_id=self.member_id, ticket_id=ids.decode(TICKET, ticket))
        said = self.read(TicketVoteInput)
        votes.cast(ticket=row, score=said["score"], text=said["text"], channel=CHANNEL)
        return Response(_detail(self.member_id, row.pk))


def _article(row: Article) -> dict[str, Any]:
    title, text = articles.shown(row)
    return {"id": ids.encode("art", row.pk), "topic": row.topic, "title": title, "text": text}


def _order(member_id: int, public_id: str) -> Order:
    found = orders.of_member(member_id).filter(pk=ids.decode(shapes.ORDER, public_id)).first()
    if found is None:
        raise NotFound
    return found


def _lines(order: Order, asked: list[dict[str, Any]]) -> dict[Line, Decimal | None]:
    """Raises ValidationFailed for a number that the order does not have, or has been named twice."""
    known = {line.line_no: line for line in order.lines.order_by("line_no")}
    numbers = [one["line_no"] for one in asked]
    if not set(numbers) <= known.keys() or len(set(numbers)) != len(numbers):
        message = _("The order has no such line, or it is named twice.")
        raise ValidationFailed(errors=[{"pointer": "/lines", "code": "unknown", "message": message}])
    return {
        known[one["line_no"]]: Decimal(one["quantity"]) if one.get("quantity") is not None else None for one in asked
    }


def _files(said: Mapping[str, Any]) -> list[int]:
    return [ids.decode(shapes.FILE, text) for text in said.get("files", [])]


def _ticket(row: Ticket) -> dict[str, Any]:
    return {
        "id": ids.encode(TICKET, row.pk),
        "number": str(row),
        "kind": row.kind,
        "state": row.state,
        "title": row.title,
        "order": ids.encode(shapes.ORDER, row.order_id) if row.order_id else None,
        "created_at": shapes.at(row.created_at),
        "ended_at": shapes.at(row.ended_at),
        "is_unread": bool(getattr(row, "is_unread", False)),
    }


def _detail(member_id: int, ticket_id: int) -> dict[str, Any]:
    row = member_view.of_member(member_id).get(pk=ticket_id)
    due_at, _hours = member_view.promise(row)
    return _ticket(row) | {
        "lines": [
            {"line_no": held.line.line_no, "quantity": None if held.quantity is None else f"{held.quantity.normalize():f}"}
            for held in row.lines.select_related("line").order_by("pk")
        ],
        "steps": [_step(step) for step in member_view.course(row)],
        "moves": member_view.moves(row, moment=clock.now()),
        "promised_by": shapes.at(due_at),
        "into": ids.encode(TICKET, row.into_id) if row.into_id else None,
        "vote": Vote.objects.filter(ticket=row).values_list("score", flat=True).first(),
    }  # fmt: skip


def _step(step: member_view.Step) -> dict[str, Any]:
    return {
        "act": step.act,
        "side": step.side,
        "who": step.who,
        "at": shapes.at(step.at),
        "text": step.text,
        "pictures": [
            *(picture(key) for key in step.pictures),
            *(picture(key, media_type=documents.MEDIA_TYPE) for key in step.documents),
        ],
    }


def picture(upload_id: int, *, media_type: str = pictures.MEDIA_TYPE) -> dict[str, Any]:
    file, until = ids.encode(shapes.FILE, upload_id), clock.now() + LINK_LIVES
    address = reverse("api:file_content", args=[file])
    return {
        "file": file,
        "media_type": media_type,
        "link": f"{address}?opens={links.sign(f'file:{file}', until=until)}",
        "link_expires_at": shapes.at(until),
    }
