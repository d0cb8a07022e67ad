"""What a screen has seen, signed for this till alone and good for ten minutes: acts name a ticket, never a member."""

from dataclasses import dataclass
from typing import Any

from django.core import signing

from apps.counter.errors import SeenOver
from apps.flows.checkout import Desk

SALT, GOOD_FOR = "counter.ticket", 600  # seconds


@dataclass(frozen=True)
class Member:
    """`is_present`: they showed their code."""

    member_id: int
    is_present: bool


def for_member(*, desk: Desk, member_id: int, is_present: bool) -> str:
    return _signed(desk, "member", [member_id, is_present])


def member(text: str, *, desk: Desk) -> Member:
    """Raises SeenOver."""
    member_id, is_present = _opened(text, desk, "member")
    return Member(member_id, is_present)


def for_gift(*, desk: Desk, exchange_id: int) -> str:
    return _signed(desk, "gift", exchange_id)


def gift(text: str, *, desk: Desk) -> int:
    """Raises SeenOver."""
    return int(_opened(text, desk, "gift"))


def _signed(desk: Desk, kind: str, what: Any) -> str:
    return signing.dumps([kind, desk.device_id, what], salt=SALT, compress=True)


def _opened(text: str, desk: Desk, kind: str) -> Any:
    try:
        named, device_id, what = signing.loads(text, salt=SALT, max_age=GOOD_FOR)
    except (signing.BadSignature, ValueError, TypeError):
        raise SeenOver from None
    if (named, device_id) != (kind, desk.device_id):
        raise SeenOver
    return what
