"""A journey's message as one member would read it, on each channel of its chain, and a test of it to colleagues' own phones."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from apps.care import trials
from apps.care.journeys import shaping
from apps.console import journey_page, message_preview
from apps.console import journey_words as words
from apps.core.errors import DomainError, NotFound, ValidationFailed


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
        "mine": trials.own(user_id=request.user.pk or 0), "testers": trials.testers(), "most": trials.MOST,
        "sent": [message_preview.told(one) for one in trials.recent(f"{row.key}.")],
    }  # fmt: skip
    if chosen is not None:
        facts |= message_preview.search(request, permission="journeys.view")
        try:
            facts["views"] = message_preview.views(message_preview.of_step(row, chosen), member_id=facts["member_id"])
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
    back = redirect(f"{reverse('console:journey_preview', args=[key])}?step={step}")
    chosen = [int(one) for one in request.POST.getlist("tester")[:50] if one.isdecimal() and len(one) < 19]
    try:
        version = message_preview.on_channel(message_preview.of_step(row, raw), request.POST.get("channel", ""))
        made = trials.send(
            trials.Message(f"{row.key}.{step}", version), tester_ids=chosen, user_id=request.user.pk or 0
        )
    except ValidationFailed:
        messages.error(request, _("The step is not whole yet: put right what is marked in the list."))
        return back
    except DomainError as refusal:
        messages.error(request, str(refusal.title))
        return back
    went = sum(one.state == "accepted" for one in made)
    if went:
        said = ngettext("%(count)s test is on its way.", "%(count)s tests are on their way.", went)
        messages.success(request, said % {"count": went})
    if went < len(made):
        messages.warning(request, _("Not every test could be sent: the list below says why."))
    return back
