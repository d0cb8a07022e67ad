"""How the house's queues stand: what waits, for how long, how fast it goes, and when the scheduled work last ran."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from apps.core.health import WORKER_SILENT_AFTER

LATE_AFTER = timedelta(minutes=5)
RATE_WINDOW = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Queue:
    """`waiting` pieces of work; the oldest has been due for `oldest`; `per_minute` is None where nobody counts."""

    key: str
    waiting: int
    oldest: timedelta | None = None
    per_minute: int | None = None

    @property
    def is_late(self) -> bool:
        return self.oldest is not None and self.oldest > LATE_AFTER


@dataclass(frozen=True, kw_only=True)
class Health:
    queues: tuple[Queue, ...]
    parked: int
    worker_at: datetime | None
    is_worker_silent: bool
    refreshed_at: datetime | None
    refresh_seconds: float | None

    @property
    def late(self) -> tuple[Queue, ...]:
        return tuple(queue for queue in self.queues if queue.is_late)


_STATE = """
select
  (select count(*) from events_event where finished_at is null and parked_at is null) as outbox,
  (select min(created_at) from events_event where finished_at is null and parked_at is null) as outbox_oldest,
  (select count(*) from events_event where finished_at is null and parked_at is not null) as parked,
  (select count(*) from care_touch where state = 'planned' and send_at <= %(moment)s) as due,
  (select min(send_at) from care_touch where state = 'planned' and send_at <= %(moment)s) as due_oldest,
  (select count(*) from care_touch where state in ('sending', 'unknown')) as open,
  (select min(lease_until) from care_touch where state in ('sending', 'unknown')) as open_oldest,
  (select count(*) from core_job where state in ('queued', 'running')) as jobs,
  (select min(created_at) from core_job where state = 'queued') as jobs_oldest,
  (select at from core_heartbeat where name = 'worker') as worker_at
"""
_REFRESH = (
    "select finished_at, seconds from segments_refreshrun where finished_at is not null order by as_of desc limit 1"
)
_RATE = """
select coalesce(sum((value)::bigint), 0) from core_taskrun, jsonb_each_text(figures)
where task = 'care.drain' and started_at > %s and key in ('sent', 'delivered') and value ~ '^[0-9]{1,12}$'
"""


def health(*, moment: datetime) -> Health:
    """Three statements, whatever the size."""
    with connection.cursor() as cursor:
        cursor.execute(_STATE, {"moment": moment})
        state: dict[str, Any] = dict(
            zip([column.name for column in cursor.description], cursor.fetchone(), strict=True)
        )
        cursor.execute(_RATE, [moment - RATE_WINDOW])
        sent = int(cursor.fetchone()[0])
        cursor.execute(_REFRESH)
        refreshed_at, seconds = cursor.fetchone() or (None, None)
    queues = (
        Queue(key="outbox", waiting=state["outbox"], oldest=_age(state["outbox_oldest"], moment)),
        Queue(
            key="care",
            waiting=state["due"],
            oldest=_age(state["due_oldest"], moment),
            per_minute=round(sent / (RATE_WINDOW.total_seconds() / 60)),
        ),
        Queue(key="unknown", waiting=state["open"], oldest=_age(state["open_oldest"], moment)),
        Queue(key="jobs", waiting=state["jobs"], oldest=_age(state["jobs_oldest"], moment)),
    )
    worker_at = state["worker_at"]
    return Health(
        queues=queues,
        parked=state["parked"],
        worker_at=worker_at,
        is_worker_silent=worker_at is None or moment - worker_at > WORKER_SILENT_AFTER,
        refreshed_at=refreshed_at,
        refresh_seconds=seconds,
    )


def _age(since: datetime | None, moment: datetime) -> timedelta | None:
    return None if since is None else max(moment - since, timedelta(0))
