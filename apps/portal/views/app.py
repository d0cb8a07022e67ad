"""What makes the pages an app: manifest, service worker, offline page, and the door for what happens on pages."""

import json

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe

from apps.activity import robots
from apps.activity import services as activity
from apps.core import brand
from apps.portal import anonymous, sessions

MOST_BYTES = 20_000
SHELL = (
    "shared/tokens.css", "shared/base.css", "portal/portal.css", "portal/pages.css", "portal/portal.js",
    "django_htmx/htmx-2.min.js", "shared/icons.svg", "shared/favicon.svg",
)  # fmt: skip


@require_POST
def events(request: HttpRequest) -> HttpResponse:
    """A batch from the page's script. Members who switched personalisation off are counted without their id, robots not at all."""
    if robots.is_robot(request.headers.get("User-Agent", "")):
        return HttpResponse(status=204)
    text = request.POST.get("events", "")
    try:
        batch = json.loads(text) if len(text) <= MOST_BYTES else None
    except ValueError:
        batch = None
    if not isinstance(batch, list) or not all(isinstance(one, dict) for one in batch):
        return HttpResponse(status=422)
    visitor = request.member  # type: ignore[attr-defined]
    activity.ingest(
        batch=batch,
        member_id=visitor.member_id if visitor else None,
        anonymous_id=anonymous.of(request),
        source="portal",
        sent_at=request.POST.get("sent_at") or None,
    )
    return HttpResponse(status=204)


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """What the service worker keeps for a lost connection: the same for everybody."""
    return render(request, "portal/offline.html", {})


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """Served from /my/, so that it may look after these pages and no others."""
    parts = {"shell": [static(name) for name in SHELL], "offline": reverse("portal:offline")}
    text = render_to_string("portal/sw.js", {"parts": json.dumps(parts)})
    response = HttpResponse(text, content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return response


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    name = brand.name()
    drawn = {"src": static("shared/favicon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}
    icons = [
        {"src": static(f"portal/icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
        for size, purpose in ((192, "any"), (512, "any"), (512, "maskable"))
    ]
    facts = {
        "id": sessions.PREFIX,
        "name": name,
        "short_name": name[:12],
        "lang": get_language(),
        "start_url": sessions.PREFIX,
        "scope": sessions.PREFIX,
        "display": "standalone",
        "background_color": "#f5f5f1",
        "theme_color": "#1f4d46",
        "icons": [drawn, *icons],
    }
    return JsonResponse(facts, content_type="application/manifest+json")
