"""What a refund sets off, top to bottom.

`refresh` takes the money out of the stats; a stage that changes by it is a correction and triggers no care.
"""

from apps.core import clock
from apps.events.models import Event
from apps.members import selectors as members
from apps.segments import refresh as stats


def refresh(event: Event) -> None:
    stats.refresh_members(member_ids=[members.current_id(event.payload["member_id"])], moment=clock.now())
