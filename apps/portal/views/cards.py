"""Content cards: opening one is counted, and leads where it says."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from apps.activity import services as activity
from apps.care.cards import selectors
from apps.core import clock, ids
from apps.core.errors import NotFound
from apps.portal import anonymous


@require_safe
def follow(request: HttpRequest, card: str) -> HttpResponse:
    """Only a card that is shown to this member."""
    member_id, moment = request.member.member_id, clock.now()  # type: ignore[attr-defined]
    row = selectors.one_for(card_id=ids.decode(selectors.ID, card), member_id=member_id, moment=moment)
    if row is None or not row.link:
        raise NotFound
    if request.method == "GET":
        seen = {
            "event_id": str(uuid.uuid4()), "name": "content_viewed", "occurred_at": moment.isoformat(),
            "properties": {"id": card, "what": "post"},
        }  # fmt: skip
        activity.ingest(batch=[seen], member_id=member_id, anonymous_id=anonymous.of(request), source="portal")
    return redirect(row.link)
