"""Whoever works here may have test messages sent to a membership of their own: its phone is proved by a code."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.care import trials
from apps.core import requests
from apps.core.errors import DomainError
from apps.members import selectors as members

_ASKED = "test_code"  # in the session: which code is awaited


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """A POST has a code sent to the phone that was typed; the number is kept nowhere."""
    if request.method == "POST":
        typed = request.POST.get("phone", "").replace("\0", "").strip()[:40]
        try:
            sent = trials.ask_code(phone=typed, network=requests.origin().address)
        except DomainError as refusal:
            return _shown(request, refusal=str(refusal.title), status=refusal.status)
        request.session[_ASKED] = sent.request_id
        return _shown(request)
    request.session.pop(_ASKED, None)
    return _shown(request)


@never_cache
@require_POST
def code(request: HttpRequest) -> HttpResponse:
    asked = str(request.session.get(_ASKED, ""))
    try:
        trials.enrol(user_id=request.user.pk or 0, request_id=asked, code=request.POST.get("code", "")[:40])
    except DomainError as refusal:
        return _shown(request, refusal=str(refusal), status=refusal.status)
    request.session.pop(_ASKED, None)
    messages.success(request, _("Test messages can be sent to you from now on."))
    return redirect("console:account_tests")


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    trials.leave(user_id=request.user.pk or 0)
    messages.success(request, _("No more test messages are sent to you."))
    return redirect("console:account_tests")


def _shown(request: HttpRequest, *, refusal: str = "", status: int = 200) -> HttpResponse:
    mine = trials.own(user_id=request.user.pk or 0)
    facts: dict[str, Any] = {
        "mine": mine, "phone": members.masked_phone(mine.member_id) if mine else "", "refusal": refusal,
        "is_asked": _ASKED in request.session, "most": trials.A_DAY,
    }  # fmt: skip
    return render(request, "console/own_tests.html", facts, status=status)
