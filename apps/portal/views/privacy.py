"""The privacy centre: what is held and why, consents as switches, a copy, erasure."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core import clock
from apps.flows import privacy as rights
from apps.flows import processing
from apps.members import minors
from apps.members import selectors as members
from apps.members.errors import PolicyTextOutdated
from apps.portal import agreements, browsers, sessions, shell
from apps.portal import held as holdings
from apps.portal.shell import Facts
from apps.portal.views import step_up


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    member_id = request.member.member_id  # type: ignore[attr-defined]
    facts: Facts = {
        "purposes": agreements.purposes(member_id),
        "me": members.profile(member_id),
        "export": rights.export_of(member_id),
        "version": agreements.VERSION,
        "child": minors.standing(member_id),
    }
    return shell.page(request, "portal/privacy.html", facts, at="me")


@require_POST
def consent(request: HttpRequest) -> HttpResponse:
    """One switch. It holds from this moment on: messages that wait are asked again before they leave."""
    member_id = request.member.member_id  # type: ignore[attr-defined]
    is_on = request.POST.get("on") == "1"
    key, version = request.POST.get("key", "")[:40], request.POST.get("version", "")[:40]
    try:
        switch = agreements.turn(member_id=member_id, key=key, is_on=is_on, version=version)
    except PolicyTextOutdated as refusal:  # the page stood open while a new text came
        sessions.say(request, str(refusal))
        is_part = bool(request.headers.get("HX-Request"))
        return HttpResponse(headers={"HX-Refresh": "true"}) if is_part else redirect("portal:privacy")
    if request.headers.get("HX-Request"):
        return shell.part(request, "portal/_switch.html", {"switch": switch, "can_undo": not request.POST.get("undo")})
    words = _("%(name)s: on") if switch.is_on else _("%(name)s: off")
    sessions.say(request, words % {"name": switch.label})
    return redirect("portal:privacy")


@require_safe
def held(request: HttpRequest) -> HttpResponse:
    """What stands about this member, table by table, counted now."""
    member_id = request.member.member_id  # type: ignore[attr-defined]
    return shell.page(request, "portal/held.html", {"kept": holdings.of(member_id), "as_of": clock.now()}, at="me")


@require_safe
def policy(request: HttpRequest) -> HttpResponse:
    """The text itself; anybody may read it."""
    facts = {
        "version": agreements.VERSION,
        "texts": agreements.texts(in_force=True),
        "earlier": agreements.texts(in_force=False),
        "departure_days": settings.MEMBER_DEPARTURE_DAYS,
        "cool_off_days": settings.MEMBER_COOL_OFF_DAYS,
    }
    return shell.page(request, "portal/policy.html", facts)


@require_safe
def partners(request: HttpRequest) -> HttpResponse:
    return shell.page(request, "portal/partners.html", {"recipients": processing.recipients()}, at="me")


@require_http_methods(["GET", "HEAD", "POST"])
def export(request: HttpRequest) -> HttpResponse:
    """POST asks for the copy; the page shows how far it is and offers the file once."""
    member_id = request.member.member_id  # type: ignore[attr-defined]
    if request.method == "POST":
        rights.request_export(member_id=member_id)
        return redirect("portal:export")
    return shell.page(request, "portal/export.html", _export(request, member_id), at="me")


@require_safe
def export_state(request: HttpRequest) -> HttpResponse:
    """The part of the page that asks again while the copy is being made."""
    member_id = request.member.member_id  # type: ignore[attr-defined]
    return shell.part(request, "portal/_export_state.html", _export(request, member_id))


@require_POST
@step_up.needed
def export_file(request: HttpRequest) -> HttpResponse:
    """The file, once: whoever holds the phone a minute later finds nothing."""
    visitor = request.member  # type: ignore[attr-defined]
    file = rights.take_export(member_id=visitor.member_id, family_id=visitor.family_id)
    response = HttpResponse(file.content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@step_up.needed
def erase(request: HttpRequest) -> HttpResponse:
    """What leaving means, in plain words; POST with the tick ends the membership, logs out here, and says how to come back."""
    facts: Facts = {"days": settings.MEMBER_COOL_OFF_DAYS}
    if request.method != "POST":
        return shell.page(request, "portal/erase.html", facts, at="me")
    if not request.POST.get("understood"):
        error = _("Tick this if you want to go on. Nothing has been erased.")
        return shell.page(request, "portal/erase.html", {**facts, "error": error}, at="me", status=422)
    left = rights.request_erasure(member_id=request.member.member_id)  # type: ignore[attr-defined]
    sessions.end(request)
    request.member = None  # type: ignore[attr-defined]
    return shell.page(request, "portal/left.html", {"until": left.effective_at})


def _export(request: HttpRequest, member_id: int) -> Facts:
    return {"export": rights.export_of(member_id), "is_wechat": browsers.is_wechat(request)}
