"""What a paid order sets off, top to bottom.

`reward` gives points and growth by the rules; `progress` counts achievements; `refresh` brings the member's stats and life stage up
to date; the care run that follows every hour reads them.
"""

from apps.core import clock
from apps.events.models import Event
from apps.members import selectors as members
from apps.points import achievements, awards
from apps.segments import refresh as stats


def reward(event: Event) -> None:
    awards.for_order(order_id=event.payload["order_id"], moment=clock.now())


def progress(event: Event) -> None:
    achievements.for_order(order_id=event.payload["order_id"], moment=clock.now())


def refresh(event: Event) -> None:
    stats.refresh_members(member_ids=[members.current_id(event.payload["member_id"])], moment=clock.now())
