"""What a file of members sets off: the points, growth, tiers and coupons they bring along are handed in for who began the import, and
taken over by a job once they may be. A file that came through the shell waits until somebody hands it in."""

from apps.coupons import openings
from apps.events.models import Event
from apps.members.models import MemberImport
from apps.points import bringing


def take_openings(event: Event) -> None:
    record = MemberImport.objects.select_related("job").get(pk=event.payload["import_id"])
    if record.job is not None and record.job.created_by_id is not None:
        bringing.hand_in(import_id=record.pk, user_id=record.job.created_by_id)


def take_coupons(event: Event) -> None:
    record = MemberImport.objects.select_related("job").get(pk=event.payload["import_id"])
    if record.job is not None and record.job.created_by_id is not None:
        openings.hand_in(import_id=record.pk, user_id=record.job.created_by_id)
