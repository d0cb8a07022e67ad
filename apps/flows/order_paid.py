"""What a paid order sets off, top to bottom.

`refresh` brings the member's stats and life stage up to date; the care run that follows every hour reads them.
"""

from apps.core import clock
from apps.events.models import Event
from apps.members import selectors as members
from apps.segments import refresh as stats


def refresh(event: Event) -> None:
    stats.refresh_members(member_ids=[members.current_id(event.payload["member_id"])], moment=clock.now())
