"""Steps of the program: on top of each friend, something once so many of them count; taken back when fewer do."""

from apps.core import clock
from apps.events import services as events
from apps.members import selectors as members
from apps.referral.models import Credit, Program, Step

REACHED, LOST = "referral.step_reached", "referral.step_lost"


def count_anew(*, advocate_id: int, terms: Program) -> None:
    """A friend counts, or does not any more; the advocate's row is locked, or their credit. What was promised stays as it was."""
    owner = members.current_id(advocate_id)
    family = members.family(owner)
    friends = Credit.objects.filter(advocate_id__in=family, stage=Credit.Stage.KEPT).count()
    there = {row.friends: row for row in Step.objects.select_for_update().filter(advocate_id__in=family).order_by("pk")}
    for row in there.values():
        if row.lost_at is None and row.friends > friends:
            row.lost_at = clock.now()
            row.save(update_fields=["lost_at"])
            _tell(LOST, row, owner)
        elif row.lost_at is not None and row.friends <= friends:
            row.lost_at, row.reached_at, row.times = None, clock.now(), row.times + 1
            row.save(update_fields=["lost_at", "reached_at", "times"])
            _tell(REACHED, row, owner)
    for step in terms.steps if terms.is_on else []:
        if step["friends"] <= friends and step["friends"] not in there:
            fields = {"points": step["points"], "reached_at": clock.now()}
            row, is_new = Step.objects.get_or_create(advocate_id=owner, friends=step["friends"], defaults=fields)
            if is_new:
                _tell(REACHED, row, owner)


def _tell(name: str, row: Step, owner: int) -> None:
    events.publish(name, key=f"{row.pk}:{row.times}", lane=f"member:{owner}", step_id=row.pk, times=row.times)
