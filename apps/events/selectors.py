"""What the outbox looks like from outside: the job console reads it."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q

from apps.core import clock
from apps.events.models import Event

LISTED = 50


@dataclass(frozen=True)
class Backlog:
    """Open facts of one name. `oldest_at` is None when all of them are parked."""

    name: str
    waiting: int
    parked: int
    failing: int
    oldest_at: datetime | None


@dataclass(frozen=True)
class Trouble:
    """A fact that failed at least once. `error` names step and error type, never a value."""

    id: int
    name: str
    key: str
    attempts: int
    error: str
    created_at: datetime
    next_try_at: datetime
    parked_at: datetime | None


def lag_seconds() -> float:
    """Age of the oldest fact that is owed a step and not parked; 0 when none is."""
    oldest = Event.objects.filter(finished_at=None, parked_at=None).aggregate(at=Min("created_at"))["at"]
    return max((clock.now() - oldest).total_seconds(), 0.0) if oldest else 0.0


def backlog() -> tuple[Backlog, ...]:
    """Open facts by name; names without any are left out."""
    not_parked = Q(parked_at=None)
    rows = (
        Event.objects.filter(finished_at=None)
        .values("name")
        .annotate(
            waiting=Count("pk", filter=not_parked),
            parked=Count("pk", filter=~not_parked),
            failing=Count("pk", filter=not_parked & ~Q(error="")),
            oldest_at=Min("created_at", filter=not_parked),
        )
        .order_by("name")
    )
    return tuple(Backlog(**row) for row in rows)


def parked(*, limit: int = LISTED) -> tuple[Trouble, ...]:
    """Given up and waiting for somebody to retry them, newest first."""
    return _troubles(Q(parked_at__isnull=False), "-parked_at", limit)


def last_errors(*, limit: int = LISTED) -> tuple[Trouble, ...]:
    """Open facts that failed and will be tried again, next first."""
    return _troubles(Q(parked_at=None) & ~Q(error=""), "next_try_at", limit)


def _troubles(which: Q, order: str, limit: int) -> tuple[Trouble, ...]:
    names = Trouble.__dataclass_fields__
    rows = Event.objects.filter(which, finished_at=None).order_by(order, "pk")[:limit]
    return tuple(Trouble(**{name: getattr(row, name) for name in names}) for row in rows)
