"""Pictures of members: upload first, then use the id. Fits `wx.uploadFile`: one file a call, the answer is JSON."""

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers as f
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from apps.api import shapes
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import operation, query
from apps.core import clock, ids, links
from apps.core.errors import NotFound
from apps.core.files import answers, pictures
from apps.members import uploads
from apps.members.models import Upload

LINK_LIVES = timedelta(minutes=10)
PURPOSES = [Upload.Purpose.AVATAR.value, Upload.Purpose.TICKET.value]


class FileInput(Input):
    file = f.FileField(max_length=255, help_text="JPEG, PNG or WebP; its name means nothing")
    purpose = f.ChoiceField(PURPOSES, required=False, default=Upload.Purpose.AVATAR.value)


class FileOut(f.Serializer[Any]):
    id = f.CharField()
    purpose = f.CharField(help_text="open list: avatar, ticket")
    media_type = f.CharField()
    width = f.IntegerField()
    height = f.IntegerField()
    bytes = f.IntegerField()
    expires_at = f.DateTimeField(allow_null=True, help_text="null while something uses it")
    link = f.CharField(help_text="opens the picture without a token, on this host")
    link_expires_at = f.DateTimeField()


FILE_EXAMPLE = {
    "id": "file_3f8k2m9pq7wxz", "purpose": "avatar", "media_type": "image/jpeg", "width": 640, "height": 480, "bytes": 48213,
    "expires_at": "2026-11-23T10:32:05+08:00", "link": "/api/v1/files/file_3f8k2m9pq7wxz/content?opens=1795315325.h0…",
    "link_expires_at": "2026-11-22T10:42:05+08:00",
}  # fmt: skip


class Files(ApiView):
    """The same picture again is the same file: no Idempotency-Key is needed."""

    route = "files"
    keeps_answers = False
    parser_classes = [MultiPartParser]

    @operation(
        "Send one picture; use its id within 24 hours",
        form=FileInput,
        asks={"file": "(bytes)", "purpose": "avatar"},
        media_type="multipart/form-data",
        answer=FileOut,
        example=FILE_EXAMPLE,
        status=201,
        problems=["upload_type_refused", "upload_quota_reached", "upload_infected", "upload_not_scanned"],
        tag="files",
        is_keyed=False,
    )
    def post(self, request: Request) -> Response:
        wanted = self.read(FileInput)
        content = wanted["file"].read()
        taken = uploads.take(member_id=self.member_id, content=content, purpose=wanted["purpose"])
        return Response(shown(taken), status=201)


class OneFile(ApiView):
    route = "file"

    @operation(
        "One of your files, with a link that opens it for ten minutes",
        answer=FileOut,
        example=FILE_EXAMPLE,
        problems=["not_found"],
        tag="files",
    )
    def get(self, request: Request, file: str) -> Response:
        upload_id = ids.decode(shapes.FILE, file)
        return Response(shown(uploads.one(member_id=self.member_id, upload_id=upload_id)))


class FileContent(ApiView):
    """For `<image src>`, which sends no token: whoever has the link of the last ten minutes sees the picture."""

    route = "file_content"

    @operation(
        "The picture behind a link",
        answer=OpenApiTypes.BINARY,
        example="(bytes)",
        answer_type=pictures.MEDIA_TYPE,
        parameters=[query("opens", "From the link of the file.", required=True)],
        problems=["not_found"],
        tag="files",
    )
    def get(self, request: Request, file: str) -> HttpResponse:
        left = links.seconds_left(_name(file), request.query_params.get("opens", ""))
        if not left:
            raise NotFound
        content = uploads.content(upload_id=ids.decode(shapes.FILE, file))
        return answers.file(content, name=file, seconds=left)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Whoever asks for `image/*` is answered, too."""
        return super().perform_content_negotiation(request, force=True)


def shown(taken: uploads.Taken) -> dict[str, Any]:
    until = clock.now() + LINK_LIVES
    address = reverse("api:file_content", args=[taken.public_id])
    return {
        "id": taken.public_id,
        "purpose": taken.purpose,
        "media_type": taken.media_type,
        "width": taken.width,
        "height": taken.height,
        "bytes": taken.size,
        "expires_at": shapes.at(taken.expires_at),
        "link": f"{address}?opens={links.sign(_name(taken.public_id), until=until)}",
        "link_expires_at": shapes.at(until),
    }


def _name(public_id: str) -> str:
    return f"file:{public_id}"
