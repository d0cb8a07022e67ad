"""How people log in, stay logged in and leave. Answers here hold secrets, so none is kept under an Idempotency-Key."""

from typing import Any

from rest_framework import serializers as f
from rest_framework.request import Request

from apps.activity import codes
from apps.activity import services as activity
from apps.api import shapes
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import operation
from apps.core import ids, requests, tokens
from apps.members import codes as phone_codes
from apps.members import login, policy_texts
from apps.members.proofs import CodeRequest

Purpose = CodeRequest.Purpose
ANONYMOUS = r"^[A-Za-z0-9_-]{8,64}$"
CODE_REFUSALS = ("code_wrong", "code_expired")
LOGIN_REFUSALS = ("member_frozen", "member_leaving", "registration_refused", "cool_off_over")
WECHAT_REFUSALS = ("wechat_code_invalid", "wechat_app_unknown", "wechat_user_blocked", "provider_unavailable")


class AuthView(ApiView):
    keeps_answers = False


class CodesInput(Input):
    phone = f.CharField(max_length=40, help_text="in any usual way of writing; Chinese unless it begins with +")
    purpose = f.ChoiceField([Purpose.LOGIN, Purpose.CHANGE_PHONE], default=Purpose.LOGIN)
    device = f.RegexField(ANONYMOUS, required=False, default="", help_text="a random id that the client keeps")


class CodesOut(f.Serializer[Any]):
    request_id = f.CharField()
    resend_after = f.IntegerField(help_text="seconds")
    expires_in = f.IntegerField(help_text="seconds")


CODES_EXAMPLE = {"request_id": "otp_Q9zR3m0sX1cVbN7kLpTy2aWd", "resend_after": 60, "expires_in": 300}


class Codes(AuthView):
    route = "auth_codes"

    @operation(
        "Have a 6-digit code sent; the answer is the same for every phone",
        form=CodesInput,
        asks={"phone": "17000000001"},
        answer=CodesOut,
        example=CODES_EXAMPLE,
        problems=["phone_invalid", "phone_not_served", "provider_unavailable"],
        tag="auth",
        is_keyed=False,
    )
    def post(self, request: Request) -> Response:
        wanted = self.read(CodesInput)
        sent = login.request_code(network=requests.origin().address, **wanted)
        return Response(vars(sent))


class CallInput(Input):
    request_id = f.CharField(max_length=60, help_text="of the message that did not come")
    device = f.RegexField(ANONYMOUS, required=False, default="", help_text="as when the message was asked for")


class CodeCalls(AuthView):
    route = "auth_code_calls"

    @operation(
        "Have a new code read out by a call to the same phone, when no message came",
        form=CallInput,
        asks={"request_id": "otp_Q9zR3m0sX1cVbN7kLpTy2aWd"},
        answer=CodesOut,
        example=CODES_EXAMPLE,
        problems=["code_expired", "provider_unavailable"],
        tag="auth",
        is_keyed=False,
    )
    def post(self, request: Request) -> Response:
        wanted = self.read(CallInput)
        sent = phone_codes.call(network=requests.origin().address, **wanted)
        return Response(vars(sent))


class PairOut(f.Serializer[Any]):
    access_token = f.CharField()
    access_expires_at = f.DateTimeField()
    refresh_token = f.CharField()
    refresh_expires_at = f.DateTimeField()


class LoggedInOut(PairOut):
    member = f.CharField()
    is_new = f.BooleanField(help_text="registered by this call; no consent given yet")


PAIR_EXAMPLE = {
    "access_token": "sya_wW2…", "access_expires_at": "2026-11-22T11:02:05+08:00", "refresh_token": "syr_k0P…",
    "refresh_expires_at": "2026-12-22T10:32:05+08:00",
}  # fmt: skip
LOGGED_IN_EXAMPLE = PAIR_EXAMPLE | {"member": "mem_3f8k2m9pq7wxz", "is_new": False}


