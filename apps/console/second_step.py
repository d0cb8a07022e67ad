"""The second step of the log-in: after the right password a code of the app, a recovery code or a security key."""

import json

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.core import audit, clock, requests
from apps.core.errors import DomainError
from apps.core.models import User
from apps.stores import access, second_factor, step_up
from apps.stores.errors import ProofWrong

WAIT_SECONDS = 300  # from the password to the second factor
FEW_CODES = 3
_SESSION = "second_step"
_BACKEND = "django.contrib.auth.backends.ModelBackend"


def begin(request: HttpRequest, *, user: User, target: str) -> None:
    """Remember whose password was right; nobody is logged in by it."""
    request.session.cycle_key()
    request.session[_SESSION] = {"user": user.pk, "at": clock.now().timestamp(), "target": target}


def enter(request: HttpRequest, *, user: User, target: str) -> HttpResponse:
    """Open the session, on record. A role that needs a second factor and has none is led to set one up."""
    login(request, user, backend=_BACKEND)
    requests.identify(f"user:{user.pk}")
    audit.record("session.opened", object_type="core_user", object_id=user.pk)
    step_up.mark(request)
    lacks = not second_factor.is_on(user) and second_factor.is_required(access.of_user(user).role)
    step_up.set_must_enrol(request, is_needed=lacks)
    return HttpResponseRedirect(reverse("console:account") if lacks else target)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor of the person whose password was right up to five minutes ago."""
    waiting = request.session.get(_SESSION)
    user = _waiting_user(waiting)
    if waiting is None or user is None:
        request.session.pop(_SESSION, None)
        return HttpResponseRedirect(reverse("console:login"))
    refusal: DomainError | None = None
    if request.method == "POST":
        try:
            kind = check(request, user=user)
        except DomainError as said_no:
            refusal = said_no
        else:
            del request.session[_SESSION]
            if kind == second_factor.Kind.RECOVERY_CODES:
                _warn_of_few(request, user)
            return enter(request, user=user, target=waiting["target"])
    status = 200 if refusal is None else refusal.status
    return render(request, "console/login_second.html", question(user) | {"refusal": refusal}, status=status)


def check(request: HttpRequest, *, user: User) -> str:
    """The posted proof: `credential` of a key, or `code`. Which kind it was; raises ProofWrong, TooManyTries."""
    if request.POST.get("credential"):
        second_factor.check_key(user=user, credential=credential(request))
        return str(second_factor.Kind.WEBAUTHN)
    return second_factor.check_code(user=user, code=request.POST.get("code", "")[:40])


def credential(request: HttpRequest) -> dict:
    """What the browser's key said. Raises ProofWrong when it is no JSON object."""
    try:
        found = json.loads(request.POST.get("credential", ""))
    except ValueError:
        raise ProofWrong from None
    if not isinstance(found, dict):
        raise ProofWrong
    return found


def question(user: User) -> dict[str, object]:
    """What the templates ask with: `has_code`, and for keys the options that the browser needs."""
    factors = second_factor.of(user)
    options = json.dumps(second_factor.proof_options(user)) if factors.keys else ""
    return {"has_code": factors.app is not None or factors.codes_left > 0, "has_app": bool(factors.app), "key": options}


def _waiting_user(waiting: dict | None) -> User | None:
    if waiting is None or not 0 <= clock.now().timestamp() - waiting["at"] < WAIT_SECONDS:
        return None
    user = User.objects.filter(pk=waiting["user"], is_active=True).first()
    return user if user is not None and access.of_user(user).role else None


def _warn_of_few(request: HttpRequest, user: User) -> None:
    left = second_factor.of(user).codes_left
    if left <= FEW_CODES:
        words = ngettext("%(count)d recovery code left. Make new ones under “Log-in security”.",
                         "%(count)d recovery codes left. Make new ones under “Log-in security”.", left)  # fmt: skip
        messages.warning(request, words % {"count": left})
