"""What lets a till open without a network: a service worker, and the page that it keeps. Nothing of a person is in either."""

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.counter.views import till

FILES = (
    "shared/tokens.css", "shared/base.css", "shared/motifs.css", "shared/icons.svg", "shared/favicon.svg",
    "counter/counter.css", "counter/till.css", "counter/scanner.js", "counter/queue.js", "counter/camera.js",
    "counter/open.js", "counter/print.js", "counter/till.js",
)  # fmt: skip


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """Served from /counter/, so that it looks after these pages and no others."""
    parts = {"files": [static(name) for name in FILES], "shell": reverse("counter:shell")}
    text = render_to_string("counter/sw.js", {"parts": json.dumps(parts)})
    answer = HttpResponse(text, content_type="text/javascript; charset=utf-8")
    answer["Cache-Control"] = "no-cache"
    return answer


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The page of the till with nobody at it: no names, no token. The browser itself knows whether it was open a moment ago."""
    facts = till.frame(request) | {"shift": None, "people": [], "is_shell": True}
    answer = render(request, "counter/till.html", facts)
    answer["Cache-Control"] = "no-store"
    return answer
