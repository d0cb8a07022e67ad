"""Time as a tester wants it: `Test-Clock: 2027-03-01T10:00:00+08:00` holds for one call, from the door to the answer.

Who shows a sandbox key may set it: as their own key, or beside a member's token (or none) under `Sandbox-Key`.
"""

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest

from apps.api import principals
from apps.api.errors import TestClockRefused
from apps.core import clock
from apps.gateways import sandbox

FARTHEST = timedelta(days=3660)


def of(request: HttpRequest) -> AbstractContextManager[Any]:
    """The time of this call. Raises TestClockRefused without a sandbox key, and for what is no time within ten years."""
    given = request.META.get("HTTP_TEST_CLOCK")
    if given is None:
        return nullcontext()
    if not sandbox.is_open() or not _has_key(request):
        raise TestClockRefused
    return clock.frozen(_moment(given))


def _has_key(request: HttpRequest) -> bool:
    own = request.headers.get("Authorization", "").strip().removeprefix("Bearer").strip()
    secret = request.headers.get("Sandbox-Key", own).strip()
    return secret.startswith(("sk_", "dk_")) and principals.find(secret).is_sandbox


def _moment(given: str) -> datetime:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise TestClockRefused from None
    if moment.tzinfo is None or abs(moment - clock.now()) > FARTHEST:
        raise TestClockRefused
    return moment
