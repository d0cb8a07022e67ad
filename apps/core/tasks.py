"""Celery doors of core."""

from celery import shared_task

from apps.core import approvals, idempotency, jobs, ratelimits, request_lines, runs, seals


@shared_task(name="core.run_job")
def run_job(job_id: int) -> None:
    jobs.run(job_id=job_id)


@shared_task(name="core.beat")
def beat() -> None:
    """Sent by beat, run by a worker: one row proves both are alive."""
    runs.beat("worker")
    jobs.rescue()


@shared_task(name="core.purge_requests")
def purge_requests() -> None:
    """Stored answers older than 24 hours, lines of the request log older than 7 days, and rate windows that are over."""
    with runs.recorded("core.purge_requests") as figures:
        figures.update(answers=idempotency.purge(), windows=ratelimits.purge(), lines=request_lines.purge())


@shared_task(name="core.lapse_approvals")
def lapse_approvals() -> None:
    with runs.recorded("core.lapse_approvals") as figures:
        figures["lapsed"] = approvals.lapse_old()


@shared_task(name=seals.SEAL, ignore_result=True)
def seal_audit() -> None:
    with runs.recorded(seals.SEAL) as figures:
        figures["lines"] = seals.seal()


@shared_task(name=seals.CHECK)
def check_audit() -> None:
    with runs.recorded(seals.CHECK) as figures:
        figures.update(seals.check())
