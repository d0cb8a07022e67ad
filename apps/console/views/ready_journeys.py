"""Ready journeys: looked at, and taken as the start of a draft in the editor."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.care.journeys import ready
from apps.care.models import Journey
from apps.console import policy_words


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    brand = ready.of_brand()
    taken: dict[str, list[Journey]] = {}
    for journey in Journey.objects.order_by("pk"):
        taken.setdefault(journey.key.split("-")[0], []).append(journey)
    rows = [
        {
            "ready": one,
            "messages": [
                policy_words.text(node["template"]) for node in one.build(brand)["nodes"] if node["kind"] == "send"
            ],
            "taken": taken.get(one.key, []),
        }
        for one in ready.READY
    ]
    facts = {"rows": rows, "may_edit": request.access.can("journeys.edit")}  # type: ignore[attr-defined]
    return render(request, "console/ready_journeys.html", facts)


@require_POST
def take(request: HttpRequest, key: str) -> HttpResponse:
    """A draft that does nothing until somebody publishes it."""
    journey = ready.take_over(key=key)
    messages.success(
        request, _("“%(name)s” is a draft now. Nothing is sent before it is published.") % {"name": journey.name}
    )
    return redirect("console:journey", journey.key)
