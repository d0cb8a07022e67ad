"""The import as a job: started on a page, run by a worker, paused or stopped between chunks."""

from pathlib import Path
from typing import Any

from apps.core import jobs
from apps.core.files.progress import Progress, in_rows
from apps.core.models import Job
from apps.orders.imports.run import run

KIND = "orders.import"


@jobs.runner(KIND)
def import_file(job: Job) -> dict[str, Any]:
    """Params: `path`, `file_name`, `is_live`, `dry_run`, `source`. The rejected rows become the job's result file."""

    def show(now: Progress) -> None:
        done, total = in_rows(now, writes=not job.params.get("dry_run"))
        jobs.report(job, done=done, total=total, bad=now.bad)

    result = run(
        path=Path(job.params["path"]),
        file_name=job.params.get("file_name", ""),
        source=job.params.get("source") or "import",
        is_live=bool(job.params.get("is_live")),
        dry_run=bool(job.params.get("dry_run")),
        job_id=job.pk,
        rejected_to=lambda: jobs.result_path(f"import-{job.pk}-rejected.csv"),
        progress=show,
    )
    result["rejected_file"] = Path(result["rejected_file"]).name
    if result["rejected_file"]:
        Job.objects.filter(pk=job.pk).update(result_file=result["rejected_file"])
    return result
