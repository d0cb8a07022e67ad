"""Channels: circuit, throttle, cost, texts in vendors' registries, and what failed for good, to be sent again with a reason."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from apps.care import health
from apps.care import services as care
from apps.core import clock
from apps.core.errors import ValidationFailed
from apps.gateways.models import SmsTemplate

SHOWN = 50


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "console/channels.html",
        {
            "standings": health.standings(moment=clock.now()),
            "templates": SmsTemplate.objects.order_by("-pk")[:SHOWN],
            "dead": health.dead_letters(limit=SHOWN),
            "may_replay": request.access.can("messages.replay"),  # type: ignore[attr-defined]
        },
    )


@require_POST
def replay(request: HttpRequest) -> HttpResponse:
    """Send the chosen ones again."""
    chosen = [int(key) for key in request.POST.getlist("touch")[:SHOWN] if key.isdecimal() and len(key) < 19]
    try:
        count = care.replay(touch_ids=chosen, reason=request.POST.get("reason", ""))
    except ValidationFailed:
        messages.warning(request, _("Nothing was sent again: say why."))
        return redirect("console:channels")
    messages.success(
        request,
        ngettext("%(count)s message goes out again.", "%(count)s messages go out again.", count) % {"count": count},
    )
    return redirect("console:channels")
