"""Log-in security: what a person has set up besides the password, and the page that asks "is it still you?"."""

import json
from urllib.parse import urlencode

import segno
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.console import second_step
from apps.core import kept
from apps.core.errors import DomainError
from apps.core.models import User
from apps.stores import second_factor, step_up
from apps.stores.errors import ProofWrong

_SECRET = "app_secret"  # noqa: S105 - the session key, not the secret


@never_cache
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    return _overview(request)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def app(request: HttpRequest) -> HttpResponse:
    """GET shows the picture to scan; POST takes the app's first code and, the first time, shows the recovery codes."""
    user, refusal = _person(request), None
    if second_factor.of(user).app is not None:
        return HttpResponseRedirect(reverse("console:account"))
    if request.method == "POST" and _SECRET in request.session:
        secret = second_factor.unseal(request.session[_SECRET])
        try:
            codes = second_factor.add_app(user=user, secret=secret, code=_digits(request))
        except DomainError as said_no:
            refusal = said_no
        else:
            del request.session[_SECRET]
            return _added(request, codes)
    else:
        secret = second_factor.new_secret()
        request.session[_SECRET] = second_factor.seal(secret)
    facts = {"secret": _in_fours(secret), "picture": _picture(second_factor.app_address(user=user, secret=secret))}
    status = 200 if refusal is None else refusal.status
    return render(request, "console/account_app.html", facts | {"refusal": refusal}, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def key(request: HttpRequest) -> HttpResponse:
    """GET lets the browser make a key; POST keeps it."""
    user, refusal = _person(request), None
    if request.method == "POST":
        try:
            found = second_step.credential(request)
            codes = second_factor.add_key(user=user, name=request.POST.get("name", ""), credential=found)
        except DomainError as said_no:
            refusal = said_no
        else:
            return _added(request, codes)
    facts = {"options": json.dumps(second_factor.key_options(user)), "refusal": refusal}
    return render(request, "console/account_key.html", facts, status=200 if refusal is None else refusal.status)


@never_cache
@require_POST
def codes(request: HttpRequest) -> HttpResponse:
    """New recovery codes, shown on the next page and never again."""
    user = _person(request)
    if not second_factor.is_on(user):
        return HttpResponseRedirect(reverse("console:account"))
    kept.keep_secret(request, codes=_spaced(second_factor.new_codes(user)))
    return HttpResponseRedirect(reverse("console:account_codes_shown"))


@never_cache
@require_GET
def codes_shown(request: HttpRequest) -> HttpResponse:
    """The codes stand in this one answer; loaded anew, the page makes no others and has nothing to show."""
    found = kept.take_secret(request)
    if found is None or "codes" not in found:
        messages.info(request, _("Recovery codes are shown once. If they were not kept, make new ones."))
        return HttpResponseRedirect(reverse("console:account"))
    return render(request, "console/account_codes.html", found)


@never_cache
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Takes the password: whoever finds an open screen must not be able to switch the second factor off."""
    user, wanted = _person(request), request.POST.get("factor", "")
    try:
        second_factor.check_password(user=user, password=request.POST.get("password", ""))
        role = request.access.role  # type: ignore[attr-defined]
        second_factor.remove(user=user, factor_id=int(wanted) if wanted.isdecimal() else 0, role=role)
    except ProofWrong:
        return _overview(request, refusal=_("The password is not right. Nothing was changed."), status=422)
    except DomainError as said_no:
        return _overview(request, refusal=str(said_no), status=said_no.status)
    messages.success(request, _("Removed."))
    return HttpResponseRedirect(reverse("console:account"))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def prove(request: HttpRequest) -> HttpResponse:
    """A fresh second factor, or the password of somebody without one, and back to where the person stood."""
    user, refusal = _person(request), None
    target = step_up.back(request, request.POST.get("next") or request.GET.get("next", ""))
    is_on = second_factor.is_on(user)
    if request.method == "POST":
        try:
            if is_on:
                second_step.check(request, user=user)
            else:
                second_factor.check_password(user=user, password=request.POST.get("password", ""))
        except DomainError as said_no:
            refusal = said_no
        else:
            step_up.mark(request)
            if kept.form(request):
                return HttpResponseRedirect(f"{reverse('console:go_on')}?{urlencode({'next': target})}")
            messages.success(request, _("Confirmed for ten minutes. Please go on."))
            return HttpResponseRedirect(target)
    facts = {"target": target, "is_on": is_on, "refusal": refusal, "goes_on": kept.form(request) is not None} | (
        second_step.question(user) if is_on else {}
    )
    return render(request, "console/prove.html", facts, status=200 if refusal is None else refusal.status)


@never_cache
@require_GET
def go_on(request: HttpRequest) -> HttpResponse:
    """What was sent before the proof goes on, as it was typed; without it, back to where the person stood."""
    target, form = step_up.back(request, request.GET.get("next", "")), kept.form(request)
    if form is None or not step_up.is_fresh(request):
        return HttpResponseRedirect(target)
    return render(request, "console/go_on.html", {"target": target, "form": form})


def _overview(request: HttpRequest, *, refusal: str = "", status: int = 200) -> HttpResponse:
    user = _person(request)
    facts = {
        "factors": second_factor.of(user),
        "is_required": second_factor.is_required(request.access.role),  # type: ignore[attr-defined]
        "must_enrol": step_up.must_enrol(request),
        "refusal": refusal,
    }
    return render(request, "console/account.html", facts, status=status)


def _added(request: HttpRequest, codes: list[str]) -> HttpResponse:
    step_up.set_must_enrol(request, is_needed=False)
    if codes:
        kept.keep_secret(request, codes=_spaced(codes), is_first=True)
        return HttpResponseRedirect(reverse("console:account_codes_shown"))
    messages.success(request, _("Added. From now on it opens the log-in too."))
    return HttpResponseRedirect(reverse("console:account"))


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - these routes are for staff, the access rules saw to it
    return request.user


def _digits(request: HttpRequest) -> str:
    return "".join(request.POST.get("code", "")[:40].split())


def _in_fours(secret: str) -> str:
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def _spaced(codes: list[str]) -> list[str]:
    return [f"{code[:4]} {code[4:]}" for code in codes]


def _picture(address: str) -> SafeString:
    """The QR code, dark on white in every theme: apps read nothing else."""
    return SafeString(segno.make(address, error="m").svg_inline(scale=4, border=3, light="#fff", omitsize=True))
