"""For programs of the brand: members let into a journey that waits for it."""

from typing import Any

from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import shapes
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import operation
from apps.care.journeys import entering
from apps.core import ids
from apps.core.errors import NotFound
from apps.members import selectors as members

MOST = 200


class EnterInput(Input):
    members = f.ListField(
        child=f.RegexField(r"^mem_[0-9a-z]+$", max_length=40), min_length=1, max_length=MOST, help_text="ids, `mem_…`"
    )
    occurrence = f.RegexField(
        r"^[A-Za-z0-9._:-]+$", max_length=40,
        help_text="what it is for, in your own words: a member enters once per occurrence, however often you call",
    )  # fmt: skip


class EnteredOut(f.Serializer[Any]):
    entered = f.ListField(child=f.CharField(), help_text="members who walk from now on")
    passed_over = f.ListField(
        child=f.CharField(), help_text="not meant by the journey, in it already, or there before for this occurrence"
    )
    unknown = f.ListField(child=f.CharField(), help_text="nobody has this id")


class Enter(ApiView):
    route = "journey_enter"
    key_required = ("POST",)

    @operation(
        "Let members into a journey that waits for it, 200 at most",
        form=EnterInput,
        asks={"members": ["mem_3f8k2m9pq7wxz"], "occurrence": "repair-4711"},
        answer=EnteredOut,
        example={"entered": ["mem_3f8k2m9pq7wxz"], "passed_over": [], "unknown": []},
        problems=["not_found", "validation_failed", "journey_not_running", "journey_not_by_hand"],
        tag="server",
    )
    def post(self, request: Request, journey: str) -> Response:
        said = self.read(EnterInput)
        known = {text: _current(text) for text in dict.fromkeys(said["members"])}
        entered = set(
            entering.put_in(
                journey_key=journey,
                member_ids=[member_id for member_id in known.values() if member_id],
                occurrence=said["occurrence"],
                by_program=True,
            )
        )
        return Response(
            {
                "entered": [text for text, member_id in known.items() if member_id in entered],
                "passed_over": [text for text, member_id in known.items() if member_id and member_id not in entered],
                "unknown": [text for text, member_id in known.items() if not member_id],
            }
        )


def _current(text: str) -> int | None:
    try:
        return members.current_id(ids.decode(shapes.MEMBER, text))
    except NotFound:
        return None
