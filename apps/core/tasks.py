"""Celery doors of core."""

from celery import shared_task

from apps.core import jobs, runs


@shared_task(name="core.run_job")
def run_job(job_id: int) -> None:
    jobs.run(job_id=job_id)


@shared_task(name="core.beat")
def beat() -> None:
    """Sent by beat, run by a worker: one row proves both are alive."""
    runs.beat("worker")
    jobs.rescue()
