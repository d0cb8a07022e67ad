"""Behaviour events of apps and programs: a batch in, one line per event that was not taken."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.activity import batches
from apps.activity import services as activity
from apps.api import intake, shapes
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import operation
from apps.api.views.auth import ANONYMOUS
from apps.core import ids
from apps.members import selectors as members

EVENT = {
    "event_id": "1f0c7d9a-5b1e-4c62-9a55-2b8a5a6f9e10", "name": "product_viewed",
    "occurred_at": "2026-11-22T10:32:05+08:00", "properties": {"sku": "TEA-018"},
}  # fmt: skip
DEVICE_EVENT = {
    "event_id": "7c2e9b10-3d4f-4a86-8f21-0c5d6e7f8a91", "name": "device_signal", "occurred_at": "2026-11-22T10:32:05+08:00",
    "properties": {"device": "shelf-12", "kind": "shelf", "signal": "picked_up", "store": "S01", "sku": "TEA-018"},
}  # fmt: skip


@extend_schema_field(
    {
        "type": "array",
        "minItems": 1,
        "maxItems": batches.MOST_EVENTS,
        "items": {
            "type": "object",
            "properties": {
                "event_id": {"type": "string", "format": "uuid"},
                "name": {"type": "string"},
                "occurred_at": {"type": "string", "format": "date-time"},
                "properties": {"type": "object", "additionalProperties": True},
            },
            "required": ["event_id", "name", "occurred_at", "properties"],
        },
    }
)
class EventList(f.Field[Any, Any, Any, Any]):
    """Checked event by event in `activity`: a wrong one does not take the others with it."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list) or not data:
            raise f.ValidationError(_("A list of events is expected."), code="invalid")
        return data


class MemberEventsInput(Input):
    sent_at = f.DateTimeField(required=False, help_text="the client's clock now: wrong clocks are corrected by it")
    events = EventList()


class EventsInput(MemberEventsInput):
    anonymous_id = f.RegexField(ANONYMOUS, required=False, default="", help_text="a random id that the client keeps")


class RejectedOut(f.Serializer[Any]):
    index = f.IntegerField()
    code = f.CharField()
    message = f.CharField()


class EventsOut(f.Serializer[Any]):
    accepted = f.IntegerField()
    duplicates = f.IntegerField(help_text="seen in the last seven days; nothing to do")
    rejected = RejectedOut(many=True)


class Events(ApiView):
    route = "events"

    @operation(
        "Send up to 500 behaviour events; without a token they are anonymous",
        form=EventsInput,
        asks={"anonymous_id": "a-3f8k2m9p", "sent_at": "2026-11-22T10:32:06+08:00", "events": [EVENT]},
        answer=EventsOut,
        example={"accepted": 1, "duplicates": 0, "rejected": []},
        problems=["events_batch_too_large", "events_batch_malformed"],
        tag="events",
        is_keyed=False,
    )
    def post(self, request: Request) -> Response:
        wanted = self.read(EventsInput)
        result = activity.ingest(
            batch=wanted["events"],
            member_id=self.principal.member_id,
            anonymous_id=wanted["anonymous_id"],
            source="api",
            sent_at=wanted.get("sent_at"),
        )
        return Response(_told(result))


class MemberEvents(ApiView):
    """What a program of the brand noticed of a member whom it knows: another shop's pages, gates, shelves and tags."""

    route = "member_events"

    @operation(
        "Send up to 500 behaviour events of one member",
        form=MemberEventsInput,
        asks={"events": [DEVICE_EVENT]},
        answer=EventsOut,
        example={"accepted": 1, "duplicates": 0, "rejected": []},
        problems=["not_found", "events_batch_too_large", "events_batch_malformed"],
        tag="server",
        is_keyed=False,
    )
    def post(self, request: Request, member: str) -> Response:
        wanted = self.read(MemberEventsInput)
        result = activity.ingest(
            batch=wanted["events"],
            member_id=members.current_id(ids.decode(shapes.MEMBER, member)),
            anonymous_id="",
            source=intake.source_of(self.principal),
            sent_at=wanted.get("sent_at"),
        )
        return Response(_told(result))


def _told(result: activity.IngestResult) -> dict[str, Any]:
    rejected = [{"index": index, "code": code, "message": str(text)} for index, code, text in result.rejected]
    return {"accepted": result.accepted, "duplicates": result.duplicates, "rejected": rejected}
