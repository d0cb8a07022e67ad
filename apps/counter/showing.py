"""Whose code was shown."""

from datetime import datetime

from apps.flows.checkout import Desk
from apps.members import member_codes


def member_of(code: str, *, desk: Desk, moment: datetime | None = None) -> int:
    """Use a member's code up, as it was at `moment`. Raises what `member_codes.read` does."""
    where = member_codes.Where(store_id=desk.store_id, device_id=desk.device_id, staff_id=desk.staff_id)
    return member_codes.read(code=code, at=where, moment=moment).member_id
