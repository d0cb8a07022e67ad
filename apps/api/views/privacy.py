"""A member's rights: a copy of everything, and the end of the membership. Both want a fresh proof of identity."""

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import shapes
from apps.api.base import ApiView
from apps.api.rendering import Response
from apps.api.schema import operation
from apps.core.errors import NotFound
from apps.flows import privacy
from apps.members import login

_AT = "2026-11-22T10:32:05+08:00"


class ExportOut(f.Serializer[Any]):
    id = f.CharField()
    state = f.CharField(help_text="open list: waiting, ready, taken, expired, failed …")
    asked_at = f.DateTimeField()
    due_at = f.DateTimeField()
    expires_at = f.DateTimeField(allow_null=True, help_text="until then the file can be fetched, once")


EXPORT_EXAMPLE = {
    "id": "prv_3f8k2m9pq7wxz", "state": "waiting", "asked_at": _AT, "due_at": "2026-11-22T10:47:05+08:00", "expires_at": None,
}  # fmt: skip


class Export(ApiView):
    route = "export"

    @operation("How far the copy of your data is", answer=ExportOut, example=EXPORT_EXAMPLE, problems=["not_found"])
    def get(self, request: Request) -> Response:
        return Response(self._shown())

    @operation(
        "Ask for a copy of everything we hold about you",
        status=202,
        answer=ExportOut,
        example=EXPORT_EXAMPLE,
        problems=["step_up_required"],
    )
    def post(self, request: Request) -> Response:
        login.require_step_up(family_id=self.family_id)
        privacy.request_export(member_id=self.member_id)
        return Response(self._shown(), status=202, headers={"Location": reverse("api:export")})

    def _shown(self) -> dict[str, Any]:
        found = privacy.export_of(self.member_id)
        if found is None:
            raise NotFound
        return {
            "id": found.public_id,
            "state": found.state,
            "asked_at": shapes.at(found.asked_at),
            "due_at": shapes.at(found.due_at),
            "expires_at": shapes.at(found.expires_at),
        }


class ExportFile(ApiView):
    route = "export_file"

    @operation(
        "Fetch the copy, once: a ZIP with JSON and a readable page",
        answer=OpenApiTypes.BINARY,
        example="(bytes)",
        answer_type="application/zip",
        problems=["step_up_required", "export_not_there"],
    )
    def get(self, request: Request) -> HttpResponse:
        file = privacy.take_export(member_id=self.member_id, family_id=self.family_id)
        return HttpResponse(
            file.content,
            content_type="application/zip",
            headers={"Content-Disposition": f'attachment; filename="{file.name}"'},
        )


class ErasureOut(f.Serializer[Any]):
    asked_at = f.DateTimeField()
    effective_at = f.DateTimeField(help_text="until then log in with come_back to undo it")


class Erasure(ApiView):
    route = "erasure"

    @operation(
        "End your membership: messages stop at once, this log-in too; your data goes after the cool-off",
        status=202,
        answer=ErasureOut,
        example={"asked_at": _AT, "effective_at": "2026-11-29T10:32:05+08:00"},
        problems=["step_up_required"],
    )
    def post(self, request: Request) -> Response:
        login.require_step_up(family_id=self.family_id)
        wish = privacy.request_erasure(member_id=self.member_id)
        return Response(
            {"asked_at": shapes.at(wish.asked_at), "effective_at": shapes.at(wish.effective_at)}, status=202
        )
