"""After-sales on the phone: the member's own requests, the course of one, their answer, and what they think of it in the end."""

from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core import clock, ids
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.core.files import answers
from apps.members import uploads
from apps.portal import sessions, shell, ticket_words
from apps.portal.shell import Facts
from apps.tickets import attachments, member_view, votes
from apps.tickets import services as tickets
from apps.tickets.models import Ticket, Vote

PREFIX, FILE = "tkt", uploads.PREFIX
PAGE = 20
LONGEST_TOKEN = 40
PICTURE_SECONDS = 600
MOVE_NAMES = frozenset(ticket_words.MOVES)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Newest first; `?after=` goes on below one. htmx asks for the rows alone."""
    found = member_view.of_member(me(request))
    if after := request.GET.get("after", ""):
        found = found.filter(pk__lt=ids.decode(PREFIX, after))
    rows = list(found[: PAGE + 1])
    facts: Facts = {
        "rows": [shown(row) for row in rows[:PAGE]],
        "older": ids.encode(PREFIX, rows[PAGE - 1].pk) if len(rows) > PAGE else "",
    }
    if request.headers.get("HX-Request") and after:
        return shell.part(request, "portal/_ticket_rows.html", facts)
    return shell.page(request, "portal/tickets.html", facts, at="me")


@require_safe
def page(request: HttpRequest, ticket: str) -> HttpResponse:
    return _page(request, _own(request, ticket))


@require_POST
def say(request: HttpRequest, ticket: str) -> HttpResponse:
    """Words, pictures, or both; the form's token makes it once. What it lacks is said, and what was typed stays."""
    row, source = _own(request, ticket), source_of(request)
    try:
        made = attachments.say(
            ticket_id=row.pk, by=member_view.MEMBER, text=request.POST.get("text", "")[:4_001], channel="portal",
            source=source, upload_ids=photos_of(request),
        )  # fmt: skip
    except DomainError as refusal:
        row.refresh_from_db()
        return _page(request, row, problem=refusal, text=request.POST.get("text", ""))
    sessions.say(request, _("Sent."))
    return redirect("portal:ticket", ids.encode(PREFIX, made.ticket_id))


@require_POST
def move(request: HttpRequest, ticket: str) -> HttpResponse:
    """What is the member's to do, by one button; a page of an hour ago is told how it stands now."""
    row, name = _own(request, ticket), request.POST.get("move", "")
    try:
        tickets.move(ticket_id=row.pk, move=name if name in MOVE_NAMES else "", by=member_view.MEMBER)
    except DomainError as refusal:
        sessions.say(request, str(refusal))
    else:
        sessions.say(request, _("Done."))
    return redirect("portal:ticket", ticket)


@require_http_methods(["GET", "HEAD", "POST"])
def vote(request: HttpRequest, token: str) -> HttpResponse:
    """For whoever has the link, logged in or not. Looking changes nothing; the first vote counts."""
    row = votes.ticket_of(token)
    cast = Vote.objects.filter(ticket=row).first()
    facts: Facts = {"row": row, "vote": cast, "token": token, "stars": ticket_words.stars()}
    status = 200
    if request.method == "POST" and cast is None:
        try:
            facts["vote"] = votes.cast(
                ticket=row, score=_score(request), text=request.POST.get("text", ""), channel="link"
            )
        except DomainError as refusal:
            facts, status = facts | {"problem": said(refusal)}, refusal.status
    facts["is_over"] = not votes.is_open(row)
    answer = shell.page(request, "portal/ticket_vote.html", facts, status=status)
    answer["Referrer-Policy"] = "no-referrer"
    return answer


@require_POST
def rate(request: HttpRequest, ticket: str) -> HttpResponse:
    """The same on the ticket's own page: one tap on a star."""
    row = _own(request, ticket)
    try:
        votes.cast(ticket=row, score=_score(request), text=request.POST.get("text", ""))
    except DomainError as refusal:
        sessions.say(request, said(refusal))
    else:
        sessions.say(request, _("Thank you for your word."))
    return redirect("portal:ticket", ticket)


