"""What every member page has around it: bottom navigation, unread count, one sentence about what just happened."""

import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.gateways import inbox
from apps.portal import anonymous, sessions

Facts = dict[str, Any]


def page(request: HttpRequest, template: str, facts: Facts, *, at: str = "", status: int = 200) -> HttpResponse:
    """A whole page. `at` is the place in the bottom navigation: home, coupons, orders, inbox or me."""
    visitor = request.member  # type: ignore[attr-defined]
    unread = inbox.unread(visitor.member_id) if visitor else 0
    shown = {"said": sessions.said(request), "unread": unread, "path": _path(request), **facts}
    if visitor:
        shown["places"] = _places(at)
    response = render(request, template, shown, status=status)
    anonymous.mark(request, response)
    return private(response)


def part(request: HttpRequest, template: str, facts: Facts) -> HttpResponse:
    """A piece of a page, for htmx."""
    return private(render(request, template, facts))


def private(response: HttpResponse) -> HttpResponse:
    """For this browser only, asked for anew each time; not `no-store`, so that going back brings a half-filled form back."""
    response["Cache-Control"] = "private, no-cache"
    return response


def _places(at: str) -> list[tuple[str, str, str, bool]]:
    """(href, icon, label, is_current)"""
    return [
        (reverse("portal:home"), "card", pgettext("member pages", "Card"), at == "home"),
        (reverse("portal:coupons"), "ticket", pgettext("member pages", "Coupons"), at == "coupons"),
        (reverse("portal:orders"), "bag", _("Orders"), at == "orders"),
        (reverse("portal:inbox"), "bell", _("Messages"), at == "inbox"),
        (reverse("portal:me"), "user", pgettext("member pages", "Me"), at == "me"),
    ]


def _path(request: HttpRequest) -> str:
    """`/my/orders/order/`: which page it is, without the id of what it shows."""
    route = request.resolver_match.route if request.resolver_match else ""
    return "/" + re.sub(r"<\w+:(\w+)>", r"\1", route)
