"""For programs of the brand: two records that are one person become one, as in the back office."""

from typing import Any

from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import shapes
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import operation
from apps.core import ids
from apps.flows import member_merged
from apps.members import field_policies
from apps.members import selectors as members


class Choices(f.DictField):
    limits = {"propertyNames": {"enum": list(field_policies.FIELDS)}}


class MergeInput(Input):
    loser = shapes.Id(shapes.MEMBER, help_text="becomes an alias of the member in the address")
    choices = Choices(
        child=f.ChoiceField(field_policies.POLICIES), required=False, help_text="field → which of the two values stays"
    )


class MergedOut(f.Serializer[Any]):
    id = f.CharField(help_text="the record that counts now")


class Merge(ApiView):
    """Never of two whose proven identities differ: only a person may say that these are one, in the back office."""

    route = "member_merge"
    key_required = ("POST",)

    @operation(
        "Join another record of the same person to this member; staff can undo it for 30 days",
        form=MergeInput,
        asks={"loser": "mem_9c2d7h4kq8rtb", "choices": {"nickname": "newest"}},
        answer=MergedOut,
        example={"id": "mem_3f8k2m9pq7wxz"},
        problems=["not_found", "merge_refused", "merge_refused_strong_ids"],
        tag="server",
    )
    def post(self, request: Request, member: str) -> Response:
        wanted = self.read(MergeInput)
        survivor_id = ids.decode(shapes.MEMBER, member)
        member_merged.merge(
            survivor_id=survivor_id,
            loser_id=wanted["loser"],
            choices=wanted.get("choices", {}),
            source=self.source("merge"),
        )
        return Response({"id": ids.encode(shapes.MEMBER, members.current_id(survivor_id))})
