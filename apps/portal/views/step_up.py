"""A fresh proof of who sits there, asked before a new phone, an export or an erasure."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.core import requests
from apps.core.errors import DomainError
from apps.members import login
from apps.members import selectors as members
from apps.members.errors import StepUpRequired
from apps.portal import anonymous, asking, shell
from apps.portal.addresses import inside
from apps.portal.shell import Facts

View = Callable[..., HttpResponse]


def needed(view: View) -> View:
    """For views that ask for a proof at most five minutes old: sends the member to give it and brings them back."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            login.require_step_up(family_id=request.member.family_id)  # type: ignore[attr-defined]
        except StepUpRequired:
            back = request.path if request.method == "GET" else inside(request.POST.get("back", "")) or request.path
            return redirect(f"{reverse('portal:step_up')}?next={back}")
        return view(request, *args, **kwargs)

    return guarded


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """GET says what is going to happen; POST sends the code to the member's own phone."""
    facts = _facts(request)
    if request.method != "POST":
        return shell.page(request, "portal/step_up.html", facts)
    try:
        sent = asking.sent(
            request,
            lambda: login.request_step_up_code(
                member_id=request.member.member_id,  # type: ignore[attr-defined]
                network=requests.origin().address,
                device=anonymous.of(request),
            ),
        )
    except DomainError as refusal:
        return shell.page(request, "portal/step_up.html", {**facts, "trouble": str(refusal)}, status=refusal.status)
    return shell.page(request, "portal/step_up_code.html", {**facts, **sent})


@require_POST
def code(request: HttpRequest) -> HttpResponse:
    facts: Facts = {
        **_facts(request),
        "request_id": request.POST.get("request_id", "")[:80],
        "code": "".join(request.POST.get("code", "").split())[:12],
    }
    try:
        login.step_up(
            family_id=request.member.family_id,  # type: ignore[attr-defined]
            request_id=facts["request_id"],
            code=facts["code"],
        )
    except DomainError as refusal:
        again = {**facts, "code_error": str(refusal)}
        return shell.page(request, "portal/step_up_code.html", again, status=refusal.status)
    return redirect(facts["next"] or reverse("portal:me"))


def _facts(request: HttpRequest) -> Facts:
    member_id = request.member.member_id  # type: ignore[attr-defined]
    wanted = request.POST.get("next") or request.GET.get("next", "")
    return {"next": inside(wanted), "masked_phone": members.masked_phone(member_id)}