class _Device(Input):
    label = f.CharField(  # type: ignore[assignment]  # DRF makes it a field
        max_length=80, required=False, default="", allow_blank=True, help_text="the device in the person's words"
    )
    anonymous_id = f.RegexField(ANONYMOUS, required=False, default="", help_text="whose events become the member's")
    come_back = f.BooleanField(required=False, default=False, help_text="undo a cancellation in its cool-off")
    rules_version = f.CharField(
        max_length=40, required=False, default="", allow_blank=True,
        help_text="version of the rules of membership that were shown and ticked; kept as the member's agreement",
    )  # fmt: skip


class CodeInput(_Device):
    request_id = f.CharField(max_length=60)
    code = f.CharField(max_length=20)


class Code(AuthView):
    route = "auth_code"

    @operation(
        "Log in with the code; a phone that nobody has becomes a member",
        form=CodeInput,
        asks={
            "request_id": "otp_Q9zR3m0sX1cVbN7kLpTy2aWd",
            "code": "294016",
            "label": "iPhone · 微信",
            "rules_version": "2026-12",
        },
        answer=LoggedInOut,
        example=LOGGED_IN_EXAMPLE,
        problems=[*CODE_REFUSALS, *LOGIN_REFUSALS],
        tag="auth",
        is_keyed=False,
    )
    def post(self, request: Request) -> Response:
        wanted = self.read(CodeInput)
        came_in = login.log_in_by_code(
            request_id=wanted["request_id"],
            code=wanted["code"],
            source=codes.source_of(wanted["anonymous_id"], otherwise="api"),
            come_back=wanted["come_back"],
        )
        return _logged_in(came_in, client="api", wanted=wanted)


class WechatInput(_Device):
    app_id = f.CharField(max_length=40)
    js_code = f.CharField(max_length=200, help_text="from wx.login, used once")


class Wechat(AuthView):
    route = "auth_wechat"

    @operation(
        "Log in a mini-program with the code of wx.login",
        form=WechatInput,
        asks={
            "app_id": "wx5170000000000001",
            "js_code": "sim.xiaoman.example-1",
            "label": "iPhone · 微信",
            "rules_version": "2026-12",
        },
        answer=LoggedInOut,
        example=LOGGED_IN_EXAMPLE,
        problems=[*WECHAT_REFUSALS, *LOGIN_REFUSALS],
        tag="auth",
        is_keyed=False,
    )
    def post(self, request: Request) -> Response:
        wanted = self.read(WechatInput)
        came_in = login.log_in_by_wechat(
            app_id=wanted["app_id"],
            js_code=wanted["js_code"],
            source=codes.source_of(wanted["anonymous_id"], otherwise=""),
            come_back=wanted["come_back"],
        )
        return _logged_in(came_in, client=f"mini:{wanted['app_id']}", wanted=wanted)


class RefreshInput(Input):
    refresh_token = f.CharField(max_length=100)


class Refresh(AuthView):
    route = "auth_refresh"

    @operation(
        "A new pair for an old refresh token; using one twice ends the log-in",
        form=RefreshInput,
        asks={"refresh_token": "syr_k0P…"},
        answer=PairOut,
        example=PAIR_EXAMPLE,
        problems=["unauthenticated", "token_expired"],
        tag="auth",
        is_keyed=False,
    )
    def post(self, request: Request) -> Response:
        return Response(_pair(tokens.rotate(refresh=self.read(RefreshInput)["refresh_token"])))


class Logout(AuthView):
    route = "auth_logout"

    @operation("Log out this device", status=204, tag="auth", is_keyed=False)
    def post(self, request: Request) -> Response:
        tokens.revoke_family(family_id=self.family_id)
        return Response(status=204)


class StepUpCodes(AuthView):
    route = "auth_step_up_codes"

    @operation(
        "Have a code sent to your own phone, to confirm that it is you",
        answer=CodesOut,
        example=CODES_EXAMPLE,
        problems=["not_found", "phone_not_served", "provider_unavailable"],
        tag="auth",
        is_keyed=False,
    )
    def post(self, request: Request) -> Response:
        sent = login.request_step_up_code(member_id=self.member_id, network=requests.origin().address)
        return Response(vars(sent))


class StepUpInput(Input):
    request_id = f.CharField(max_length=60)
    code = f.CharField(max_length=20)


