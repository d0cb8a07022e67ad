"""For programs of the brand: members let into a journey that waits for it."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import shapes
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import operation
from apps.care.journeys import entering
from apps.core import ids
from apps.core.errors import NotFound, ValidationFailed
from apps.members import selectors as members

MOST = 200


class EnterInput(Input):
    members = f.ListField(child=f.CharField(max_length=40), min_length=1, max_length=MOST, help_text="ids, `mem_…`")
    occurrence = f.RegexField(
        r"^[A-Za-z0-9._:-]+$", max_length=40,
        help_text="what it is for, in your own words: a member enters once per occurrence, however often you call",
    )  # fmt: skip


class EnteredOut(f.Serializer[Any]):
    entered = f.ListField(child=f.CharField(), help_text="members who walk from now on")
    passed_over = f.ListField(
        child=f.CharField(), help_text="not meant by the journey, in it already, or there before for this occurrence"
    )


class Enter(ApiView):
    route = "journey_enter"
    key_required = ("POST",)

    @operation(
        "Let members into a journey that waits for it, 200 at most",
        form=EnterInput,
        asks={"members": ["mem_3f8k2m9pq7wxz"], "occurrence": "repair-4711"},
        answer=EnteredOut,
        example={"entered": ["mem_3f8k2m9pq7wxz"], "passed_over": []},
        problems=["not_found", "validation_failed", "journey_not_running", "journey_not_by_hand"],
        tag="server",
    )
    def post(self, request: Request, journey: str) -> Response:
        said = self.read(EnterInput)
        asked = {_current(text, place): text for place, text in enumerate(said["members"])}
        entered = set(
            entering.put_in(journey_key=journey, member_ids=list(asked), occurrence=said["occurrence"], by_program=True)
        )
        return Response(
            {
                "entered": [text for member_id, text in asked.items() if member_id in entered],
                "passed_over": [text for member_id, text in asked.items() if member_id not in entered],
            }
        )


def _current(text: str, place: int) -> int:
    try:
        return members.current_id(ids.decode(shapes.MEMBER, text))
    except NotFound as unknown:
        error = {"pointer": f"/members/{place}", "code": "not_found", "message": str(_("There is no such member."))}
        raise ValidationFailed(errors=[error]) from unknown
