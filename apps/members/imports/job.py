"""The import as a job."""

from typing import Any

from apps.core import jobs
from apps.core.files import work
from apps.core.models import Job
from apps.members.imports.run import run

KIND = "members.import"


@jobs.runner(KIND)
def import_file(job: Job) -> dict[str, Any]:
    return work.take_in(job, run=run, name="members")
