"""Segments for programs of the brand: which there are, and whether a member is in one."""

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import shapes
from apps.api.base import ApiView
from apps.api.schema import operation
from apps.core import ids
from apps.core.errors import NotFound
from apps.members import selectors as members
from apps.segments import seen
from apps.segments.models import Segment

_AT = "2026-11-22T10:32:05+08:00"


class SegmentOut(f.Serializer[Any]):
    key = f.CharField()
    name = f.CharField()
    kind = f.CharField(help_text="open list: rule, list")
    size = f.IntegerField(help_text="members, as of `built_at`")
    built_at = f.DateTimeField(allow_null=True, help_text="when its members were last looked at; null: not yet")


class SegmentsOut(f.Serializer[Any]):
    data = SegmentOut(many=True)  # type: ignore[assignment]  # DRF makes it a field


class SegmentMemberOut(f.Serializer[Any]):
    is_member = f.BooleanField()
    since = f.DateTimeField(allow_null=True, help_text="since which build; null for who is not in it")


class Segments(ApiView):
    route = "segments"

    @operation(
        "The segments in use, by key, at most 500",
        answer=SegmentsOut,
        example={"data": [{"key": "regulars", "name": "老客", "kind": "rule", "size": 1284, "built_at": _AT}]},
        is_tagged=True,
        tag="server",
    )
    def get(self, request: Request) -> HttpResponse:
        rows = Segment.objects.filter(archived_at=None).order_by("key")[:500]
        return self.tagged({"data": list(rows.values("key", "name", "kind", "size", "built_at"))})


class OneMember(ApiView):
    route = "segment_member"

    @operation(
        "Is a member in a segment?",
        answer=SegmentMemberOut,
        example={"is_member": True, "since": _AT},
        problems=["not_found"],
        is_tagged=True,
        tag="server",
    )
    def get(self, request: Request, segment: str, member: str) -> HttpResponse:
        row = Segment.objects.filter(key=segment, archived_at=None).first()
        if row is None:
            raise NotFound
        member_id = members.current_id(ids.decode(shapes.MEMBER, member))
        since = seen.since(segment_id=row.pk, member_id=member_id, store_ids=None)
        return self.tagged({"is_member": since is not None, "since": since})
