"""How a page has a code sent: by message, or by a call for whom no message reaches."""

from collections.abc import Callable

from django.http import HttpRequest

from apps.core import requests
from apps.members import codes
from apps.members.codes import CodeSent
from apps.portal import anonymous
from apps.portal.shell import Facts


def sent(request: HttpRequest, ask: Callable[[], CodeSent]) -> Facts:
    """What the page of the code shows. `ask` sends a message; a request that names an earlier ask in `call` is called instead."""
    earlier = request.POST.get("call", "")[:80]
    where = {"network": requests.origin().address, "device": anonymous.of(request)}
    found = codes.call(request_id=earlier, **where) if earlier else ask()
    return {"request_id": found.request_id, "resend_after": found.resend_after, "is_call": bool(earlier)}
