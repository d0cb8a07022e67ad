"""Stores for a member: nearest first when they say where they are, which is kept nowhere."""

import math

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from apps.core import clock
from apps.coupons.models import Coupon
from apps.portal import shell
from apps.portal.shell import Facts
from apps.stores import nearby
from apps.stores.nearby import Point


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    return found_near(request)


def found_near(request: HttpRequest, *, codes: list[str] | None = None, coupon: Coupon | None = None) -> HttpResponse:
    """By name; by distance once the button sent a position, in the body, so that it stands in no address and no log."""
    near = _point(request) if request.method == "POST" else None
    moment = clock.now()
    rows = [
        {
            "store": one,
            "today": nearby.today(one.calendar, moment=moment),
            "is_open": nearby.is_open(one.calendar, moment=moment),
        }
        for one in nearby.find(near=near, codes=codes)
    ]
    facts: Facts = {"rows": rows, "is_near": near is not None, "coupon": coupon}
    return shell.page(request, "portal/stores.html", facts, at="coupons" if coupon else "home")


def _point(request: HttpRequest) -> Point | None:
    """None for what is no place on earth: the list then stands by name."""
    try:
        point = Point(float(request.POST["latitude"]), float(request.POST["longitude"]))
    except (KeyError, ValueError):
        return None
    is_there = math.isfinite(point.latitude) and math.isfinite(point.longitude)
    return point if is_there and abs(point.latitude) <= 90 and abs(point.longitude) <= 180 else None
