"""What a file of members sets off: the points, growth and tiers they bring along are taken over by a job."""

from apps.core import jobs
from apps.events.models import Event
from apps.points import openings


def take_openings(event: Event) -> None:
    if openings.waiting():
        jobs.start_alone(kind=openings.KIND, params={}, user_id=None)
