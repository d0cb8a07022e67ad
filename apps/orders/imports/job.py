"""The import as a job; of its params `is_live` is the orders' own."""

from typing import Any

from apps.core import jobs
from apps.core.files import work
from apps.core.models import Job
from apps.orders.imports.run import run
from apps.stores import access

KIND = "orders.import"


@jobs.runner(KIND)
def import_file(job: Job) -> dict[str, Any]:
    access.require_still(job.created_by, "imports.run")
    return work.take_in(job, run=run, name="import", is_live=bool(job.params.get("is_live")))
