"""Bulk calls that are too long to wait for: the items go into a file of a job, a worker takes them in, the result is a file again.

Both files go with the first member they name who is erased, and all go after a week (`flows/job_files.py`).
"""

import json
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import bulk, principals, shapes
from apps.api.errors import ScopeMissing
from apps.api.intake import INTAKES
from apps.api.principals import Principal
from apps.core import clock, ids, jobs, requests
from apps.core.errors import NotFound
from apps.core.models import Job

KIND = "api.bulk"
MOST = 5_000
PREFERENCE = "respond-async"  # RFC 7240
LINES = "application/x-ndjson"
PARAMETER = OpenApiParameter(
    "Prefer",
    {"type": "string"},
    OpenApiParameter.HEADER,
    description="respond-async: answer 202 with a job at once, and take up to 5,000 items",
)


class JobOut(f.Serializer[Any]):
    id = f.CharField()
    kind = f.CharField()
    state = f.CharField(help_text="open list: queued, running, paused, done, failed, stopped")
    done = f.IntegerField()
    total = f.IntegerField(allow_null=True)
    failed = f.IntegerField(help_text="items that were refused")
    eta_seconds = f.IntegerField(allow_null=True, help_text="at the pace so far; null when that is not known")
    result_url = f.CharField(allow_null=True, help_text="for the key that began it, for a week")
    error_code = f.CharField(allow_blank=True)


EXAMPLE = {
    "id": "job_3f8k2m9pq7wxz", "kind": KIND, "state": "running", "done": 4000, "total": 5000, "failed": 2,
    "eta_seconds": 6, "result_url": None, "error_code": "",
}  # fmt: skip
ANSWER = {202: (JobOut, EXAMPLE | {"state": "queued", "done": 0, "total": 5000, "failed": 0, "eta_seconds": None})}


def is_wanted(request: Request | HttpRequest, principal: Principal) -> bool:
    """A till cannot read jobs, so for it the preference is not applied."""
    said = {part.partition(";")[0].strip().lower() for part in request.META.get("HTTP_PREFER", "").split(",")}
    return PREFERENCE in said and principal.kind == "client"


def start(*, intake: str, items: list[Any], principal: Principal) -> Job:
    """Queue the items; call it in the transaction of the request."""
    path = jobs.result_path(f"bulk-{token_hex(12)}.json")
    path.write_text(json.dumps(items, ensure_ascii=False))
    params = {"path": str(path), "intake": intake, "client": principal.credential_id}
    job = jobs.start(kind=KIND, params=params, user_id=None)
    Job.objects.filter(pk=job.pk).update(total=len(items))
    job.total = len(items)
    return job


@jobs.runner(KIND)
def take_in(job: Job) -> dict[str, Any]:
    """From the start each time: every item names itself, so what was taken in before stays as it is. Raises ScopeMissing."""
    principal = principals.of_client(job.params["client"])
    if not principal.actor:
        raise ScopeMissing
    items = json.loads(Path(job.params["path"]).read_text())
    one = INTAKES[job.params["intake"]]
    job.result_file, bad = f"bulk-{job.pk}.jsonl", 0
    with requests.acting(actor=principal.actor), jobs.result_path(job.result_file).open("w") as file:
        for begin in range(0, len(items), bulk.MOST):
            chunk = items[begin : begin + bulk.MOST]
            with transaction.atomic():
                taken = bulk.each(chunk, form=one.form, act=partial(one.take, principal))
            file.writelines(
                json.dumps(line | {"index": begin + line["index"]}, ensure_ascii=False) + "\n" for line in taken["data"]
            )
            bad += taken["failed"]
            jobs.report(job, done=begin + len(chunk), total=len(items), bad=bad)
    job.save(update_fields=["result_file"])
    return {"failed": bad}


def shown(job: Job) -> dict[str, Any]:
    is_ready = job.kind == KIND and job.state == Job.State.DONE
    public_id = ids.encode(shapes.JOB, job.pk)
    return {
        "id": public_id,
        "kind": job.kind,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "failed": job.bad,
        "eta_seconds": _eta(job),
        "result_url": reverse("api:job_result", args=[public_id]) if is_ready else None,
        "error_code": job.error_code,
    }


def address(job: Job) -> str:
    return reverse("api:job", args=[ids.encode(shapes.JOB, job.pk)])


def result(*, job_id: int, principal: Principal) -> bytes:
    """The result's lines. Raises NotFound before the end, after a week, and for jobs that another key began."""
    job = Job.objects.filter(pk=job_id, kind=KIND, state=Job.State.DONE).first()
    if job is None or job.params["client"] != principal.credential_id or principal.kind != "client":
        raise NotFound
    path = jobs.result_path(job.result_file)
    if not path.exists():
        raise NotFound
    return path.read_bytes()


def _eta(job: Job) -> int | None:
    if job.state != Job.State.RUNNING or not job.done or not job.total or not job.started_at:
        return None
    took = (clock.now() - job.started_at).total_seconds()
    return round(took / job.done * max(job.total - job.done, 0))
