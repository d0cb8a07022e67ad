"""Long work with progress: started at a door, run by a worker, watched on a page, paused or stopped by its owner.

The runner calls `report` between chunks; it obeys pause and stop there. It works in the language of whoever started it, so that the
file it writes and the reason it gives can be read by them. State lives in PostgreSQL; the channel layer only wakes pages.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import structlog
from asgiref.sync import async_to_sync
from celery import current_app
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import translation
from redis.exceptions import RedisError

from apps.core import clock, ids
from apps.core.errors import DomainError, NotFound
from apps.core.models import Job

log = structlog.get_logger("siyu.jobs")
Runner = Callable[[Job], dict[str, Any]]
RUNNERS: dict[str, Runner] = {}
LOST_AFTER = timedelta(minutes=3)


class Stopped(Exception):
    """The owner asked to stop or pause; what was done stays."""


def runner(kind: str) -> Callable[[Runner], Runner]:
    """Register the function that does the work of a kind; it must be repeatable from the start (a lost worker starts it again)."""

    def register(work: Runner) -> Runner:
        RUNNERS[kind] = work
        return work

    return register


def start(*, kind: str, params: dict[str, Any], user_id: int | None) -> Job:
    """Queue a job; a worker takes it after commit."""
    if kind not in RUNNERS:
        raise NotFound(kind=kind)
    language = translation.get_language() or ""
    job = Job.objects.create(kind=kind, params=params, created_by_id=user_id, language=language)
    _wake(job.pk)
    return job


def start_alone(*, kind: str, params: dict[str, Any], user_id: int | None) -> Job:
    """As `start`; while one of the kind waits or runs, that one is answered: two at once would do the same work twice."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext(%s))", [f"job:{kind}"])
        return live(kind) or start(kind=kind, params=params, user_id=user_id)


def live(kind: str) -> Job | None:
    """The newest job of a kind that waits or runs."""
    return Job.objects.filter(kind=kind, state__in=[Job.State.QUEUED, Job.State.RUNNING]).order_by("-pk").first()


def run(*, job_id: int) -> None:
    """Do the work once: the conditional UPDATE lets one worker in."""
    moment = clock.now()
    waiting = Job.objects.filter(pk=job_id, state=Job.State.QUEUED)
    if not waiting.update(state=Job.State.RUNNING, started_at=moment, heartbeat_at=moment, finished_at=None):
        return
    job = Job.objects.get(pk=job_id)
    with translation.override(job.language or settings.LANGUAGE_CODE):
        _do(job)


def _do(job: Job) -> None:
    try:
        result = RUNNERS[job.kind](job)
    except Stopped:
        paused = job.wish == Job.Wish.PAUSE
        _finish(job.pk, state=Job.State.PAUSED if paused else Job.State.STOPPED)
    except DomainError as refusal:
        _finish(job.pk, state=Job.State.FAILED, error_code=refusal.code, error=str(refusal))
    except Exception:
        log.exception("job failed", job_id=job.pk, kind=job.kind)
        _finish(job.pk, state=Job.State.FAILED, error_code="server_error", error="")
    else:
        _finish(job.pk, state=Job.State.DONE, result=result)


def report(job: Job, *, done: int, total: int | None = None, bad: int | None = None) -> None:
    """Show progress (never backwards) and obey the owner. Raises Stopped on pause or stop."""
    job.done = max(job.done, done)
    job.total = total if total is not None else job.total
    job.bad = bad if bad is not None else job.bad
    job.heartbeat_at = clock.now()
    job.save(update_fields=["done", "total", "bad", "heartbeat_at"])
    notify(job.pk)
    job.refresh_from_db(fields=["wish"])
    if job.wish:
        raise Stopped


def wish(*, job_id: int, wish: str) -> Job:
    """Pause or stop a job that is queued or running; `""` lets a paused one go on."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job_id)
        if wish == Job.Wish.NONE and job.state == Job.State.PAUSED:
            job.state, job.wish = Job.State.QUEUED, Job.Wish.NONE
            _wake(job.pk)
        elif wish and job.state in {Job.State.QUEUED, Job.State.RUNNING}:
            job.wish = wish
            if job.state == Job.State.QUEUED:
                job.state = Job.State.PAUSED if wish == Job.Wish.PAUSE else Job.State.STOPPED
        elif wish == Job.Wish.STOP and job.state == Job.State.PAUSED:
            job.state, job.wish, job.finished_at = Job.State.STOPPED, Job.Wish.STOP, clock.now()
        job.save(update_fields=["state", "wish", "finished_at"])
    notify(job_id)
    return job


def rescue() -> int:
    """Queue jobs again whose worker gave no sign for three minutes, and wake queued ones. Returns how many."""
    lost = Job.objects.filter(state=Job.State.RUNNING, heartbeat_at__lt=clock.now() - LOST_AFTER)
    lost.update(state=Job.State.QUEUED)
    waiting = list(Job.objects.filter(state=Job.State.QUEUED).values_list("pk", flat=True)[:100])
    for job_id in waiting:
        current_app.send_task("core.run_job", args=[job_id])
    return len(waiting)


def result_path(name: str) -> Path:
    """Where a result file lies; the folder exists after the call."""
    folder = Path(settings.MEDIA_ROOT) / "jobs"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / Path(name).name


def private(path: Path) -> TextIOWrapper:
    """A new text file that only this process's user can read."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")


def notify(job_id: int) -> None:
    """Tell open pages to look again. Losing this costs nothing: pages also poll."""
    layer = get_channel_layer()
    try:
        async_to_sync(layer.group_send)(f"job-{job_id}", {"type": "job.changed"})
    except (RedisError, OSError):
        log.warning("job notice lost", job_id=job_id)


def public_id(job: Job) -> str:
    return ids.encode("job", job.pk)


def _wake(job_id: int) -> None:
    transaction.on_commit(lambda: current_app.send_task("core.run_job", args=[job_id]), robust=True)


def _finish(job_id: int, *, state: str, result: dict[str, Any] | None = None, **error: str) -> None:
    fields: dict[str, Any] = {"state": state, "finished_at": clock.now(), **error}
    if result is not None:
        fields["result"] = result
    if state == Job.State.DONE:
        fields["total"] = F("done")
    Job.objects.filter(pk=job_id).update(**fields)
    notify(job_id)
