"""Log in by phone and six digits. Known and unknown phones get the same pages, words and times."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.activity import codes
from apps.activity import services as activity
from apps.core import requests
from apps.core.errors import DomainError, ValidationFailed
from apps.members import login, policy_texts
from apps.members import services as members
from apps.members.errors import MemberLeaving, PhoneInvalid, PolicyTextOutdated
from apps.portal import agreements, anonymous, asking, browsers, demo, sessions, shell
from apps.portal.addresses import inside
from apps.portal.shell import Facts

SOURCE = "portal"


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """First step: the phone. The number travels in bodies only, and is kept nowhere but in the form."""
    facts: Facts = {
        "phone": request.POST.get("phone", "").strip()[:40],
        "agreed": bool(request.POST.get("agree")),
        "next": inside(request.POST.get("next") or request.GET.get("next", "")),
        "version": agreements.VERSION,
        "demo_phones": demo.phones(),
    }
    if request.member:  # type: ignore[attr-defined]
        return redirect(facts["next"] or reverse("portal:home"))
    if request.method != "POST":
        return shell.page(request, "portal/login.html", facts)
    if not facts["agreed"]:
        facts["agree_error"] = _("Tick this if you agree. Without it nobody can become or stay a member.")
        return shell.page(request, "portal/login.html", facts, status=422)
    try:
        sent = asking.sent(
            request,
            lambda: login.request_code(
                phone=facts["phone"],
                network=requests.origin().address,
                purpose="login",
                device=anonymous.of(request),
            ),
        )
    except PhoneInvalid as refusal:
        return shell.page(request, "portal/login.html", {**facts, "phone_error": str(refusal)}, status=refusal.status)
    except DomainError as refusal:
        return shell.page(request, "portal/login.html", {**facts, "trouble": str(refusal)}, status=refusal.status)
    return _ask_for_code(request, {**facts, **sent})


@require_POST
def code(request: HttpRequest) -> HttpResponse:
    """Second step: the code. A newcomer goes on to the welcome page, the others where they wanted to go."""
    facts: Facts = {
        "phone": request.POST.get("phone", "").strip()[:40],
        "next": inside(request.POST.get("next", "")),
        "request_id": request.POST.get("request_id", "")[:80],
        "code": "".join(request.POST.get("code", "").split())[:12],
        "version": agreements.VERSION,
        "demo_phones": demo.phones(),
    }
    if not (facts["request_id"] and facts["code"]):
        return _ask_for_code(request, {**facts, "code_error": _("Type the six digits from the message.")}, status=422)
    try:
        found = login.log_in_by_code(
            request_id=facts["request_id"],
            code=facts["code"],
            source=codes.source_of(anonymous.of(request), otherwise=SOURCE),
            come_back=bool(request.POST.get("come_back")),
        )
    except MemberLeaving as leaving:
        until = datetime.fromisoformat(str(leaving.facts["until"]))
        return shell.page(request, "portal/leaving.html", {**facts, "until": until}, status=leaving.status)
    except DomainError as refusal:
        return _ask_for_code(request, {**facts, "code_error": str(refusal)}, status=refusal.status)
    sessions.begin(request, user_id=found.user_id, label=browsers.label(request))
    version = request.POST.get("version", "")[:40] or agreements.VERSION
    policy_texts.agreed_to_rules(member_id=found.member_id, version=version, at=SOURCE)
    if anonymous_id := anonymous.of(request):
        activity.stitch(anonymous_id=anonymous_id, member_id=found.member_id)
    if request.POST.get("come_back"):
        sessions.say(request, _("Welcome back. You are a member again."))
    if found.is_new:
        return redirect(f"{reverse('portal:welcome')}{_query(facts['next'])}")
    return redirect(facts["next"] or reverse("portal:home"))


@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest) -> HttpResponse:
    """Newcomers: what we may call them, and what they allow. Nothing is ticked before, everything may be skipped."""
    visitor = request.member  # type: ignore[attr-defined]
    next_page = inside(request.POST.get("next") or request.GET.get("next", ""))
    allowed = request.POST.getlist("allow")
    facts: Facts = {
        "next": next_page,
        "choices": agreements.offers(allowed),
        "nickname": request.POST.get("nickname", "")[:80],
    }
    if request.method != "POST":
        return shell.page(request, "portal/welcome.html", facts)
    try:
        if facts["nickname"].strip():
            members.change_profile(member_id=visitor.member_id, nickname=facts["nickname"], is_by_member=True)
    except ValidationFailed as refusal:
        error = refusal.facts["errors"][0]["message"]  # type: ignore[index]
        return shell.page(request, "portal/welcome.html", {**facts, "nickname_error": error}, status=refusal.status)
    wanted = {key: request.POST.get(f"version:{key}", "")[:40] for key in allowed}
    try:
        agreements.accept(member_id=visitor.member_id, wanted=wanted)
    except PolicyTextOutdated as refusal:  # the page stood open while a new text came
        newer: Facts = {"choices": agreements.offers(), "allow_error": str(refusal)}
        return shell.page(request, "portal/welcome.html", {**facts, **newer}, status=refusal.status)
    return redirect(next_page or reverse("portal:home"))


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Log out here. The browser drops what it kept of our pages, so that going back shows nothing."""
    sessions.end(request)
    response = HttpResponseRedirect(reverse("portal:login"))
    response["Clear-Site-Data"] = '"cache"'
    return response


def _ask_for_code(request: HttpRequest, facts: dict, *, status: int = 200) -> HttpResponse:
    return shell.page(request, "portal/login_code.html", facts, status=status)


def _query(next_page: str) -> str:
    return f"?next={next_page}" if next_page else ""
