"""What time does: streams that never began or never ended, reminders that fall due, pieces nobody came for."""

from datetime import datetime, timedelta

from django.db import transaction

from apps.core import clock
from apps.core.errors import DomainError
from apps.events import services as events
from apps.livestream import joining, planning, watching
from apps.livestream.models import Reminder, Stream

REMINDER_DUE = "livestream.reminder_due"
BEFORE = {Reminder.Kind.DAY: timedelta(hours=24), Reminder.Kind.QUARTER: timedelta(minutes=15)}
# How late a set may still be told: a day's notice some hours short of it, the last one until it begins.
STILL_WORTH = {Reminder.Kind.DAY: timedelta(hours=6), Reminder.Kind.QUARTER: timedelta(minutes=15)}
OVERRUN = timedelta(hours=3)
State = Stream.State


def sweep() -> dict[str, int]:
    """Once a minute. Repeatable; each set of reminders is told once."""
    moment = clock.now()
    return {
        "expired": _turned(State.PLANNED, State.EXPIRED, before=moment),
        "ended": _turned(State.LIVE, State.ENDED, before=moment - OVERRUN),
        "reminders": remind_due(moment=moment),
        "missed": joining.miss(today=clock.local_date(moment)),
        "watched": watching.read_lately(moment=moment),
    }


def remind_due(*, moment: datetime) -> int:
    """One fact per set that is due: `livestream.reminder_due` with stream and kind. Returns how many sets."""
    told = 0
    for kind, before in BEFORE.items():
        coming = Stream.objects.filter(
            state=State.PLANNED, starts_at__gt=moment, starts_at__lte=moment + before,
            starts_at__gte=moment + before - STILL_WORTH[kind],
        )  # fmt: skip
        told += sum(_tell(pk, kind=kind, moment=moment) for pk in coming.values_list("pk", flat=True))
    return told


@transaction.atomic
def _tell(stream_id: int, *, kind: Reminder.Kind, moment: datetime) -> int:
    """Under the stream's lock: who moves it waits, and the beginning that is told is the one that stands."""
    stream = Stream.objects.select_for_update().get(pk=stream_id)
    due_at = stream.starts_at - BEFORE[kind]
    if stream.state != State.PLANNED or not due_at <= moment < stream.starts_at:
        return 0
    row, is_new = Reminder.objects.get_or_create(
        stream=stream, kind=kind, starts_at=stream.starts_at, defaults={"due_at": due_at, "told_at": moment}
    )
    if is_new:
        events.publish(REMINDER_DUE, key=str(row.pk), stream_id=stream_id, kind=str(kind), reminder_id=row.pk)
    return int(is_new)


def _turned(was: str, to: str, *, before: datetime) -> int:
    late = Stream.objects.filter(state=was, ends_at__lte=before).values_list("pk", flat=True)
    return sum(_try(pk, to) for pk in list(late))


def _try(stream_id: int, to: str) -> int:
    try:
        return int(planning.turn(stream_id=stream_id, to=to).state == to)
    except DomainError:  # somebody was faster
        return 0
