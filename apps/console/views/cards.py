"""Content cards: what members see on their start page and in mini-programs, each for whom it is meant."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.care.cards import selectors, services
from apps.care.models import Card
from apps.console import people, segment_form
from apps.console.card_form import CardForm
from apps.console.journey_words import Brand
from apps.console.views import segments
from apps.core import clock, ids
from apps.core.errors import NotFound, ValidationFailed
from apps.segments import counting, language

TONES: dict[str, str] = {Card.State.ON: "ok", Card.State.OFF: "warn"}
SHOWN = 200


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    brand, found = Brand(), list(Card.objects.order_by("slot", "priority", "pk")[:SHOWN])
    opened, today = selectors.opened(found, moment=clock.now()), clock.local_date(clock.now())
    rows = [
        {
            "row": row, "id": ids.encode(selectors.ID, row.pk), "said": brand.rule(row.audience), "opened": opened[row.pk],
            "tone": TONES.get(row.state, ""), "is_over": row.ends_on is not None and row.ends_on < today,
        }
        for row in found
    ]  # fmt: skip
    return render(request, "console/cards.html", {"rows": rows, "may_edit": _may(request)})


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    return _edit(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
def card(request: HttpRequest, card: str) -> HttpResponse:
    return _edit(request, _found(card))


@require_http_methods(["GET", "HEAD", "POST"])
def audience(request: HttpRequest, card: str) -> HttpResponse:
    """The editor of segments for the card's rule; keeping it goes back to the card."""
    row = _found(card)
    held = segment_form.posted(request.POST) if request.method == "POST" else segment_form.normal(row.audience)
    if request.method == "POST" and "keep" in request.POST:
        try:
            services.save(card_id=row.pk, audience=segment_form.pruned(held))
        except ValidationFailed as refusal:
            people.complain(request, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("console:card", card)
    facts = {"card": row, "id": card, "here": reverse("console:card_audience", args=[card])}
    return render(request, "console/card_audience.html", segments.editor(request, held) | facts)


@require_POST
def show(request: HttpRequest, card: str) -> HttpResponse:
    row = _found(card)
    try:
        services.show(card_id=row.pk)
    except ValidationFailed as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("Members see “%(name)s” now.") % {"name": row.name})
    return redirect("console:card", card)


@require_POST
def take_down(request: HttpRequest, card: str) -> HttpResponse:
    row = services.take_down(card_id=_found(card).pk)
    messages.success(request, _("“%(name)s” is taken down.") % {"name": row.name})
    return redirect("console:card", card)


def _edit(request: HttpRequest, row: Card | None) -> HttpResponse:
    is_saved = request.method == "POST" and _may(request)
    form = CardForm(request.POST if is_saved else None, instance=Card.objects.get(pk=row.pk) if row else None)
    if is_saved and form.is_valid():
        try:
            kept = services.save(card_id=row.pk if row else None, **form.cleaned_data)
        except ValidationFailed as refusal:
            form.show(refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("console:card", ids.encode(selectors.ID, kept.pk))
    facts: dict[str, Any] = {"form": form if _may(request) else None, "row": row, "may_edit": _may(request)}
    if row is not None:
        facts |= _of(request, row)
    return render(request, "console/card.html", facts, status=422 if form.errors else 200)


def _of(request: HttpRequest, row: Card) -> dict[str, Any]:
    """Whom it is for, in words and in number, and how often it was opened."""
    facts = {
        "id": ids.encode(selectors.ID, row.pk), "tone": TONES.get(row.state, ""), "said": Brand().rule(row.audience),
        "opened": selectors.opened([row], moment=clock.now())[row.pk],
    }  # fmt: skip
    stores = request.access.store_ids("cards.view")  # type: ignore[attr-defined]
    try:
        return facts | {"members": counting.count(row.audience, moment=clock.now(), store_ids=stores).members}
    except language.BadRule as wrong:
        return facts | {"wrong": segment_form.said(wrong)}


def _found(card: str) -> Card:
    row = Card.objects.filter(pk=ids.decode(selectors.ID, card)).first()
    if row is None:
        raise NotFound
    return row


def _may(request: HttpRequest) -> bool:
    return bool(request.access.can("cards.edit"))  # type: ignore[attr-defined]
