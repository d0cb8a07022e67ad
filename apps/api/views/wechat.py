"""Subscribe messages: what to ask for, and what the customer answered. One accept is one message."""

from typing import Any

from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api.base import ApiView, Input
from apps.api.errors import ParameterMissing
from apps.api.rendering import Response
from apps.api.schema import operation, query
from apps.core.errors import NotFound
from apps.gateways import grants, wechat
from apps.members import selectors as members

APP = query("app_id", "the mini-program that asks", required=True)


class TemplatesOut(f.Serializer[Any]):
    template_ids = f.ListField(child=f.CharField(), help_text="three at most, for wx.requestSubscribeMessage")


class SubscribeTemplates(ApiView):
    route = "subscribe_templates"

    @operation(
        "Which subscribe messages to ask for in a scene",
        answer=TemplatesOut,
        example={"template_ids": ["sim-live-reminder"]},
        parameters=[APP, query("scene", "where you ask: live_reminder, order_ready, coupon, ticket", required=True)],
        problems=["wechat_app_unknown", "validation_failed"],
    )
    def get(self, request: Request) -> Response:
        wanted = {name: request.query_params.get(name, "") for name in ("app_id", "scene")}
        if missing := [name for name, value in wanted.items() if not value]:
            raise ParameterMissing(missing)
        return Response({"template_ids": list(wechat.scene_templates(**wanted))})


class Results(f.DictField):
    limits = {"minProperties": 1, "maxProperties": grants.MOST_TEMPLATES, "propertyNames": {"minLength": 1}}


class SubscriptionsInput(Input):
    app_id = f.CharField(max_length=40)
    prompt_id = f.RegexField(
        r"^[A-Za-z0-9_-]{8,64}$", help_text="your random id of this prompt: told twice, it counts once"
    )
    results = Results(
        child=f.ChoiceField(sorted(grants.RESULTS)), allow_empty=False, help_text="template id → what WeChat reported"
    )


class SubscriptionsOut(f.Serializer[Any]):
    credits = f.DictField(child=f.IntegerField(), help_text="messages that may now be sent, by template id")


class Subscriptions(ApiView):
    route = "subscriptions"

    @operation(
        "Report what the customer answered to wx.requestSubscribeMessage",
        form=SubscriptionsInput,
        asks={
            "app_id": "wx5170000000000001", "prompt_id": "p-7f3a9c20b1",
            "results": {"sim-live-reminder": "accept"},
        },
        answer=SubscriptionsOut,
        example={"credits": {"sim-live-reminder": 1}},
        problems=["wechat_app_unknown", "not_found"],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        wanted = self.read(SubscriptionsInput)
        openid = members.openid(member_id=self.member_id, app_id=wanted["app_id"])
        if openid is None:
            raise NotFound
        stands = grants.report(
            member_id=self.member_id,
            app_id=wanted["app_id"],
            openid=openid,
            results=wanted["results"],
            source=f"{self.member_id}:{wanted['prompt_id']}",
        )
        return Response({"credits": stands})
