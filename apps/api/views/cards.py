"""Content cards for a member, by place: what a mini-program shows where. Opening one is the event content_viewed with its id."""

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api.base import ApiView
from apps.api.schema import operation, query
from apps.care.cards import selectors
from apps.care.models import Card
from apps.core import clock, ids

_SLOT = query("slot", "the place, such as home (that is also what nothing means)")


class CardOut(f.Serializer[Any]):
    id = f.CharField(help_text="the id of content_viewed, when the member opens it")
    title = f.CharField()
    text = f.CharField(allow_blank=True)
    link = f.CharField(allow_blank=True, help_text="a page of ours, or https; empty: it leads nowhere")


CARD_EXAMPLE = {
    "id": "crd_3f8k2m9pq7wxz",
    "title": "新手爸妈：待产清单",
    "text": "孕期 · 待产清单",
    "link": "/my/mall/",
}


class Cards(ApiView):
    route = "my_cards"

    @operation(
        "What the brand shows you in a place, three at most", answer=CardOut(many=True), example=[CARD_EXAMPLE],
        is_tagged=True, parameters=[_SLOT],
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        slot = request.query_params.get("slot", "")[:24].replace("\0", "") or "home"
        found = selectors.shown_to(member_id=self.member_id, slot=slot, moment=clock.now())
        return self.tagged([_shown(row) for row in found])


def _shown(row: Card) -> dict[str, str]:
    title, text = selectors.in_words(row)
    return {"id": ids.encode(selectors.ID, row.pk), "title": title, "text": text, "link": row.link}
