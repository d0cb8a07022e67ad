"""Members were invited into a group: care decides about all of them at once, by the gate."""

from apps.care import planning
from apps.care.models import Version
from apps.core import clock
from apps.events.models import Event


def hand_over(event: Event) -> None:
    """The event says only that somebody was: who is due, care reads itself."""
    planning.decide_triggered(trigger=Version.Trigger.GROUP_INVITE, moment=clock.now())