@require_POST
def photos(request: HttpRequest) -> JsonResponse:
    """One picture at a time, for the script of the forms: it may be sent again until its answer has come."""
    file = request.FILES.get("file")
    try:
        taken = uploads.take(member_id=me(request), content=file.read() if file else b"", purpose=attachments.PURPOSE)
    except DomainError as refusal:
        return JsonResponse({"code": refusal.code, "title": str(refusal)}, status=refusal.status)
    return JsonResponse({"id": taken.public_id}, status=201)


@require_safe
def photo(request: HttpRequest, file: str) -> HttpResponse:
    content = attachments.content_for(member_id=me(request), upload_id=ids.decode(FILE, file))
    return answers.file(content, name=file, seconds=PICTURE_SECONDS)


def photos_of(request: HttpRequest) -> list[int]:
    """Those sent before by their ids, and, where no script runs, those in the form itself. Raises what `uploads.take` does."""
    sent = [ids.decode(FILE, text) for text in request.POST.getlist("photo")[: attachments.MOST + 1]]
    for file in request.FILES.getlist("photos")[: attachments.MOST + 1]:
        sent.append(uploads.take(member_id=me(request), content=file.read(), purpose=attachments.PURPOSE).id)
    return sent


def source_of(request: HttpRequest) -> str:
    """What makes a form count once. Raises NotFound: without its token a second sending could not be told from new words."""
    token = request.POST.get("token", "")
    if not 0 < len(token) <= LONGEST_TOKEN:
        raise NotFound
    return f"portal:{me(request)}:{token}"


def said(refusal: DomainError) -> str:
    """A refusal in one sentence: of a form, what its first field lacks."""
    return str(found[0]["message"]) if (found := errors_of(refusal)) else str(refusal)


def errors_of(refusal: DomainError | None) -> list[dict[str, Any]]:
    found = refusal.facts.get("errors") if isinstance(refusal, ValidationFailed) else None
    return found if isinstance(found, list) else []


def shown(row: Ticket) -> Facts:
    return {
        "row": row,
        "id": ids.encode(PREFIX, row.pk),
        "state": ticket_words.state(row),
        "tone": ticket_words.tone(row),
        "is_unread": getattr(row, "is_unread", False),
    }


def me(request: HttpRequest) -> int:
    return int(request.member.member_id)  # type: ignore[attr-defined]


def _page(request: HttpRequest, row: Ticket, *, problem: DomainError | None = None, text: str = "") -> HttpResponse:
    moment = clock.now()
    member_view.look(row, moment=moment)
    steps = [{"step": step, "title": ticket_words.title(step)} for step in member_view.course(row)]
    due_at, hours = member_view.promise(row)
    moves = member_view.moves(row, moment=moment)
    facts: Facts = {
        **shown(row),
        "steps": steps,
        "due_at": due_at,
        "hours": ", ".join(f"{clock.local(begins):%H:%M}–{clock.local(ends):%H:%M}" for begins, ends in hours),
        "moves": ticket_words.moves(moves),
        "may_write": row.ended_at is None,
        "into": ids.encode(PREFIX, row.into_id) if row.into_id else "",
        "vote": Vote.objects.filter(ticket=row).first(),
        "may_vote": votes.is_open(row),
        "stars": ticket_words.stars(),
        "lines": row.lines.select_related("line__product").order_by("pk"),
        "token": uuid4().hex,
        "waiting": attachments.waiting(me(request)) if problem else [],
        "problem": said(problem) if problem else "",
        "text": text,
        "most": attachments.MOST,
    }
    return shell.page(request, "portal/ticket.html", facts, at="me", status=problem.status if problem else 200)


def _score(request: HttpRequest) -> int:
    text = request.POST.get("score", "")
    return int(text) if text in {"1", "2", "3", "4", "5"} else 0


def _own(request: HttpRequest, public_id: str) -> Ticket:
    return member_view.one(member_id=me(request), ticket_id=ids.decode(PREFIX, public_id))
