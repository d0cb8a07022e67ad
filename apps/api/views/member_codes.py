"""The member code: shown by a mini-program, read by a till."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils.translation import get_language
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import operation
from apps.core import clock, ids
from apps.flows import code_results
from apps.members import member_codes
from apps.members import selectors as members

CODE = "mcd"
_SHOWN = OpenApiParameter("code", str, required=True, description="`id` of the first code that the open page has shown")


class CodeOut(f.Serializer[Any]):
    id = f.CharField()
    code = f.CharField(help_text="18 digits: as a QR code, as bars (Code 128) and in groups of 6 4 4 4")
    issued_at = f.DateTimeField()
    refresh_at = f.DateTimeField(help_text="fetch the next one then")
    valid_until = f.DateTimeField(help_text="never show it as live after this moment of the server")
    server_time = f.DateTimeField(
        help_text="the phone's offset is this less its own clock; only the server's time counts"
    )


CODE_EXAMPLE = {
    "id": "mcd_3f8k2m9pq7wxz", "code": "483920174655201938", "issued_at": "2026-11-29T15:00:00.120+08:00",
    "refresh_at": "2026-11-29T15:00:50.120+08:00", "valid_until": "2026-11-29T15:01:00.120+08:00",
    "server_time": "2026-11-29T15:00:00.120+08:00",
}  # fmt: skip


class HappenedOut(f.Serializer[Any]):
    title = f.CharField()
    about = f.CharField(allow_blank=True)
    points = f.IntegerField(help_text="what the balance changed by; 0 where only the words say it")


class ResultOut(f.Serializer[Any]):
    is_read = f.BooleanField()
    read_at = f.DateTimeField(allow_null=True)
    store = f.CharField(allow_blank=True)
    lines = HappenedOut(many=True, help_text="what the till did since, oldest first; they grow while it goes on")
    server_time = f.DateTimeField()


RESULT_EXAMPLE = {
    "is_read": True, "read_at": "2026-11-29T15:00:21.400+08:00", "store": "武康路店",
    "lines": [{"title": "获得", "about": "消费得积分 · 订单 4411", "points": 128}],
    "server_time": "2026-11-29T15:00:23.000+08:00",
}  # fmt: skip


class ReadInput(Input):
    code = f.CharField(max_length=60, help_text="as scanned or typed; blanks and dashes do not matter")


class ReadOut(f.Serializer[Any]):
    id = f.CharField(help_text="of this reading")
    member = f.CharField()
    read_at = f.DateTimeField()
    valid_until = f.DateTimeField(help_text="so long this device may act on the member")


READ_EXAMPLE = {
    "id": "mcd_3f8k2m9pq7wxz", "member": "mem_3f8k2m9pq7wxz", "read_at": "2026-11-29T15:00:21.400+08:00",
    "valid_until": "2026-11-29T15:10:21.400+08:00",
}  # fmt: skip


class MyCode(ApiView):
    route = "my_code"

    @operation(
        "A new member code: counts once, for a minute; ask again at refresh_at",
        answer=CodeOut,
        example=CODE_EXAMPLE,
        problems=["member_not_active"],
    )
    def get(self, request: Request) -> Response:
        moment = clock.now()
        shown = member_codes.show(member_id=self.member_id, moment=moment)
        return Response(
            {
                "id": ids.encode(CODE, shown.id),
                "code": shown.code,
                "issued_at": _at(shown.issued_at),
                "refresh_at": _at(shown.refresh_at),
                "valid_until": _at(shown.valid_until),
                "server_time": _at(moment),
            }
        )


class MyCodeResult(ApiView):
    route = "my_code_result"

    @operation(
        "What came of a code that was shown: ask every two seconds while it is on the screen",
        answer=ResultOut,
        example=RESULT_EXAMPLE,
        problems=["not_found"],
        parameters=[_SHOWN],
    )
    def get(self, request: Request) -> Response:
        shown_id = ids.decode(CODE, request.query_params.get("code", ""))
        found = code_results.result(shown_id=shown_id, member_id=self.member_id, language=get_language() or "")
        lines = found.lines if found else ()
        return Response(
            {
                "is_read": found is not None,
                "read_at": _at(found.at) if found else None,
                "store": found.store if found else "",
                "lines": [{"title": one.title, "about": one.about, "points": one.points} for one in lines],
                "server_time": _at(clock.now()),
            }
        )


class ReadCode(ApiView):
    route = "member_code_read"

    @operation(
        "Read a member code at the till, once: whose it is, and ten minutes in which this device may act on them",
        form=ReadInput,
        asks={"code": "483920 1746 5520 1938"},
        answer=ReadOut,
        example=READ_EXAMPLE,
        problems=["member_code_invalid", "member_code_expired", "member_code_used", "member_not_active"],
        tag="server",
    )
    def post(self, request: Request) -> HttpResponse:
        caller = self.principal
        at = member_codes.Where(store_id=caller.store_id or 0, device_id=caller.credential_id)
        seen = member_codes.read(code=self.read(ReadInput)["code"], at=at)
        return Response(
            {
                "id": ids.encode(CODE, seen.id),
                "member": ids.encode(members.PREFIX, seen.member_id),
                "read_at": _at(seen.at),
                "valid_until": _at(seen.until),
            }
        )


def _at(moment: datetime) -> str:
    """To the millisecond: an offset is computed from it."""
    return clock.local(moment).isoformat(timespec="milliseconds")
