"""Is it still the same person? Log-in and fresh proofs are remembered in the session; `config/access.yaml` lists under `step_up`
the acts that ask for one of the last ten minutes.
"""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from apps.core import clock, kept, problems
from apps.stores.errors import ProofNeeded

FRESH_SECONDS = 600
_PROVED = "proved_at"
_MUST_ENROL = "must_enrol"


def mark(request: HttpRequest) -> None:
    """The person has just proved who they are."""
    request.session[_PROVED] = clock.now().timestamp()


def is_fresh(request: HttpRequest) -> bool:
    age = clock.now().timestamp() - request.session.get(_PROVED, 0)
    return 0 <= age < FRESH_SECONDS


def require(request: HttpRequest) -> None:
    """For acts that a route alone does not tell. Raises ProofNeeded."""
    if not is_fresh(request):
        raise ProofNeeded


def must_enrol(request: HttpRequest) -> bool:
    """Logged in by a role that needs a second factor and has none yet: nothing else is open."""
    return bool(request.session.get(_MUST_ENROL))


def set_must_enrol(request: HttpRequest, *, is_needed: bool) -> None:
    if is_needed:
        request.session[_MUST_ENROL] = True
    else:
        request.session.pop(_MUST_ENROL, None)


def ask(request: HttpRequest) -> HttpResponse:
    """Lead a person to the proof page and back to where they stood; tell a program by a problem document."""
    if (
        request.get_preferred_type(["text/html", "application/json"]) != "text/html"
        and "HX-Request" not in request.headers
    ):
        problem = ProofNeeded()
        return problems.answer(request, status=problem.status, code=problem.code, title=str(problem))
    kept.keep_form(request)
    address = f"{reverse('console:prove')}?{urlencode({'next': _place(request)})}"
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)


def back(request: HttpRequest, address: str) -> str:
    """The address if it is one of this house, else the back office's first page."""
    if url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure()):
        return address
    return reverse("console:root")


def _place(request: HttpRequest) -> str:
    """The page that the act was asked for on."""
    return request.headers.get("HX-Current-URL") or request.headers.get("Referer") or request.get_full_path()
