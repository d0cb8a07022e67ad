"""The import as a job."""

from typing import Any

from apps.core import jobs
from apps.core.files import work
from apps.core.models import Job
from apps.members.imports.run import run
from apps.stores import access

KIND = "members.import"


@jobs.runner(KIND)
def import_file(job: Job) -> dict[str, Any]:
    only = bool(job.params.get("openings_only"))
    access.require_still(job.created_by, "points.openings" if only else "members.import")
    return work.take_in(job, run=run, name="members", openings_only=only)
