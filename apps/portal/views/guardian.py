"""Under 14: a parent or guardian reads what it is about and agrees by a code to their own phone; taking it back needs none."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.core import requests
from apps.core.errors import DomainError
from apps.members import guardians, minors
from apps.members.errors import GuardianIsMember, PhoneInvalid
from apps.portal import agreements, anonymous, asking, sessions, shell
from apps.portal.shell import Facts

SOURCE = "portal:guardian"


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """What a guardian is asked, or since when one agrees; POST sends the code. Who is no child has nothing to do here."""
    member_id = request.member.member_id  # type: ignore[attr-defined]
    child = minors.standing(member_id)
    if not child.is_child:
        return redirect("portal:privacy")
    facts: Facts = {"child": child, "phone": request.POST.get("phone", "").strip()[:40]}
    if request.method != "POST":
        return shell.page(request, "portal/guardian.html", facts, at="me")
    try:
        sent = asking.sent(
            request,
            lambda: guardians.request_code(
                member_id=member_id,
                phone=facts["phone"],
                network=requests.origin().address,
                device=anonymous.of(request),
            ),
        )
    except (PhoneInvalid, GuardianIsMember) as refusal:
        facts["phone_error"] = str(refusal)
        return shell.page(request, "portal/guardian.html", facts, at="me", status=refusal.status)
    except DomainError as refusal:
        facts["trouble"] = str(refusal)
        return shell.page(request, "portal/guardian.html", facts, at="me", status=refusal.status)
    return shell.page(request, "portal/guardian_code.html", {**facts, **sent}, at="me")


@require_POST
def code(request: HttpRequest) -> HttpResponse:
    facts: Facts = {
        "phone": request.POST.get("phone", "").strip()[:40],
        "request_id": request.POST.get("request_id", "")[:80],
        "code": "".join(request.POST.get("code", "").split())[:12],
    }
    try:
        guardians.confirm(
            member_id=request.member.member_id,  # type: ignore[attr-defined]
            request_id=facts["request_id"],
            code=facts["code"],
            source=SOURCE,
            text_version=agreements.VERSION,
        )
    except DomainError as refusal:
        facts["code_error"] = str(refusal)
        return shell.page(request, "portal/guardian_code.html", facts, at="me", status=refusal.status)
    sessions.say(request, _("Thank you. A parent or guardian has agreed."))
    return redirect("portal:privacy")


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """Taken back: as easy as it was given, and from this moment on."""
    guardians.take_back(
        member_id=request.member.member_id,  # type: ignore[attr-defined]
        source=SOURCE,
        text_version=agreements.VERSION,
    )
    sessions.say(request, _("Taken back. Nothing is sent any more, not even what was planned."))
    return redirect("portal:guardian")
