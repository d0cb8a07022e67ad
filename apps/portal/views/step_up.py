"""A fresh proof of who sits there, asked before a new phone, an export or an erasure."""

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core import kept, requests
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
            kept.keep_form(request)
            back = request.path if request.method == "GET" else inside(request.POST.get("back", "")) or request.path
            return redirect(f"{reverse('portal:step_up')}?next={back}")
        if request.method == "POST":
            kept.drop_form(request)
        return view(request, *args, **kwargs)

    return guarded


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """GET says what is going to happen; POST sends the code to the member's own phone."""
    facts = {**_facts(request), "goes_on": kept.form(request) is not None}
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
    if kept.form(request):
        return redirect(f"{reverse('portal:step_up_go_on')}?{urlencode({'next': facts['next']})}")
    return redirect(facts["next"] or reverse("portal:me"))


@require_safe
def go_on(request: HttpRequest) -> HttpResponse:
    """What was sent before the proof goes on, as it was typed; without it, back to where the member stood."""
    target, form = inside(request.GET.get("next", "")) or reverse("portal:me"), kept.form(request)
    if form is None:
        return redirect(target)
    return shell.page(request, "portal/go_on.html", {"target": target, "form": form})


def _facts(request: HttpRequest) -> Facts:
    member_id = request.member.member_id  # type: ignore[attr-defined]
    wanted = request.POST.get("next") or request.GET.get("next", "")
    return {"next": inside(wanted), "masked_phone": members.masked_phone(member_id)}
