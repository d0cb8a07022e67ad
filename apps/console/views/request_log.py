"""What programs, tills and members asked of the API in the last seven days: by ids, never by name."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from apps.analytics import keyset
from apps.console import asked
from apps.core import ids
from apps.core.errors import NotFound
from apps.core.models import RequestLine
from apps.stores import credentials

PREFIX = "rql"
OUTCOMES = {
    "ok": (gettext_lazy("Succeeded"), Q(status__lt=400)),
    "refused": (gettext_lazy("Refused (4xx)"), Q(status__gte=400, status__lt=500)),
    "limited": (gettext_lazy("Too many (429)"), Q(status=429)),
    "failed": (gettext_lazy("Our fault (5xx)"), Q(status__gte=500)),
}
PEOPLE = {
    "members": (gettext_lazy("All members"), Q(actor__startswith="user:")),
    "nobody": (gettext_lazy("Nobody known"), Q(actor="")),
}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    keys = _keys()
    wanted = {
        "who": asked.one_of(request, name="who", allowed={**keys, **PEOPLE}),
        "outcome": asked.one_of(request, name="outcome", allowed=OUTCOMES),
        "path": _text(request, "path"),
        "id": _text(request, "id"),
    }
    cursor = keyset.read(request.GET.get("at", ""), kinds=[int])
    rows = _narrowed(wanted)
    if cursor:
        rows = rows.filter(pk__gt=cursor.key[0]) if cursor.is_back else rows.filter(pk__lt=cursor.key[0])
    found = list(rows.order_by("id" if cursor and cursor.is_back else "-id").values()[: keyset.SIZE + 1])
    page = keyset.page(found, cursor=cursor, key=["id"])
    facts = {
        "rows": [_shown(row, keys) for row in page.rows],
        "wanted": wanted,
        "is_narrowed": any(wanted.values()),
        "callers": _options({**keys, **{name: text for name, (text, _q) in PEOPLE.items()}}, wanted["who"]),
        "outcomes": _options({name: text for name, (text, _q) in OUTCOMES.items()}, wanted["outcome"]),
        **asked.pager(request, page),
    }
    return render(request, "console/request_log.html", facts)


@require_safe
def line(request: HttpRequest, line: str) -> HttpResponse:
    row = RequestLine.objects.filter(pk=ids.decode(PREFIX, line)).values().first()
    if row is None:
        raise NotFound
    same = RequestLine.objects.filter(request_id=row["request_id"]).exclude(pk=row["id"]).order_by("-id").values()[:20]
    keys = _keys()
    facts = {"row": _shown(row, keys), "same": [_shown(one, keys) for one in same]}
    return render(request, "console/request_line.html", facts)


def _narrowed(wanted: dict[str, str]) -> QuerySet[RequestLine]:
    rows = RequestLine.objects.all()
    if wanted["who"]:
        rows = rows.filter(PEOPLE[wanted["who"]][1] if wanted["who"] in PEOPLE else Q(actor=wanted["who"]))
    if wanted["outcome"]:
        rows = rows.filter(OUTCOMES[wanted["outcome"]][1])
    if wanted["path"]:
        rows = rows.filter(
            route__in=[name for name, path in _paths().items() if wanted["path"].lower() in path.lower()]
        )
    if wanted["id"]:
        rows = rows.filter(request_id=wanted["id"])
    return rows


def _shown(row: Mapping[str, Any], keys: dict[str, str]) -> dict[str, Any]:
    return {
        **row,
        "public_id": ids.encode(PREFIX, row["id"]),
        "who": keys.get(row["actor"]) or _person(row["actor"]),
        "path": _paths().get(row["route"], ""),
        "grade": "bad" if row["status"] >= 500 else "warn" if row["status"] >= 400 else "ok",
    }


def _person(actor: str) -> str:
    """Members by the number of their account: names stand on their own page, behind its own permission."""
    if not actor:
        return _("Nobody known")
    kind, _colon, key = actor.partition(":")
    return _("Member, account %(key)s") % {"key": key} if kind == "user" else actor


def _keys() -> dict[str, str]:
    """Actor → the key's name and last four characters, revoked ones too."""
    return {
        f"{kind}:{key.id}": f"{key.name} …{key.last_four}"
        for kind in credentials.KINDS
        for key in credentials.listed(kind)
    }


@cache
def _paths() -> dict[str, str]:
    """Route name → path with its placeholders: "api:order" → "/api/v1/orders/{order}"."""
    return dict(_walked(get_resolver().url_patterns, "/", ""))


def _walked(patterns: Iterable[Any], prefix: str, namespace: str) -> Iterable[tuple[str, str]]:
    for entry in patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver) and entry.namespace == "api":
            yield from _walked(entry.url_patterns, path, "api:")
        elif isinstance(entry, URLPattern) and namespace:
            yield f"{namespace}{entry.name}", path.replace("<str:", "{").replace(">", "}")


def _options(choices: dict[str, Any], chosen: str) -> list[tuple[str, Any, bool]]:
    return [("", _("All"), not chosen), *((value, text, value == chosen) for value, text in choices.items())]


def _text(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").strip()[:64].replace("\0", "")