class StepUp(AuthView):
    route = "auth_step_up"

    @operation(
        "Confirm that it is you; good for five minutes",
        form=StepUpInput,
        asks={"request_id": "otp_Q9zR3m0sX1cVbN7kLpTy2aWd", "code": "294016"},
        status=204,
        problems=[*CODE_REFUSALS, "step_up_required"],
        tag="auth",
        is_keyed=False,
    )
    def post(self, request: Request) -> Response:
        login.step_up(family_id=self.family_id, **self.read(StepUpInput))
        return Response(status=204)


class StepUpWechatInput(Input):
    app_id = f.CharField(max_length=40)
    js_code = f.CharField(max_length=200, help_text="from wx.login, used once")


class StepUpWechat(AuthView):
    route = "auth_step_up_wechat"

    @operation(
        "Confirm that it is you by a fresh wx.login, if you have no phone here; good for five minutes",
        form=StepUpWechatInput,
        asks={"app_id": "wx5170000000000001", "js_code": "sim.xiaoman.example-2"},
        status=204,
        problems=[*WECHAT_REFUSALS, "step_up_required"],
        tag="auth",
        is_keyed=False,
    )
    def post(self, request: Request) -> Response:
        login.step_up_by_wechat(family_id=self.family_id, **self.read(StepUpWechatInput))
        return Response(status=204)


class WechatPhoneInput(Input):
    app_id = f.CharField(max_length=40)
    code = f.CharField(max_length=200, help_text="from getPhoneNumber, used once, good for 5 minutes")


class WechatPhoneOut(f.Serializer[Any]):
    outcome = f.ChoiceField(["bound", "merging"], help_text="merging: the number has a record that staff will join")


class WechatPhone(AuthView):
    route = "auth_wechat_phone"

    @operation(
        "Take over the phone that WeChat has proved; one more than you have needs a confirmation first",
        form=WechatPhoneInput,
        asks={"app_id": "wx5170000000000001", "code": "sim.17000000001.example-1"},
        answer=WechatPhoneOut,
        example={"outcome": "bound"},
        problems=[*WECHAT_REFUSALS, "phone_invalid", "registration_refused", "step_up_required"],
        tag="auth",
        is_keyed=False,
    )
    def post(self, request: Request) -> Response:
        outcome = login.bind_wechat_phone(
            member_id=self.member_id, family_id=self.family_id, **self.read(WechatPhoneInput)
        )
        return Response({"outcome": outcome})


class PhoneInput(StepUpInput):
    """The request was made with the purpose `change_phone`."""


class Phone(AuthView):
    route = "my_phone"

    @operation(
        "Put a new phone in place of yours; your other devices are logged out",
        form=PhoneInput,
        asks={"request_id": "otp_Q9zR3m0sX1cVbN7kLpTy2aWd", "code": "294016"},
        status=204,
        problems=[*CODE_REFUSALS, "step_up_required", "phone_taken", "registration_refused"],
        is_keyed=False,
    )
    def put(self, request: Request) -> Response:
        login.change_phone(member_id=self.member_id, family_id=self.family_id, **self.read(PhoneInput))
        return Response(status=204)


def _logged_in(came_in: login.LoggedIn, *, client: str, wanted: dict[str, Any]) -> Response:
    pair = tokens.open_family(user_id=came_in.user_id, client=client, label=wanted["label"])
    if wanted["anonymous_id"]:
        activity.stitch(anonymous_id=wanted["anonymous_id"], member_id=came_in.member_id)
    if wanted["rules_version"]:
        policy_texts.agreed_to_rules(member_id=came_in.member_id, version=wanted["rules_version"], at=client)
    member = ids.encode(shapes.MEMBER, came_in.member_id)
    return Response(_pair(pair) | {"member": member, "is_new": came_in.is_new})


def _pair(pair: tokens.Pair) -> dict[str, Any]:
    return {
        "access_token": pair.access,
        "access_expires_at": shapes.at(pair.access_expires_at),
        "refresh_token": pair.refresh,
        "refresh_expires_at": shapes.at(pair.refresh_expires_at),
    }
