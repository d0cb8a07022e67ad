"""The member's own days on life tracks: said, corrected, taken back. Only of tracks that the brand opened for it."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.core import ids
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.portal import sessions, shell
from apps.segments.models import Placement
from apps.segments.tracks import selectors, services

PREFIX = "plc"


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    member_id = request.member.member_id  # type: ignore[attr-defined]
    facts: dict[str, Any] = {"day": request.POST.get("day", "")[:10], "chosen": request.POST.get("track", "")[:40]}
    status = 200
    if request.method == "POST":
        try:
            sessions.say(request, _act(request, member_id))
            return redirect("portal:tracks")
        except ValidationFailed as refusal:
            facts["trouble"], status = refusal.facts["errors"][0]["message"], refusal.status  # type: ignore[index]
        except DomainError as refusal:
            facts["trouble"], status = str(refusal), refusal.status
    places = [
        one | {"id": ids.encode(PREFIX, one["place"].pk), "may_change": one["place"].track.is_told}
        for one in selectors.of_member(member_id)
    ]
    tracks = [(one.key, selectors.in_words(one), selectors.in_words(one, "anchor")) for one in selectors.told_tracks()]
    return shell.page(request, "portal/tracks.html", facts | {"rows": places, "tracks": tracks}, at="me", status=status)


def _act(request: HttpRequest, member_id: int) -> str:
    """What to say about it."""
    what, _colon, key = request.POST.get("do", "").partition(":")
    if what == "leave":
        services.leave(member_id=member_id, placement_id=ids.decode(PREFIX, key))
        return _("The date is taken back.")
    day = _day(request.POST.get("day", ""))
    if what == "correct":
        place = ids.decode(PREFIX, key)
        if not Placement.objects.filter(pk=place, member_id=member_id, track__is_told=True).exists():
            raise NotFound
        services.correct(member_id=member_id, placement_id=place, anchor_on=day)
        return _("The date is corrected.")
    wanted = [one for one in selectors.told_tracks() if one.key == request.POST.get("track")]
    if not wanted:
        raise NotFound
    services.place(
        member_id=member_id,
        track_id=wanted[0].pk,
        anchor_on=day,
        source=Placement.Source.PORTAL,
        is_agreed="is_agreed" in request.POST,
    )
    return _("Thank you: the date is kept.")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        message = _("This day does not exist. Choose another one.")
        raise ValidationFailed(errors=[{"pointer": "/day", "code": "not_a_date", "message": message}]) from wrong
