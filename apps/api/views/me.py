"""What members read and change about themselves."""

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import shapes
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import Paged, operation
from apps.api.views import standing
from apps.core import clock, ids, tokens
from apps.core.errors import NotFound
from apps.gateways import inbox
from apps.members import attributes, policy_texts, services, uploads
from apps.members import profile as profiles
from apps.members import selectors as members
from apps.members.models import Consent
from apps.orders import selectors as orders
from apps.points import selectors as points
from apps.points import tiers

MOST_UNREAD = 100
AT_HOME = 3


class ProfileInput(Input):
    nickname = f.CharField(max_length=40, required=False, allow_blank=True)
    gender = f.ChoiceField(["", "f", "m"], required=False)
    birthday = f.DateField(required=False, help_text="entered once, corrected once")
    avatar = shapes.Id(shapes.FILE, required=False, allow_null=True, help_text="a file of yours; null takes it away")


class Me(ApiView):
    route = "me"

    @operation("Your profile", answer=shapes.ProfileOut, example=shapes.PROFILE_EXAMPLE, is_tagged=True)
    def get(self, request: Request) -> HttpResponse:
        return self.tagged(self._shown())

    @operation(
        "Change your profile; what is left out stays",
        form=ProfileInput,
        asks={"nickname": "小满", "birthday": "1994-05-21"},
        answer=shapes.ProfileOut,
        example=shapes.PROFILE_EXAMPLE,
        problems=["birthday_fixed", "content_refused"],
        is_tagged=True,
    )
    @transaction.atomic
    def put(self, request: Request) -> HttpResponse:
        wanted = self.read(ProfileInput)
        profiles.hold(member_id=self.member_id)
        self.demand_match(self._shown())
        if "avatar" in wanted:
            uploads.use_as_avatar(member_id=self.member_id, upload_id=wanted.pop("avatar"))
        profiles.change_profile(member_id=self.member_id, **wanted, is_by_member=True)
        return self.tagged(self._shown())

    def _shown(self) -> dict[str, Any]:
        return shapes.profile(members.card(self.member_id), attributes.held(self.member_id, is_own=True))


