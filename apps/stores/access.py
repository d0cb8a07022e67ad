"""Who may do what, where. One file, `config/access.yaml`, drives enforcement, navigation, docs and the matrix test.

A route asks for `public`, `staff` (anybody with an active staff card) or one permission. A permission names its roles and, for
each, the reach: `all`, `region`, `store`, `own`. A route without a line is refused. Doors that are not the back office ask for
`member`, `client:<scope>` or `device:<scope>` (one need, or several joined by ` | `), or take `anyone`, with or without a token;
their apps decide these, see `DOORS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import yaml
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from apps.core import audit, kept, prepared, problems, requests
from apps.core.errors import Forbidden
from apps.stores import step_up
from apps.stores.models import Store

REACHES = ("own", "store", "region", "all")
SAFE = ("GET", "HEAD", "OPTIONS")
# All that is open to a person whose role needs a second factor and who has none yet.
ENROLMENT = frozenset(
    {"console:account", "console:account_app", "console:account_key", "console:prove", "console:logout"}
)
_CARD = "select id, role, store_id, region_id from stores_staff where user_id = %s and is_active"

Door = Callable[[HttpRequest, str | None], HttpResponse | None]
DOORS: dict[
    str, Door
] = {}  # URL namespace → decides there in place of the staff rules; faces add theirs when they start


@dataclass(frozen=True)
class Rules:
    permissions: Mapping[str, Mapping[str, str]]  # permission → role → reach
    routes: Mapping[str, str]  # route name or pattern → public | staff | permission
    step_up: frozenset[str] = frozenset()  # routes whose acts ask for a fresh proof of who is there

    def need(self, route: str) -> str | None:
        """What a route asks for; exact lines win over patterns; None: the route has no line."""
        if route in self.routes:
            return self.routes[route]
        return next((need for line, need in self.routes.items() if "*" in line and fnmatchcase(route, line)), None)


@cache
def rules() -> Rules:
    content = yaml.safe_load(settings.ACCESS_FILE.read_text())
    return Rules(
        permissions=content["permissions"], routes=content["routes"], step_up=frozenset(content.get("step_up", ()))
    )


@dataclass(frozen=True)
class Access:
    """What the person behind a request may do. Anonymous people, members and inactive staff may nothing."""

    user_id: int | None = None
    staff_id: int | None = None
    role: str = ""
    store_id: int | None = None
    region_id: int | None = None

    def can(self, permission: str) -> bool:
        return self.role in rules().permissions.get(permission, {})

    def reach(self, permission: str) -> str:
        """`all`, `region`, `store` or `own`; raises Forbidden without the permission."""
        reach = rules().permissions.get(permission, {}).get(self.role)
        if reach is None:
            raise Forbidden
        return reach

    def store_ids(self, permission: str) -> list[int] | None:
        """Stores whose rows may be seen under a permission; None means every row. Raises Forbidden without it."""
        reach = self.reach(permission)
        if reach == "all":
            return None
        if reach == "region":
            return list(Store.objects.filter(region_id=self.region_id or 0).values_list("pk", flat=True))
        return [self.store_id] if self.store_id else []


def of_user(user: Any) -> Access:
    """The access of a Django user; read fresh each time, so a disabled card is refused on the next request."""
    if not user.is_authenticated or not user.is_active:
        return Access()
    card = prepared.row(_CARD, [user.pk])
    if card is None:
        return Access(user_id=user.pk)
    staff_id, role, store_id, region_id = card
    return Access(user_id=user.pk, staff_id=staff_id, role=role, store_id=store_id, region_id=region_id)


def require_still(user: Any, permission: str) -> None:
    """Work outlives its page: whoever began it must still be allowed to when it runs; None is the house itself. Raises Forbidden."""
    if user is not None:
        of_user(user).reach(permission)


class AccessMiddleware:
    """Decides before any view of a page runs; sets `request.access`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        return decide(request)


def decide(request: HttpRequest) -> HttpResponse | None:
    """None lets a resolved request through to its view; else the refusal. The one gate of pages and of API calls."""
    assert request.resolver_match is not None  # noqa: S101 - called after resolving
    route = request.resolver_match.view_name
    need = rules().need(route)
    door = next((DOORS[name] for name in request.resolver_match.namespaces[:1] if name in DOORS), None)
    if door is not None:
        return door(request, need)
    if need == "public":
        request.access = Access()  # type: ignore[attr-defined]
        return None
    access = of_user(request.user)
    request.access = access  # type: ignore[attr-defined]
    if access.user_id:
        requests.identify(f"user:{access.user_id}")
    if need is not None and access.role and (need == "staff" or access.can(need)):
        return _doubt(request, route)
    if not request.user.is_authenticated and request.method == "GET":
        return redirect_to_login(request.get_full_path(), reverse(settings.LOGIN_URL))
    audit.record("access.refused", object_type="route", object_id=route)
    return problems.forbidden(request)


def _doubt(request: HttpRequest, route: str) -> HttpResponse | None:
    """The role allows it: is it the person, though?"""
    if step_up.must_enrol(request) and route not in ENROLMENT:
        return HttpResponseRedirect(reverse("console:account"))
    if route in rules().step_up and request.method not in SAFE:
        if not step_up.is_fresh(request):
            return step_up.ask(request)
        kept.drop_form(request)  # it goes on now, or another took its place
    return None
