"""Whose code was shown."""

from datetime import datetime

from apps.flows.checkout import Desk
from apps.members import member_codes


def read(code: str, *, desk: Desk, moment: datetime | None = None) -> member_codes.Seen:
    """Use a member's code up, as it was at `moment`. Raises what `member_codes.read` does."""
    where = member_codes.Where(store_id=desk.store_id, device_id=desk.device_id, staff_id=desk.staff_id)
    return member_codes.read(code=code, at=where, moment=moment)


def wished(seen: member_codes.Seen) -> int:
    """The coupon that the member chose before they showed the code; 0 for none. A wish is no right."""
    kind, _colon, number = seen.wish.partition(":")
    return int(number) if kind == "coupon" and number.isascii() and number.isdigit() else 0
