"""What is done to one ticket at the workbench. Where somebody was faster, both are shown and nothing typed is lost."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.console import people, ticket_life, ticket_page, ticket_tools, ticket_words
from apps.console.ticket_form import RefundForm, SplitForm, WordsForm
from apps.console.ticket_page import PREFIX, REFUND, VIEW, WORK
from apps.core import ids, money
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.core.files import documents
from apps.flows import refund_ticket, ticket_amends, ticket_macros, ticket_texts
from apps.members import uploads
from apps.stores.models import Staff
from apps.tickets import assigning, attachments, joining, life, queues
from apps.tickets import services as tickets
from apps.tickets.errors import TicketChanged
from apps.tickets.models import Message, Ticket


@require_POST
def act(request: HttpRequest, ticket: str, act: str) -> HttpResponse:
    """Those of `_PAGES` answer with their page; the rest of `_ACTS` does it and goes back, or says above the page why not."""
    row = ticket_page.found(request, ticket, permission=WORK)
    if act in _PAGES:
        return _PAGES[act](request, row, ticket)
    if act not in _ACTS:
        raise NotFound
    try:
        _ACTS[act](request, row)
    except TicketChanged:
        return _clash(request, ticket)
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        if not queues.seen_by(request.access.store_ids(VIEW)).filter(pk=row.pk).exists():  # type: ignore[attr-defined]
            messages.success(request, _("Saved. The ticket is with another store now."))
            return redirect("console:tickets")
        messages.success(request, _("Saved."))
    return _back(request, ticket)


def _say(request: HttpRequest, row: Ticket, public_id: str) -> HttpResponse:
    files, moves = request.FILES.getlist("photos"), ticket_page.may_move(request, row)
    form = WordsForm(request.POST, moves=moves, has_pictures=bool(files))
    if form.is_valid() and ticket_texts.has_variables(form.cleaned_data["text"]):
        form.add_error("text", _("Something in double braces has no value yet: write it out, or take it away."))
    if form.is_valid() and form.cleaned_data["is_internal"] and files:
        form.add_error("is_internal", _("Pictures go with words to the member only."))
    if not form.is_valid():
        return ticket_page.answer(request, row, words=form, status=422)
    said = form.cleaned_data
    if newer := _newer(request, row, said):
        kept = WordsForm({**request.POST.dict(), "seen": newer[-1].pk}, moves=moves, has_pictures=bool(files))
        return ticket_page.answer(request, row, words=kept, newer={one.pk for one in newer}, status=412)
    try:
        _send(request, row, said, files)
    except DomainError as refusal:
        people.complain(request, refusal)
        row.refresh_from_db()
        return ticket_page.answer(request, row, words=form, status=refusal.status)
    messages.success(request, _("Noted.") if said["is_internal"] else _("Sent."))
    return _back(request, public_id)


def _send(request: HttpRequest, row: Ticket, said: dict[str, Any], files: list[Any]) -> None:
    """Pictures are judged and drawn anew before anything is said, each by itself; one that is refused stops it all."""
    by, source = ticket_page.actor(request), f"console:{said['request_key']}"
    if said["is_internal"]:
        tickets.say(ticket_id=row.pk, by=by, text=said["text"], source=source, is_internal=True, move=said["move"])
        return
    kept = [uploads.take(member_id=row.member_id, content=one.read(), purpose=attachments.OF_STAFF) for one in files]
    text = said["text"] or (_("[Document]") if any(one.media_type == documents.MEDIA_TYPE for one in kept) else "")
    keys = [one.id for one in kept]
    attachments.say(ticket_id=row.pk, by=by, text=text, source=source, upload_ids=keys, move=said["move"])


def _newer(request: HttpRequest, row: Ticket, said: dict[str, Any]) -> list[Message]:
    """Words of others that this page did not show. A repeat of what was sent has none: it was sent."""
    if said["seen"] is None or Message.objects.filter(source=f"console:{said['request_key']}").exists():
        return []
    found = Message.objects.filter(ticket=row, pk__gt=said["seen"]).order_by("pk")
    mine = request.access.staff_id  # type: ignore[attr-defined]
    return [one for one in found if one.by_id is None or one.by_id != mine]


def _refund(request: HttpRequest, row: Ticket, public_id: str) -> HttpResponse:
    """First what will happen, then, by a second button, that it does."""
    access = request.access  # type: ignore[attr-defined]
    access.reach(REFUND)
    form = RefundForm(request.POST, ticket=row)
    if not form.is_valid():
        return ticket_page.answer(request, row, refund=form, status=422)
    try:
        if "do" not in request.POST:
            seen = refund_ticket.preview(ticket_id=row.pk, cents=form.cents())
            return ticket_page.answer(request, row, refund=form, outcome=ticket_words.outcome(seen))
        staff = Staff.objects.get(pk=access.staff_id)
        done = refund_ticket.decide(
            ticket_id=row.pk, cents=form.cents(), staff=staff, reason=form.cleaned_data["reason"]
        )
    except DomainError as refusal:
        people.complain(request, refusal)
        return ticket_page.answer(request, row, refund=form, status=refusal.status)
    if done.approval_id:
        messages.info(request, _("This is over your limit: it waits for a second person under approvals."))
    else:
        messages.success(request, _("%(amount)s went back.") % {"amount": money.show(done.refunded_cents)})
    return _back(request, public_id)


def _split(request: HttpRequest, row: Ticket, public_id: str) -> HttpResponse:
    form = SplitForm(request.POST, ticket=row)
    if not form.is_valid():
        return ticket_page.answer(request, row, split=form, status=422)
    said = form.cleaned_data
    part = joining.Part(
        source=f"console:{said['request_key']}", kind=said["kind"], title=said["title"], message_ids=said["messages"],
        line_ids=said["lines"],
    )  # fmt: skip
    try:
        made = joining.split(ticket_id=row.pk, part=part, by=ticket_page.actor(request))
    except DomainError as refusal:
        people.complain(request, refusal)
        return ticket_page.answer(request, row, split=form, status=refusal.status)
    messages.success(request, _("The part is a ticket of its own; both are linked."))
    return _back(request, ids.encode(PREFIX, made.pk))


def _macro(request: HttpRequest, row: Ticket, public_id: str) -> HttpResponse:
    """First what it would do, then, by a second button, that it does."""
    text, by = request.POST.get("macro", ""), ticket_page.actor(request)
    macro_id = int(text) if text.isdigit() and len(text) < 19 else 0
    try:
        if "do" not in request.POST:
            look = ticket_macros.preview(ticket_id=row.pk, macro_id=macro_id, by=by)
            shown = {"said": look.said, "life": ticket_life.sentences(look.entries), "macro": macro_id}
            row.refresh_from_db()
            return ticket_page.answer(request, row, look=shown)
        key = request.POST.get("request_key", "")[:40]
        ticket_macros.run(ticket_id=row.pk, macro_id=macro_id, by=by, key=key, version=_version(request))
    except TicketChanged:
        return _clash(request, public_id)
    except DomainError as refusal:
        people.complain(request, refusal)
        row.refresh_from_db()
        return ticket_page.answer(request, row, status=refusal.status)
    messages.success(request, _("Done, all of it."))
    return _back(request, public_id)


def _amends(request: HttpRequest, row: Ticket, public_id: str) -> HttpResponse:
    """Given within the person's limits, put before a second one, or (`back`) taken back."""
    access = request.access  # type: ignore[attr-defined]
    access.reach(REFUND)
    staff, form = Staff.objects.get(pk=access.staff_id), ticket_tools.AmendsForm(request.POST, auto_id="amends_%s")
    try:
        if "back" in request.POST:
            ticket_amends.take_back(ticket_id=row.pk, staff=staff, reason=request.POST.get("reason", ""))
        elif not form.is_valid():
            return ticket_page.answer(request, row, amends=form, status=422)
        else:
            said = form.cleaned_data
            template_id = said["template"].pk if said["template"] else None
            wish = ticket_amends.Wish(
                ticket_id=row.pk, points=said["points"] or 0, template_id=template_id, reason=said["reason"]
            )
            if ticket_amends.give(wish, staff=staff).approval_id:
                messages.info(request, _("This is over your limit: it waits for a second person under approvals."))
                return _back(request, public_id)
    except DomainError as refusal:
        people.complain(request, refusal)
        return ticket_page.answer(request, row, amends=form, status=refusal.status)
    messages.success(request, _("Saved."))
    return _back(request, public_id)


