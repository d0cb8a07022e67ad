"""The taking in of a file as a job: started on a page, run by a worker, paused or stopped between chunks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from apps.core import jobs
from apps.core.files.progress import Progress, in_rows
from apps.core.models import Job


def take_in(job: Job, *, run: Callable[..., dict[str, Any]], name: str, **more: Any) -> dict[str, Any]:
    """Call an app's `run` with the job's params `path`, `file_name`, `source`, `dry_run` and with `more`.

    The rejected rows become the job's result file, `<name>-<job>-rejected.csv`.
    """

    def show(now: Progress) -> None:
        done, total = in_rows(now, writes=not job.params.get("dry_run"))
        jobs.report(job, done=done, total=total, bad=now.bad)

    result = run(
        path=Path(job.params["path"]),
        file_name=job.params.get("file_name", ""),
        source=job.params.get("source") or "import",
        dry_run=bool(job.params.get("dry_run")),
        job_id=job.pk,
        rejected_to=lambda: jobs.result_path(f"{name}-{job.pk}-rejected.csv"),
        progress=show,
        **more,
    )
    result["rejected_file"] = Path(result["rejected_file"]).name
    if result["rejected_file"]:
        Job.objects.filter(pk=job.pk).update(result_file=result["rejected_file"])
    return result
