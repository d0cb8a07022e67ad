"""A journey's message as one member would read it, on each channel of its chain, and a test of it to colleagues' own phones."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.care.journeys import shaping
from apps.console import journey_page, message_preview, test_send
from apps.console import journey_words as words
from apps.core.errors import NotFound, ValidationFailed


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, key: str) -> HttpResponse:
    """A POST looks for the member, so that what was typed stands in no address."""
    row = journey_page.found(key)
    sends = [raw for raw in shaping.normal(row.draft)["nodes"] if raw.get("kind") == "send"]
    asked = request.POST.get("step") or request.GET.get("step", "")
    chosen = next((raw for raw in sends if raw["key"] == asked), sends[0] if sends else None)
    facts: dict[str, Any] = {
        "journey": row, "tone": journey_page.TONES.get(row.status, ""), "chosen": chosen,
        "steps": [(raw["key"], words.title(raw), raw is chosen) for raw in sends],
        "may_edit": request.access.can("journeys.edit"),  # type: ignore[attr-defined]
    } | test_send.facts(request, what=f"{row.key}.")  # fmt: skip
    if chosen is not None:
        facts |= message_preview.search(request, permission="journeys.view")
        try:
            version = message_preview.of_step(row, chosen)
            facts["views"] = message_preview.views(version, member_id=facts["member_id"])
            facts["reached"] = message_preview.reached(
                version,
                audience=row.draft.get("audience") or {},
                store_ids=request.access.store_ids("journeys.view"),  # type: ignore[attr-defined]
            )
        except ValidationFailed as refusal:
            facts["refusals"] = refusal.facts["errors"]
    return render(request, "console/journey_preview.html", facts)


@require_POST
def send(request: HttpRequest, key: str) -> HttpResponse:
    row = journey_page.found(key)
    step = request.POST.get("step", "")[:24]
    raw = next(
        (raw for raw in shaping.normal(row.draft)["nodes"] if raw["key"] == step and raw["kind"] == "send"), None
    )
    if raw is None:
        raise NotFound
    test_send.send(request, what=f"{row.key}.{step}", version=lambda: message_preview.of_step(row, raw))
    return redirect(f"{reverse('console:journey_preview', args=[key])}?step={step}")
