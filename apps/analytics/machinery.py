"""Scheduled work as the job console shows it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection


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