def _clash(request: HttpRequest, public_id: str) -> HttpResponse:
    """What became of the ticket meanwhile beside what was wanted; sent again from here, it counts."""
    row = ticket_page.found(request, public_id, permission=WORK)
    wanted = {
        name: request.POST[name]
        for name in ("priority", "assignee", "kind", "store", "skill", "tags", "move")
        if name in request.POST
    }
    seen = request.POST.get("entry", "")
    since = int(seen) if seen.isdigit() and len(seen) < 19 else 0
    return ticket_page.answer(request, row, since=ticket_life.told(row, since=since), wanted=wanted, status=412)


def _take(request: HttpRequest, row: Ticket) -> None:
    assigning.take(ticket_id=row.pk, staff_id=request.access.staff_id)  # type: ignore[attr-defined]


def _move(request: HttpRequest, row: Ticket) -> None:
    name = request.POST.get("move", "")
    tickets.move(ticket_id=row.pk, move=name, by=ticket_page.actor(request), version=_version(request))


def _change(request: HttpRequest, row: Ticket) -> None:
    tickets.change(
        ticket_id=row.pk, values=_values(request, row), by=ticket_page.actor(request), version=_version(request)
    )


def _values(request: HttpRequest, row: Ticket) -> dict[str, Any]:
    """The fields that the form sent; one that is not a number where one is due counts as wrong."""
    said = request.POST
    values: dict[str, Any] = {}
    if "priority" in said:
        values["priority"] = int(said["priority"]) if said["priority"] in {"1", "2", "3"} else None
    if "assignee" in said:
        offered = dict(ticket_page.colleagues(row))
        values["assignee_id"] = _offered("assignee", said["assignee"], offered, row.assignee_id)
    if "store" in said:
        values["store_id"] = _offered("store", said["store"], dict(ticket_page.places(request)), row.store_id)
    if "kind" in said:
        values["kind"] = said["kind"]
    if "skill" in said:
        values["skill"] = said["skill"].strip()
    if "tags" in said:
        values["tags"] = said["tags"].replace("，", ",").replace(",", " ").split()
    return values