class Home(ApiView):
    route = "home"

    @operation(
        "All that the first screen shows, in one call",
        answer=shapes.HomeOut,
        example=shapes.HOME_EXAMPLE,
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        letters = inbox.glance(member_id=self.member_id, newest=AT_HOME, most=MOST_UNREAD)
        newest = orders.newest(member_id=self.member_id, limit=AT_HOME)
        return self.tagged(
            {
                "member": shapes.member(members.card(self.member_id)),
                "tier": self._tier(),
                "points": shapes.balance(points.totals(member_id=self.member_id)),
                "unread": letters.unread,
                "messages": [shapes.message(row) for row in letters.newest],
                "orders": [shapes.order(row) for row in newest],
            }
        )

    def _tier(self) -> dict[str, Any] | None:
        tier = tiers.tier_of(member_ids=[self.member_id]).get(self.member_id)
        return {"key": tier.key, "name": standing.named(tier)} if tier else None


class Consents(ApiView):
    route = "consents"

    @operation(
        "Your consents as they count now",
        answer=shapes.ConsentOut(many=True),
        example=[shapes.CONSENT_EXAMPLE],
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        return self.tagged([shapes.consent(row) for row in members.standings(self.member_id)])


class PolicyTextOut(f.Serializer[Any]):
    purpose = f.CharField(help_text="open list: care, marketing, advertising, profiling, guardian")
    version = f.CharField()
    text = f.CharField(help_text="in the language of Accept-Language")
    effective_at = f.DateTimeField()


class PolicyTexts(ApiView):
    """Anybody may read what members are asked to agree to."""

    route = "policy_texts"

    @operation(
        "The texts in force; a purpose without one takes any version that your own text has",
        answer=PolicyTextOut(many=True),
        example=[
            {
                "purpose": "care", "version": "2026-11", "text": "生日祝福、使用和保养提醒，都可以随时关掉。",
                "effective_at": "2026-11-01T00:00:00+08:00",
            }
        ],
        is_tagged=True,
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        return self.tagged(
            [
                {
                    "purpose": one.purpose,
                    "version": one.version,
                    "text": one.words,
                    "effective_at": shapes.at(one.effective_at),
                }
                for one in policy_texts.in_force()
            ]
        )


class ConsentInput(Input):
    is_granted = f.BooleanField()
    text_version = f.CharField(max_length=40, help_text="the version of the text that was shown, see policy-texts")


class OneConsent(ApiView):
    route = "consent"

    @operation(
        "Give or withdraw one consent",
        form=ConsentInput,
        asks={"is_granted": False, "text_version": "2026-11"},
        answer=shapes.ConsentOut,
        example=shapes.CONSENT_EXAMPLE | {"is_granted": False},
        problems=["not_found", "policy_text_outdated"],
    )
    def put(self, request: Request, purpose: str, channel: str) -> Response:
        if purpose not in Consent.Purpose.values or channel not in Consent.Channel.values:
            raise NotFound
        wanted = self.read(ConsentInput)
        if wanted["is_granted"]:
            policy_texts.check_shown(purpose=purpose, version=wanted["text_version"])
        services.give_consent(member_id=self.member_id, purpose=purpose, channel=channel, source="api", **wanted)
        [standing] = members.standings(self.member_id, purpose=purpose, channel=channel)
        return Response(shapes.consent(standing))


class Messages(ApiView):
    route = "messages"

    @operation(
        "Your inbox, newest first", answer=Paged(shapes.MessageOut), example=shapes.MESSAGE_EXAMPLE, is_tagged=True
    )
    def get(self, request: Request) -> HttpResponse:
        letters = inbox.find_for_member(member_id=self.member_id)
        return self.newest_first(letters, of="messages", shown=shapes.message)


class MessageRead(ApiView):
    route = "message_read"

    @operation("Note that you have read a message", status=204, problems=["not_found"])
    def put(self, request: Request, message: str) -> Response:
        key = ids.decode(shapes.MESSAGE, message)
        if not inbox.find_for_member(member_id=self.member_id).filter(pk=key).exists():
            raise NotFound
        inbox.mark_read(member_id=self.member_id, message_id=key, moment=clock.now())
        return Response(status=204)


class Orders(ApiView):
    route = "my_orders"

    @operation(
        "Your orders, newest payment first", answer=Paged(shapes.OrderOut), example=shapes.ORDER_EXAMPLE, is_tagged=True
    )
    def get(self, request: Request) -> HttpResponse:
        name = f"orders:{self.member_id}"
        limit, after = self.page_asked(name)
        page = orders.find(member_id=self.member_id, cursor=after[0] if after else "", limit=limit)
        return self.page(
            [shapes.order(row) for row in page.rows],
            name=name,
            following=[page.older] if page.older else None,
            whole=orders.of_member(self.member_id),
        )


class Order(ApiView):
    route = "my_order"

    @operation(
        "One of your orders with its lines and refunds",
        answer=shapes.OrderDetailOut,
        example=shapes.ORDER_DETAIL_EXAMPLE,
        problems=["not_found"],
        is_tagged=True,
    )
    def get(self, request: Request, order: str) -> HttpResponse:
        found = orders.detail(order_id=ids.decode(shapes.ORDER, order))
        if found.order.member_id != self.member_id:
            raise NotFound
        return self.tagged(shapes.order_detail(found))


class SessionOut(f.Serializer[Any]):
    id = f.CharField()
    client = f.CharField()
    label = f.CharField(allow_blank=True)  # type: ignore[assignment]  # DRF makes it a field
    created_at = f.DateTimeField()
    seen_at = f.DateTimeField()
    is_this = f.BooleanField(help_text="the log-in of this call")


SESSION_EXAMPLE = {
    "id": "ses_3f8k2m9pq7wxz", "client": "mini:wx5170000000000001", "label": "iPhone · 微信",
    "created_at": "2026-11-20T09:00:00+08:00", "seen_at": "2026-11-22T10:32:05+08:00", "is_this": True,
}  # fmt: skip


class Sessions(ApiView):
    route = "sessions"

    @operation("Where you are logged in", answer=SessionOut(many=True), example=[SESSION_EXAMPLE], is_tagged=True)
    def get(self, request: Request) -> HttpResponse:
        assert self.principal.user_id is not None  # noqa: S101 - members have an account
        return self.tagged(
            [
                {
                    "id": ids.encode(shapes.SESSION, one.family_id),
                    "client": one.client,
                    "label": one.label,
                    "created_at": shapes.at(one.created_at),
                    "seen_at": shapes.at(one.seen_at),
                    "is_this": one.family_id == self.principal.family_id,
                }
                for one in tokens.sessions(self.principal.user_id)
            ]
        )


class Session(ApiView):
    route = "session"

    @operation("Log out one of your devices", status=204, problems=["not_found"])
    def delete(self, request: Request, session: str) -> Response:
        family_id = ids.decode(shapes.SESSION, session)
        if not tokens.revoke_family(family_id=family_id, user_id=self.principal.user_id):
            raise NotFound
        return Response(status=204)
