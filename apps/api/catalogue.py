"""Every error code an API call may answer: status, whether to try again, why it happens and what to do. Served as documentation.

Titles stand beside the rules (`DomainError.title`); a test compares code and status with them and finds codes that are missing.
"""

from functools import cache
from typing import Any

from django.utils.translation import gettext as _

from apps.api.entries import frame, groups, members, sales, tickets, visits
from apps.api.entries.entry import Entry
from apps.core.errors import DomainError
from apps.coupons.errors import REASONS

ENTRIES: tuple[Entry, ...] = (
    *frame.ENTRIES,
    *groups.ENTRIES,
    *members.ENTRIES,
    *sales.ENTRIES,
    *tickets.ENTRIES,
    *visits.ENTRIES,
)
_BY_CODE = {entry.code: entry for entry in ENTRIES}


def entry(code: str) -> Entry:
    """Raises KeyError for a code that is not in the catalogue."""
    return _BY_CODE[code]


@cache
def rules() -> dict[str, type[DomainError]]:
    """The exception behind each code; of several with one code the frame's own, else the last by name of its module."""
    known: list[type[DomainError]] = []
    waiting: list[type[DomainError]] = [DomainError]
    while waiting:
        rule = waiting.pop()
        waiting += rule.__subclasses__()
        known.append(rule)
    known.sort(key=lambda rule: (rule.__module__ == "apps.api.errors", rule.__module__, rule.__name__))
    return {rule.code: rule for rule in known if rule.__module__.startswith("apps.")}


def title(code: str) -> str:
    """In the present language; placeholders stay."""
    rule = rules().get(code)
    return str(rule.title) if rule else str(REASONS.get(code, ""))


def example(code: str) -> dict[str, Any]:
    """A problem document of this code."""
    one = entry(code)
    more: dict[str, Any] = {"retry_after": 7} if code in {"rate_limited", "maintenance"} else {}
    if code == "validation_failed":
        message = _("There is no such field.")
        more = {"errors": [{"pointer": "/nickname", "code": "unknown_field", "message": message}]}
    return {
        "type": f"/problems/{code}",
        "title": title(code) % more if "retry_after" in more else title(code),
        "status": one.status,
        "code": code,
        "retryable": one.is_retryable,
        "request_id": "req_8sKd0fQ2xYzA",
        "doc": f"/api/docs/errors#{code}",
        **more,
    }
