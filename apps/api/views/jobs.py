"""Long work of programs: how far it is, and what came of it."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request

from apps.api import later, shapes
from apps.api.base import ApiView
from apps.api.rendering import Response
from apps.api.schema import operation
from apps.core import ids
from apps.core.errors import NotFound
from apps.core.models import Job


class OneJob(ApiView):
    route = "job"

    @operation("How far long work is", answer=later.JobOut, example=later.EXAMPLE, problems=["not_found"], tag="server")
    def get(self, request: Request, job: str) -> Response:
        row = Job.objects.filter(pk=ids.decode(shapes.JOB, job)).first()
        if row is None:
            raise NotFound
        return Response(later.shown(row))


class JobResult(ApiView):
    route = "job_result"

    @operation(
        "What became of each item: one line of JSON each, as in the answer of a bulk call; for the key that began the job",
        answer=OpenApiTypes.BINARY,
        example="(lines)",
        answer_type=later.LINES,
        problems=["not_found"],
        tag="server",
    )
    def get(self, request: Request, job: str) -> HttpResponse:
        return HttpResponse(
            later.result(job_id=ids.decode(shapes.JOB, job), principal=self.principal), content_type=later.LINES
        )