def _offered(name: str, text: str, offered: Mapping[int, str], now: int | None) -> int | None:
    """What the page offered, none, or what it is already; anything else is refused."""
    found = {str(key): key for key in (*offered, *([now] if now else []))}
    if text and text not in found:
        raise ValidationFailed(
            errors=[{"pointer": f"/{name}", "code": "invalid", "message": _("Choose one of the list.")}]
        )
    return found.get(text)


def _merge(request: HttpRequest, row: Ticket) -> None:
    """`other` goes into this one."""
    other = _other(request)
    tickets.merge(ticket_id=other.pk, into_id=row.pk, by=ticket_page.actor(request))


def _link(request: HttpRequest, row: Ticket) -> None:
    joining.link(ticket_id=row.pk, other_id=_other(request).pk, by=ticket_page.actor(request))


def _unlink(request: HttpRequest, row: Ticket) -> None:
    joining.unlink(ticket_id=row.pk, other_id=_other(request).pk, by=ticket_page.actor(request))


def _log(request: HttpRequest, row: Ticket) -> None:
    """What the member said on the phone or in the store, written down by whoever heard it."""
    channel = request.POST.get("channel", "")
    tickets.say(
        ticket_id=row.pk, by=tickets.Actor(life.MEMBER, request.access.staff_id),  # type: ignore[attr-defined]
        text=request.POST.get("text", ""), source=f"console:log:{_key(request)}",
        channel=channel if channel in {"phone", "counter"} else "phone",
    )  # fmt: skip


def _key(request: HttpRequest) -> str:
    """What makes the form count once. Raises NotFound."""
    text = request.POST.get("request_key", "")
    if not 12 <= len(text) <= 40:
        raise NotFound
    return text


def _other(request: HttpRequest) -> Ticket:
    return ticket_page.found(request, request.POST.get("other", "").strip(), permission=WORK)


_PAGES: dict[str, Callable[[HttpRequest, Ticket, str], HttpResponse]] = {
    "say": _say,
    "refund": _refund,
    "split": _split,
    "macro": _macro,
    "amends": _amends,
}
_ACTS: dict[str, Callable[[HttpRequest, Ticket], None]] = {
    "take": _take,
    "move": _move,
    "change": _change,
    "merge": _merge,
    "link": _link,
    "unlink": _unlink,
    "log": _log,
}


def _version(request: HttpRequest) -> int:
    """What the page showed; a page that said none is as old as can be."""
    text = request.POST.get("version", "")
    return int(text) if text.isdigit() and len(text) < 10 else 0


def _back(request: HttpRequest, public_id: str) -> HttpResponse:
    """To the ticket, in the queue it was opened from."""
    answer = redirect("console:ticket", public_id)
    queue = request.GET.get("queue", "")
    if queue in queues.ALL:
        answer["Location"] += f"?queue={queue}"
    return answer
