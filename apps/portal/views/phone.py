"""Another phone: first a proof from the old one, then a code to the new one."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.core import requests
from apps.core.errors import DomainError
from apps.members import login
from apps.members import selectors as members
from apps.members.errors import PhoneInvalid
from apps.portal import anonymous, asking, sessions, shell
from apps.portal.shell import Facts
from apps.portal.views import step_up


@require_http_methods(["GET", "HEAD", "POST"])
@step_up.needed
def page(request: HttpRequest) -> HttpResponse:
    facts: Facts = {
        "masked_phone": members.masked_phone(request.member.member_id),  # type: ignore[attr-defined]
        "phone": request.POST.get("phone", "").strip()[:40],
    }
    if request.method != "POST":
        return shell.page(request, "portal/phone.html", facts)
    try:
        sent = asking.sent(
            request,
            lambda: login.request_code(
                phone=facts["phone"],
                network=requests.origin().address,
                purpose="change_phone",
                device=anonymous.of(request),
            ),
        )
    except PhoneInvalid as refusal:
        return shell.page(request, "portal/phone.html", {**facts, "phone_error": str(refusal)}, status=refusal.status)
    except DomainError as refusal:
        return shell.page(request, "portal/phone.html", {**facts, "trouble": str(refusal)}, status=refusal.status)
    return shell.page(request, "portal/phone_code.html", {**facts, **sent})


@require_POST
@step_up.needed
def code(request: HttpRequest) -> HttpResponse:
    visitor = request.member  # type: ignore[attr-defined]
    facts: Facts = {
        "phone": request.POST.get("phone", "").strip()[:40],
        "request_id": request.POST.get("request_id", "")[:80],
        "code": "".join(request.POST.get("code", "").split())[:12],
    }
    try:
        login.change_phone(
            member_id=visitor.member_id,
            family_id=visitor.family_id,
            request_id=facts["request_id"],
            code=facts["code"],
        )
    except DomainError as refusal:
        return shell.page(
            request, "portal/phone_code.html", {**facts, "code_error": str(refusal)}, status=refusal.status
        )
    sessions.say(request, _("Your new number is saved."))
    return redirect("portal:me")
