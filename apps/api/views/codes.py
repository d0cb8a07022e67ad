"""Tracked codes opened inside an app: a mini-program gets the code as its scene and asks where it leads."""

from typing import Any

from rest_framework import serializers as f
from rest_framework.request import Request

from apps.activity import codes
from apps.activity.errors import TargetRefused
from apps.activity.robots import Look
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import operation
from apps.api.views.auth import ANONYMOUS
from apps.core import requests
from apps.core.errors import NotFound


class CodeOpenedInput(Input):
    anonymous_id = f.RegexField(ANONYMOUS, required=False, default="", help_text="a random id that the client keeps")


class CodeOpenedOut(f.Serializer[Any]):
    target = f.CharField(help_text="a path of the member site, mini: and a mini-program page, or an https address")
    is_counted = f.BooleanField(help_text="false for the same tap again, and for what does not look like a person")
    anonymous_id = f.CharField(allow_blank=True, help_text="keep it, and send it with events and at log-in")


class CodeOpened(ApiView):
    route = "code_opened"

    @operation(
        "Report that a tracked code was opened in the app, and learn where it leads",
        form=CodeOpenedInput,
        asks={"anonymous_id": "a-3f8k2m9p"},
        answer=CodeOpenedOut,
        example={"target": "mini:pages/live/room?id=7", "is_counted": True, "anonymous_id": "a-3f8k2m9p"},
        problems=["not_found", "code_stopped"],
        tag="events",
        is_keyed=False,
    )
    def post(self, request: Request, code: str) -> Response:
        wanted = self.read(CodeOpenedInput)
        look = Look(agent=request.headers.get("User-Agent", ""), address=requests.origin().address)
        try:
            followed = codes.follow(slug=code, anonymous_id=wanted["anonymous_id"], look=look)
        except TargetRefused:
            raise NotFound from None
        answer = {
            "target": followed.target,
            "is_counted": followed.is_counted,
            "anonymous_id": followed.anonymous_id or wanted["anonymous_id"],
        }
        return Response(answer)
