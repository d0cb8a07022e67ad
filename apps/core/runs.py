"""Scheduled tasks leave a row per run, so that the job console can show lag, duration and the last error."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from apps.core import clock, jobs
from apps.core.models import Heartbeat, TaskRun


@contextmanager
def recorded(task: str) -> Iterator[dict[str, Any]]:
    """Record one run; put counts into the yielded dict. An error is stored by type only, and raised on.

    Work that its owner stopped half way leaves no row: it is neither a run nor an error.
    """
    figures: dict[str, Any] = {}
    run = TaskRun.objects.create(task=task, started_at=clock.now())
    try:
        yield figures
    except jobs.Stopped:
        run.delete()
        raise
    except Exception as error:
        TaskRun.objects.filter(pk=run.pk).update(finished_at=clock.now(), figures=figures, error=type(error).__name__)
        raise
    TaskRun.objects.filter(pk=run.pk).update(finished_at=clock.now(), figures=figures)


def last(task: str) -> datetime | None:
    """When this task last ended well; None when it never did."""
    ended = TaskRun.objects.filter(task=task, error="", finished_at__isnull=False).order_by("-pk")
    return ended.values_list("finished_at", flat=True).first()


def beat(name: str) -> None:
    Heartbeat.objects.update_or_create(name=name, defaults={"at": clock.now()})
