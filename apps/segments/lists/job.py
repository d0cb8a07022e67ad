"""A file into a list, as a job."""

from typing import Any

from apps.core import jobs, requests
from apps.core.files import work
from apps.core.models import Job
from apps.segments.lists.run import Wanted, run
from apps.stores import access

KIND = "segments.upload"
PERMISSION = "segments.edit"


@jobs.runner(KIND)
def upload(job: Job) -> dict[str, Any]:
    """Params beside those of every file: `how`, and `segment_id` or `key` and `name` of a new list."""
    access.require_still(job.created_by, PERMISSION)
    wanted = Wanted(
        how=job.params["how"],
        segment_id=job.params.get("segment_id"),
        key=job.params.get("key", ""),
        name=job.params.get("name", ""),
        by_user_id=job.created_by_id,
    )
    with requests.acting(actor=f"user:{job.created_by_id}"):
        return work.take_in(job, run=run, name="list", wanted=wanted)
