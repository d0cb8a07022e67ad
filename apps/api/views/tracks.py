"""A member's own days on the life tracks that the brand opened for it: a due date, the birthday of a child."""

from typing import Any

from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import shapes
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import operation
from apps.core import ids
from apps.core.errors import NotFound
from apps.segments.models import Placement
from apps.segments.tracks import selectors, services

PLACE = "plc"


class TrackOut(f.Serializer[Any]):
    key = f.CharField()
    name = f.CharField()
    anchor = f.CharField(help_text="what the day is called")


class PlaceOut(f.Serializer[Any]):
    id = f.CharField()
    track = f.CharField()
    anchor_on = f.DateField()
    step = f.CharField(allow_blank=True, help_text="key; empty before the first step and after the end")
    step_name = f.CharField(allow_blank=True)
    next_at = f.DateTimeField(allow_null=True, help_text="when the next step begins by itself")


class TracksOut(f.Serializer[Any]):
    tracks = TrackOut(many=True, help_text="on which a day can be said")
    places = PlaceOut(many=True)


class Agreed(f.BooleanField):
    """What nobody may say no to and go on."""

    limits = {"enum": [True]}


class PlaceInput(Input):
    track = f.SlugField(max_length=40)
    anchor_on = f.DateField()
    is_agreed = Agreed(help_text="the member agreed, before your eyes, that the day is kept")


class DayInput(Input):
    anchor_on = f.DateField()


PLACE_EXAMPLE = {
    "id": "plc_3f8k2m9pq7wxz", "track": "baby", "anchor_on": "2027-03-12", "step": "pregnant", "step_name": "孕期",
    "next_at": "2027-03-12T00:00:00+08:00",
}  # fmt: skip
TRACKS_EXAMPLE = {"tracks": [{"key": "baby", "name": "宝宝成长", "anchor": "预产期或生日"}], "places": [PLACE_EXAMPLE]}


class Tracks(ApiView):
    route = "my_tracks"

    @operation("Days you told us, and what each means now", answer=TracksOut, example=TRACKS_EXAMPLE)
    def get(self, request: Request) -> Response:
        tracks = [
            {"key": one.key, "name": selectors.in_words(one), "anchor": selectors.in_words(one, "anchor")}
            for one in selectors.told_tracks()
        ]
        return Response({"tracks": tracks, "places": [_shown(one) for one in selectors.of_member(self.member_id)]})

    @operation(
        "Tell a day; the same one again is the same place",
        form=PlaceInput,
        asks={"track": "baby", "anchor_on": "2027-03-12", "is_agreed": True},
        answer=PlaceOut,
        example=PLACE_EXAMPLE,
        problems=["not_found", "no_place_for_children", "too_many_places"],
    )
    def post(self, request: Request) -> Response:
        wanted = self.read(PlaceInput)
        key = wanted.pop("track")
        track = next((one for one in selectors.told_tracks() if one.key == key), None)
        if track is None:
            raise NotFound
        made = services.place(member_id=self.member_id, track_id=track.pk, source=Placement.Source.API, **wanted)
        return Response(_one(self.member_id, made.pk))


class Track(ApiView):
    route = "my_track"

    @operation(
        "Correct a day you told us; nothing is sent for that",
        form=DayInput,
        asks={"anchor_on": "2027-03-20"},
        answer=PlaceOut,
        example=PLACE_EXAMPLE | {"anchor_on": "2027-03-20", "next_at": "2027-03-20T00:00:00+08:00"},
        problems=["not_found", "placed_already"],
    )
    def put(self, request: Request, place: str) -> Response:
        key = ids.decode(PLACE, place)
        if not Placement.objects.filter(pk=key, member_id=self.member_id, track__is_told=True).exists():
            raise NotFound
        services.correct(member_id=self.member_id, placement_id=key, **self.read(DayInput))
        return Response(_one(self.member_id, key))

    @operation("Take a day back; it is erased 30 days later", status=204, problems=["not_found"])
    def delete(self, request: Request, place: str) -> Response:
        services.leave(member_id=self.member_id, placement_id=ids.decode(PLACE, place))
        return Response(status=204)


def _one(member_id: int, key: int) -> dict[str, Any]:
    return next(_shown(one) for one in selectors.of_member(member_id) if one["place"].pk == key)


def _shown(one: dict[str, Any]) -> dict[str, Any]:
    place: Placement = one["place"]
    return {
        "id": ids.encode(PLACE, place.pk),
        "track": place.track.key,
        "anchor_on": place.anchor_on.isoformat(),
        "step": place.step,
        "step_name": one["step"],
        "next_at": shapes.at(place.next_at) if place.next_at else None,
    }
