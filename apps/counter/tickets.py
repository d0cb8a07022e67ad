"""What a screen has seen, signed for this till alone and good for ten minutes: acts name a ticket, never a member."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing

from apps.core import clock
from apps.counter.errors import SeenOver
from apps.flows.checkout import Desk

SALT, GOOD_FOR, SKEW = "counter.ticket", 600, 120  # seconds; SKEW: by which a till's clock may be behind


@dataclass(frozen=True)
class Member:
    """`is_present`: they showed their code."""

    member_id: int
    is_present: bool


def for_member(*, desk: Desk, member_id: int, is_present: bool) -> str:
    return _signed(desk, "member", [member_id, is_present])


def member(text: str, *, desk: Desk, moment: datetime | None = None) -> Member:
    """Whom this till saw in the ten minutes before `moment`. Raises SeenOver."""
    member_id, is_present = _opened(text, desk, "member", moment)
    return Member(member_id, is_present)


def for_gift(*, desk: Desk, exchange_id: int) -> str:
    return _signed(desk, "gift", exchange_id)


def gift(text: str, *, desk: Desk) -> int:
    """Raises SeenOver."""
    return int(_opened(text, desk, "gift"))


def for_handed(*, desk: Desk, exchange_id: int, at: datetime) -> str:
    """Names one hand-over of a gift, not the next one of the same gift."""
    return _signed(desk, "handed", [exchange_id, at.isoformat()])


def handed(text: str, *, desk: Desk) -> tuple[int, datetime]:
    """Raises SeenOver."""
    exchange_id, at = _opened(text, desk, "handed")
    return int(exchange_id), datetime.fromisoformat(at)


def _signed(desk: Desk, kind: str, what: Any) -> str:
    return signing.dumps([kind, desk.device_id, what, clock.now().timestamp()], salt=SALT, compress=True)


def _opened(text: str, desk: Desk, kind: str, moment: datetime | None = None) -> Any:
    try:
        named, device_id, what, at = signing.loads(text, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise SeenOver from None
    age = (moment or clock.now()).timestamp() - at
    if (named, device_id) != (kind, desk.device_id) or not -SKEW <= age <= GOOD_FOR:
        raise SeenOver
    return what
