"""A set of notices of bookings has fallen due: care decides about everybody in it at once, by the gate."""

from apps.care import planning
from apps.care.models import Version
from apps.core import clock
from apps.events.models import Event


def hand_over(event: Event) -> None:
    planning.decide_triggered(trigger=Version.Trigger.BOOKING_NOTICE, moment=clock.now(), notice=event.payload["kind"])
