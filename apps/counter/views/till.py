"""The page of a till, its lock, and the sign of life that tells it whether the network is there."""

import json
from base64 import b64decode
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import ValidationFailed
from apps.counter import amounts, door, screens
from apps.counter.views import wechat
from apps.coupons import codes
from apps.flows import checkout
from apps.flows.models import Checkout
from apps.gateways.wechat_pages import LIBRARY
from apps.stores import pins, shifts, tills


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Locked or open, always the same page: what is on it is fetched by its script."""
    till, shift = request.till, request.shift  # type: ignore[attr-defined]
    facts = frame(request) | {"shift": shift, "people": pins.people(store_id=till.store_id), **_newest(request)}
    is_lent = wechat.is_lent(request)
    answer = render(request, "counter/till.html", facts | {"wechat_host": LIBRARY if is_lent else ""})
    answer["Cache-Control"] = "no-store"
    if is_lent:
        answer._csp_update = {"script-src": [LIBRARY]}  # type: ignore[attr-defined]  # as csp.decorators.csp_update does
    return answer


def frame(request: HttpRequest) -> dict[str, Any]:
    """What the page of a till needs, whoever is at it."""
    return {
        "till": request.till,  # type: ignore[attr-defined]
        "coupon_shapes": json.dumps(codes.shapes()),
        "locks_after": int(shifts.LOCKS_AFTER.total_seconds()),
    }


@require_safe
def pulse(request: HttpRequest) -> HttpResponse:
    """The till is still one. `?active=1`: the clerk has touched the screen since the last time. Tells whether somebody is at it, and,
    asked with `?token=1`, what a page that was kept for lack of a network sends with its forms."""
    shift = request.shift  # type: ignore[attr-defined]
    if shift is not None and request.GET.get("active") == "1":
        shifts.touch(shift)
    answer = HttpResponse(status=204)
    answer["X-Shift"] = str(shift.pk) if shift else ""
    if request.GET.get("token") == "1":
        answer["X-Token"] = get_token(request)
    answer["Cache-Control"] = "no-store"
    return answer


@screens.act
def unlock(request: HttpRequest) -> HttpResponse:
    till = request.till  # type: ignore[attr-defined]
    staff = pins.check(
        staff_id=amounts.whole(screens.posted(request, "staff")),
        pin=screens.posted(request, "pin"),
        device_id=till.device_id,
        store_id=till.store_id,
    )
    request.shift = shifts.begin(device_id=till.device_id, staff_id=staff.pk)  # type: ignore[attr-defined]
    return idle(request)


@require_POST
def lock(request: HttpRequest) -> HttpResponse:
    """By hand, or because nobody touched the screen for two minutes."""
    till = request.till  # type: ignore[attr-defined]
    shifts.lock(device_id=till.device_id)
    facts = {"till": till, "people": pins.people(store_id=till.store_id)}
    return screens.part(request, "_lock.html", facts, place="lock")


@require_POST
def ready(request: HttpRequest) -> HttpResponse:
    """The first screen anew: for the next customer."""
    return idle(request)


def idle(request: HttpRequest) -> HttpResponse:
    answer = screens.part(request, "_idle.html", _newest(request), place="view")
    shift = request.shift  # type: ignore[attr-defined]
    answer["X-Shift"] = str(shift.pk)
    return answer


@require_POST
def scan_key(request: HttpRequest) -> HttpResponse:
    """The public half of the key that this browser made for itself."""
    try:
        key = b64decode(screens.posted(request, "key", 400), validate=True)
    except ValueError:
        raise ValidationFailed(errors=[{"pointer": "/key", "code": "invalid", "message": "base64"}]) from None
    tills.keep_scan_key(device_id=door.till_id(request), public_key=key)
    return HttpResponse(status=204)


def _newest(request: HttpRequest) -> dict[str, Any]:
    shift = request.shift  # type: ignore[attr-defined]
    if shift is None:
        return {}
    last = checkout.last_of(shift_id=shift.pk)
    return {
        "shift": shift,
        "sales": Checkout.objects.filter(shift=shift, undone_at=None).count(),
        "last": last[0] if last else None,
        "clerk": shift.staff,
    }
