"""Tracks are made and changed; members are placed on them, corrected, and leave."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.core import audit, clock
from apps.core.errors import NotFound, ValidationFailed
from apps.members import minors
from apps.members.models import Member
from apps.segments.models import Placement, Track, TrackMove
from apps.segments.tracks import shape, sql
from apps.segments.tracks.errors import NoPlaceForChildren, PlacedAlready, TooManyPlaces, TrackKeyTaken

MOST_PLACES = 10  # of one member on one track
FAR = 36_525  # days between today and an anchor


@transaction.atomic
def create(*, key: str, name: str, anchor: str, steps: Any, ends: Any = None, **more: Any) -> Track:
    """`more`: name_en, anchor_en, is_told. Raises ValidationFailed, TrackKeyTaken."""
    shape.check(steps=steps, ends=ends)
    if Track.objects.filter(key=key).exists():
        raise TrackKeyTaken
    track = Track.objects.create(key=key, name=name, anchor=anchor, steps=steps, ends=ends, **more)
    _tell("created", track, {"key": key, "steps": steps, "ends": ends})
    return track


@transaction.atomic
def change(*, track_id: int, **said: Any) -> Track:
    """Names, `is_told`, and the steps: everybody on the track stands by the new ones at once, and nothing is sent for that.

    Raises ValidationFailed, NotFound.
    """
    track = _locked(track_id)
    steps, ends = said.get("steps", track.steps), said.get("ends", track.ends)
    shape.check(steps=steps, ends=ends)
    is_other = (steps, ends) != (track.steps, track.ends)
    before = {name: getattr(track, name) for name in said if getattr(track, name) != said[name]}
    if not before:
        return track
    for name, value in said.items():
        setattr(track, name, value)
    track.save()
    _tell("changed", track, {"before": before, "after": {name: said[name] for name in before}})
    if is_other:
        ids = list(Placement.objects.filter(track=track, left_at=None).order_by("id").values_list("id", flat=True))
        _settle(ids, cause=TrackMove.Cause.CHANGED, moment=clock.now(), only_moves=True)
    return track


@transaction.atomic
def set_archived(*, track_id: int, is_archived: bool) -> None:
    """An archived track takes nobody in; who stands on it goes on. Raises NotFound."""
    track = _locked(track_id)
    track.archived_at = clock.now() if is_archived else None
    track.save(update_fields=["archived_at"])
    _tell("archived" if is_archived else "brought_back", track)


@transaction.atomic
def place(*, member_id: int, track_id: int, anchor_on: date, source: str, is_agreed: bool) -> Placement:
    """Onto the track with this day; the same day again is the same place. `is_agreed`: the member agreed that the day is kept.

    The step that the day says counts as entered now. Raises NotFound, ValidationFailed, NoPlaceForChildren, TooManyPlaces.
    """
    _hold(member_id)
    track = Track.objects.filter(pk=track_id, archived_at=None).first()
    if track is None:
        raise NotFound
    moment = clock.now()
    _check_day(anchor_on, moment)
    if not is_agreed:
        raise _refused("/is_agreed", "agreement_needed", _("The member has to agree that this date is kept."))
    if minors.standing(member_id).is_unguarded:
        raise NoPlaceForChildren
    held = list(Placement.objects.filter(member_id=member_id, track=track, left_at=None))
    if same := [one for one in held if one.anchor_on == anchor_on]:
        return same[0]
    if len(held) >= MOST_PLACES:
        raise TooManyPlaces(most=MOST_PLACES)
    made = Placement.objects.create(
        member_id=member_id, track=track, anchor_on=anchor_on, source=source, created_at=moment
    )
    _settle([made.pk], cause=TrackMove.Cause.PLACED, moment=moment)
    _note("placed", made)
    made.refresh_from_db()
    return made


@transaction.atomic
def correct(*, member_id: int, placement_id: int, anchor_on: date) -> Placement:
    """Another day: the member stands where it puts them, a "corrected" move says so, and nothing is sent for that.

    Raises NotFound, ValidationFailed, PlacedAlready.
    """
    held = _own(member_id, placement_id)
    moment = clock.now()
    _check_day(anchor_on, moment)
    if held.anchor_on == anchor_on:
        return held
    others = Placement.objects.filter(member_id=member_id, track_id=held.track_id, left_at=None)
    if others.filter(anchor_on=anchor_on).exists():
        raise PlacedAlready
    held.anchor_on = anchor_on
    held.save(update_fields=["anchor_on"])
    _settle([held.pk], cause=TrackMove.Cause.CORRECTED, moment=moment)
    _note("corrected", held)
    held.refresh_from_db()
    return held


@transaction.atomic
def leave(*, member_id: int, placement_id: int) -> None:
    """Off the track; the day goes 30 days later. Raises NotFound."""
    held = _own(member_id, placement_id)
    with connection.cursor() as cursor:
        cursor.execute(sql.LEAVE, {"ids": [held.pk], "moment": clock.now()})
    _note("left", held)


def _settle(ids: Iterable[int], *, cause: str, moment: datetime, only_moves: bool = False) -> None:
    given: dict[str, Any] = {"ids": list(ids), "cause": cause, "moment": moment, "only_moves": only_moves}
    with connection.cursor() as cursor:
        cursor.execute(sql.SETTLE, given)


def _check_day(day: date, moment: datetime) -> None:
    if abs((day - clock.local_date(moment)).days) > FAR:
        raise _refused("/anchor_on", "out_of_bounds", _("This day is too far away."))


def _refused(pointer: str, code: str, message: Any) -> ValidationFailed:
    return ValidationFailed(errors=[{"pointer": pointer, "code": code, "message": str(message)}])


def _hold(member_id: int) -> None:
    """The member's row, locked: two placings at once see each other."""
    if not Member.objects.select_for_update(no_key=True).filter(pk=member_id, status=Member.Status.ACTIVE).exists():
        raise NotFound


def _own(member_id: int, placement_id: int) -> Placement:
    _hold(member_id)
    found = Placement.objects.select_for_update().filter(pk=placement_id, member_id=member_id, left_at=None).first()
    if found is None:
        raise NotFound
    return found


def _locked(track_id: int) -> Track:
    track = Track.objects.select_for_update().filter(pk=track_id).first()
    if track is None:
        raise NotFound
    return track


def _tell(what: str, track: Track, after: dict[str, Any] | None = None) -> None:
    audit.record(f"track.{what}", object_type="track", object_id=track.pk, after=after)


def _note(what: str, placement: Placement) -> None:
    """Without the day: the trail outlives it."""
    audit.record(f"track.member_{what}", object_type="placement", object_id=placement.pk)
