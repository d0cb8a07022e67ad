"""A child under 14: a parent or guardian agrees by a code to their own phone, as on the child's pages; taking it back needs none."""

from typing import Any

from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import shapes
from apps.api.base import Input
from apps.api.rendering import Response
from apps.api.schema import operation
from apps.api.views.auth import ANONYMOUS, CODE_REFUSALS, CODES_EXAMPLE, AuthView, CodesOut
from apps.core import requests
from apps.members import guardians, minors, policy_texts, selectors
from apps.members.models import Consent

SOURCE = "api:guardian"
REFUSALS = ("guardian_not_needed", "guardian_is_member")


class GuardianOut(f.Serializer[Any]):
    is_child = f.BooleanField(help_text="under 14 by the birthday we know")
    agreed_at = f.DateTimeField(
        allow_null=True, help_text="null: nobody agrees (any more), so nothing is sent to a child"
    )


GUARDIAN_EXAMPLE = {"is_child": True, "agreed_at": "2026-11-22T10:32:05+08:00"}


class GuardianCodesInput(Input):
    phone = f.CharField(max_length=40, help_text="the guardian's own; of it only a keyed hash stays")
    device = f.RegexField(ANONYMOUS, required=False, default="", help_text="a random id that the client keeps")


class GuardianCodes(AuthView):
    route = "guardian_codes"

    @operation(
        "Have a code sent to a parent or guardian; its text says what typing it means",
        form=GuardianCodesInput,
        asks={"phone": "17000000061"},
        answer=CodesOut,
        example=CODES_EXAMPLE,
        problems=[*REFUSALS, "phone_invalid", "phone_not_served", "provider_unavailable"],
        is_keyed=False,
    )
    def post(self, request: Request) -> Response:
        wanted = self.read(GuardianCodesInput)
        sent = guardians.request_code(member_id=self.member_id, network=requests.origin().address, **wanted)
        return Response(vars(sent))


class GuardianInput(Input):
    request_id = f.CharField(max_length=60)
    code = f.CharField(max_length=20)
    text_version = f.CharField(max_length=40, help_text="the version of the text that the guardian was shown")


class Guardian(AuthView):
    route = "guardian"

    @operation(
        "Whether somebody must agree for you, and since when they do", answer=GuardianOut, example=GUARDIAN_EXAMPLE
    )
    def get(self, request: Request) -> Response:
        return Response(self._shown())

    @operation(
        "A parent or guardian agrees, with the code that came to their phone",
        form=GuardianInput,
        asks={"request_id": "otp_Q9zR3m0sX1cVbN7kLpTy2aWd", "code": "294016", "text_version": "2026-12"},
        answer=GuardianOut,
        example=GUARDIAN_EXAMPLE,
        problems=[*CODE_REFUSALS, *REFUSALS, "guardian_of_many", "policy_text_outdated"],
        is_keyed=False,
    )
    def put(self, request: Request) -> Response:
        wanted = self.read(GuardianInput)
        policy_texts.check_shown(purpose=Consent.Purpose.GUARDIAN, version=wanted["text_version"])
        guardians.confirm(member_id=self.member_id, source=SOURCE, **wanted)
        return Response(self._shown())

    @operation("Take the guardian's consent back, from now on; what waits is not sent", status=204, is_keyed=False)
    def delete(self, request: Request) -> Response:
        said = selectors.standings(self.member_id, purpose=Consent.Purpose.GUARDIAN)
        text_version = said[0].text_version if said else ""
        guardians.take_back(member_id=self.member_id, source=SOURCE, text_version=text_version)
        return Response(status=204)

    def _shown(self) -> dict[str, Any]:
        child = minors.standing(self.member_id)
        return {"is_child": child.is_child, "agreed_at": shapes.at(child.agreed_at)}
