"""The job console's figures: scheduled work, facts in the outbox, parked facts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Min

from apps.events.models import Event


@dataclass(frozen=True, kw_only=True)
class Task:
    """The last run of a scheduled task."""

    name: str
    started_at: datetime
    took: timedelta | None = None
    figures: dict[str, Any] | None = None
    error: str = ""

    @property
    def is_running(self) -> bool:
        return self.took is None and not self.error


def tasks(*, names: Sequence[str]) -> list[Task]:
    """One index look-up per task, in one statement. Tasks without a run on record are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            """select n.task, r.started_at, r.finished_at, r.figures::text, r.error
               from unnest(%s::text[]) with ordinality n (task, place)
               left join lateral (select * from core_taskrun t where t.task = n.task order by t.id desc limit 1) r on true
               order by n.place""",
            [list(names)],
        )
        rows = cursor.fetchall()
    return [
        Task(
            name=name,
            started_at=started,
            took=finished - started if finished else None,
            figures=json.loads(figures) if figures else {},
            error=error or "",
        )
        for name, started, finished, figures, error in rows
        if started
    ]


def open_facts() -> Sequence[Mapping[str, Any]]:
    """Facts still owed a step, by name, with the age of the oldest."""
    rows = Event.objects.filter(finished_at=None, parked_at=None)
    return list(rows.values("name").annotate(count=Count("pk"), oldest=Min("created_at")).order_by("-count", "name"))


def parked(*, limit: int) -> list[Event]:
    return list(Event.objects.filter(finished_at=None, parked_at__isnull=False).order_by("-parked_at", "-id")[:limit])


def parked_ids(*, limit: int = 1000) -> list[int]:
    rows = Event.objects.filter(finished_at=None, parked_at__isnull=False).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:limit])
