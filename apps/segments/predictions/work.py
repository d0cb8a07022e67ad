"""Fitting and scoring as work of a worker. The commands carry the libraries; nothing here imports them."""

from typing import Any

from django.core.management import call_command

from apps.core import jobs, requests, runs
from apps.core.models import Job

KIND = "segments.fit_predictions"
SCORE = "segments.score_members"


@jobs.runner(KIND)
def run(job: Job) -> dict[str, Any]:
    """A new version, then everybody's predictions by the active one."""
    jobs.report(job, done=0, total=2)
    with requests.acting(actor=f"user:{job.created_by_id}" if job.created_by_id else "system"):
        fit()
        jobs.report(job, done=1, total=2)
        score()
    jobs.report(job, done=2, total=2)
    return {}


def fit() -> None:
    with runs.recorded(KIND):
        call_command("fit_predictions", quiet=True)


def score() -> None:
    with runs.recorded(SCORE):
        call_command("score_members", quiet=True)
