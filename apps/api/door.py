"""Who passes which API route. Called by `stores.access.AccessMiddleware` before any view; one limit call, one look at the token."""

import re

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from apps.api import principals
from apps.api.errors import RateLimited, ScopeMissing
from apps.api.frame import call_of, refuse
from apps.api.principals import NOBODY, Principal
from apps.core import addresses, audit, idempotency, logs, ratelimits, requests
from apps.core.errors import DomainError, Unauthenticated
from apps.core.ratelimits import Limit

_BEARER = re.compile(r"Bearer +([\x21-\x7e]{1,512})", re.IGNORECASE)
SECONDS = 60
# Requests in a minute. `token` is one log-in of a member: a device that runs wild leaves something to the member's others.
QUOTAS = {"member": 120, "token": 90, "client": 1200, "device": 600, "ip": 300, "login": 30}
WRITES = {"POST", "PUT", "DELETE"}
LONGEST_ROUTE = 200


def admit(request: HttpRequest, need: str | None) -> HttpResponse | None:
    """None lets the request in, with `request.principal` set; else the refusal."""
    if need == "anyone":  # who shows a token must show a good one
        need = "member" if "HTTP_AUTHORIZATION" in request.META else "public"
    try:
        principal = _principal(request, need)
        _count(request, principal)
        _check(principal, need)
    except DomainError as refusal:
        if refusal.status == 403:
            assert request.resolver_match is not None  # noqa: S101 - called after resolving
            audit.record("access.refused", object_type="route", object_id=request.resolver_match.view_name)
        return refuse(request, refusal)
    return None


def _principal(request: HttpRequest, need: str | None) -> Principal:
    principal = NOBODY
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if need != "public" and header:
        found = _BEARER.fullmatch(header.strip())
        principal = principals.find(found[1]) if found else NOBODY
    request.principal = call_of(request).principal = principal  # type: ignore[attr-defined]
    if principal.actor:
        requests.identify(principal.actor)
    return principal


def _count(request: HttpRequest, principal: Principal) -> None:
    """Count the request, and take the mark of its idempotency key in the same breath. Raises RateLimited."""
    call = call_of(request)
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if principal.actor and key is not None and request.method in WRITES:
        call.key = idempotency.read_key(key)
    asked = ratelimits.ask(_limits(request, principal), mark=claim(request).mark if call.key else "")
    call.verdicts, call.mark = asked.verdicts, asked.mark
    if asked.refusal:
        raise RateLimited(retry_after=asked.refusal.reset)


def claim(request: HttpRequest, *, digest: bytes = b"") -> idempotency.Claim:
    """What this request's idempotency key stands for; `digest` is that of the body."""
    call = call_of(request)
    return idempotency.Claim(
        actor=call.principal.actor,
        route=_route(request),
        key=call.key,
        digest=digest,
        member_id=call.principal.member_id,
    )


def _route(request: HttpRequest) -> str:
    """Method and address as stored for a day; an address with a phone in it, or longer than the column, by its keyed hash."""
    address = f"{request.method} {request.path_info}"
    if len(address) <= LONGEST_ROUTE and not logs.holds_phone(address):
        return address
    return f"{request.method} {salted_hmac('api.route', address, algorithm='sha256').hexdigest()}"


def _limits(request: HttpRequest, principal: Principal) -> list[Limit]:
    """By key, or by member and log-in, for who is known; by address for all others, whose wrong tokens count too."""
    if principal.actor:
        own = [Limit(name=principal.kind, subject=principal.actor, quota=QUOTAS[principal.kind], window=SECONDS)]
        if principal.family_id is not None:
            own.append(Limit(name="token", subject=str(principal.family_id), quota=QUOTAS["token"], window=SECONDS))
        return own
    address = ratelimits.subject_of(
        addresses.network_of(requests.origin().address)
    )  # whoever has one IPv6 address has a /64
    is_login = request.path_info.startswith(settings.API_LOGIN_PATHS)
    name = "login" if is_login else "ip"
    return [Limit(name=name, subject=address, quota=QUOTAS[name], window=SECONDS, closed=is_login)]


def _check(principal: Principal, need: str | None) -> None:
    """Raises Unauthenticated, ScopeMissing. A need may list several, joined by " | "."""
    if need == "public":
        return
    if not principal.actor:
        raise Unauthenticated
    if need is None or not any(principal.satisfies(one.strip()) for one in need.split("|")):
        raise ScopeMissing
