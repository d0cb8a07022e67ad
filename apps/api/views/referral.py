"""Bringing friends: the member's invitation, the friends who came by it, and naming the invitation one came by."""

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.activity import codes
from apps.api import shapes
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import Paged, operation
from apps.core import ids
from apps.members.names import half_hidden
from apps.referral import commissions, selectors, services
from apps.referral.errors import ReferralOff
from apps.referral.models import Credit, Withdrawal

FRIEND, WITHDRAWAL = "rfr", "rfw"


class InvitationGainOut(f.Serializer[Any]):
    points = f.IntegerField()
    coupon = f.CharField(allow_blank=True, help_text="key of a coupon; empty: none")


class InvitationStepOut(f.Serializer[Any]):
    friends = f.IntegerField()
    points = f.IntegerField()


class InvitationOut(f.Serializer[Any]):
    code = f.CharField(help_text="goes into the scene of a mini-program code")
    url = f.CharField(help_text="what the QR code says")
    inviter = InvitationGainOut(help_text="for each friend that counts")
    friend = InvitationGainOut()
    keep_days = f.IntegerField(help_text="for which the friend's first order has to be kept")
    most_per_month = f.IntegerField()
    steps = InvitationStepOut(many=True, help_text="points on top once so many friends count; rising")
    friends = f.IntegerField(help_text="who came")
    waiting = f.IntegerField(help_text="of these: may still count")
    counting = f.IntegerField()
    points = f.IntegerField(help_text="that these brought")


INVITATION_EXAMPLE = {
    "code": "k3Xw9Qa", "url": "https://vip.example.com/s/k3Xw9Qa", "inviter": {"points": 200, "coupon": ""},
    "friend": {"points": 0, "coupon": "welcome20"}, "keep_days": 7, "most_per_month": 20,
    "steps": [{"friends": 3, "points": 300}], "friends": 3, "waiting": 1, "counting": 2,
    "points": 400,
}  # fmt: skip


class InvitedFriendOut(f.Serializer[Any]):
    id = f.CharField()
    name = f.CharField(allow_blank=True, help_text="half hidden")
    stage = f.CharField(help_text="open list: registered, waiting, kept, void, undone")
    why = f.CharField(
        allow_blank=True,
        help_text="open list: self, ring, known, cap, network, left, refunded; empty while it may count",
    )
    registered_at = f.DateTimeField()
    due_at = f.DateTimeField(allow_null=True, help_text="until when the first order has to be kept")
    points = f.IntegerField(help_text="for you, once it counts")


FRIEND_EXAMPLE = {
    "id": "rfr_3f8k2m9pq7wxz", "name": "林*溪", "stage": "waiting", "why": "", "registered_at": "2026-11-22T10:32:05+08:00",
    "due_at": "2026-11-30T11:00:00+08:00", "points": 200,
}  # fmt: skip


class AcceptedOut(f.Serializer[Any]):
    stage = f.CharField(help_text="open list, as of an invited friend")
    friend = InvitationGainOut(help_text="what you get once your first order was kept")
    keep_days = f.IntegerField()


ACCEPTED_EXAMPLE = {"stage": "registered", "friend": {"points": 0, "coupon": "welcome20"}, "keep_days": 7}


class AcceptInput(Input):
    code = f.CharField(min_length=4, max_length=12, help_text="of the invitation")


class Invitation(ApiView):
    route = "my_invitation"

    @operation(
        "Your own invitation, what it brings, and what it brought",
        answer=InvitationOut,
        example=INVITATION_EXAMPLE,
        is_tagged=True,
        problems=["referral_off"],
    )
    def get(self, request: Request) -> HttpResponse:
        terms = services.program()
        if not terms.is_on:
            raise ReferralOff
        slug = services.invite(member_id=self.member_id).code.slug
        url = codes.link(slug, base=request._request.build_absolute_uri("/"))
        return self.tagged(
            {
                "code": slug,
                "url": url,
                "inviter": {"points": terms.points, "coupon": terms.coupon},
                "friend": {"points": terms.friend_points, "coupon": terms.friend_coupon},
                "keep_days": terms.keep_days,
                "most_per_month": terms.most_per_month,
                "steps": terms.steps,
                **vars(selectors.gains(self.member_id)),
            }
        )


class InvitationAccept(ApiView):
    route = "my_invitation_accept"

    @operation(
        "Name the invitation you came by: within a day of joining, before the first purchase; for mini-programs",
        form=AcceptInput,
        asks={"code": "k3Xw9Qa"},
        answer=AcceptedOut,
        example=ACCEPTED_EXAMPLE,
        problems=["referral_off", "referral_unknown", "referral_own", "referral_not_new", "referral_already"],
    )
    def post(self, request: Request) -> Response:
        wanted = self.read(AcceptInput)
        row = services.accept(member_id=self.member_id, slug=wanted["code"])
        gain = {"points": row.friend_points, "coupon": row.friend_coupon}
        return Response({"stage": row.stage, "friend": gain, "keep_days": row.keep_days})


class InvitedFriends(ApiView):
    route = "my_invited_friends"

    @operation(
        "Friends who came by your invitation, newest first",
        answer=Paged(InvitedFriendOut),
        example=FRIEND_EXAMPLE,
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        return self.newest_first(selectors.friends_of(self.member_id), of="invited", shown=_friend)


class CommissionOut(f.Serializer[Any]):
    percent = f.FloatField(help_text="of what invited friends keep buying; 0: there is no commission")
    second_percent = f.FloatField(help_text="of what friends of your friends keep buying")
    freeze_days = f.IntegerField(help_text="from their payment on")
    least_cents = f.IntegerField(help_text="that can be paid out at once")
    frozen_cents = f.IntegerField()
    free_cents = f.IntegerField(help_text="negative: refunds took more than is left, what comes makes it good first")
    asked_cents = f.IntegerField(help_text="asked for, not paid yet")
    paid_cents = f.IntegerField()


COMMISSION_EXAMPLE = {
    "percent": 5.0, "second_percent": 1.0, "freeze_days": 15, "least_cents": 1_000, "frozen_cents": 1_980, "free_cents": 4_200,
    "asked_cents": 0, "paid_cents": 12_000,
}  # fmt: skip


class WithdrawalOut(f.Serializer[Any]):
    id = f.CharField()
    cents = f.IntegerField()
    state = f.CharField(help_text="open list: asked, paid, refused")
    asked_at = f.DateTimeField()
    settled_at = f.DateTimeField(allow_null=True)
    reference = f.CharField(allow_blank=True, help_text="of the payment, or why it was refused")


WITHDRAWAL_EXAMPLE = {
    "id": "rfw_3f8k2m9pq7wxz", "cents": 4_200, "state": "asked", "asked_at": "2026-11-22T10:32:05+08:00", "settled_at": None,
    "reference": "",
}  # fmt: skip


class WithdrawalInput(Input):
    cents = f.IntegerField(min_value=1, max_value=10**9)


class MyCommission(ApiView):
    route = "my_commission"

    @operation(
        "Commission in money for what invited friends buy: the terms, and what is frozen, free, asked for and paid",
        answer=CommissionOut,
        example=COMMISSION_EXAMPLE,
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        terms, money = services.program(), commissions.standing(self.member_id)
        shares = (terms.first_permille, terms.second_permille) if terms.is_on else (0, 0)
        return self.tagged(
            {
                "percent": shares[0] / 10,
                "second_percent": shares[1] / 10,
                "freeze_days": terms.freeze_days,
                "least_cents": terms.least_withdrawal_cents,
                **{f"{name}_cents": cents for name, cents in vars(money).items()},
            }
        )


class Withdrawals(ApiView):
    route = "my_withdrawals"
    key_required = ("POST",)

    @operation(
        "Payments of commission you asked for, newest first",
        answer=Paged(WithdrawalOut),
        example=WITHDRAWAL_EXAMPLE,
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        return self.newest_first(commissions.withdrawals_of(self.member_id), of="withdrawals", shown=_withdrawal)

    @operation(
        "Ask for free commission to be paid out; the Idempotency-Key is also its source: for good, not for a day",
        form=WithdrawalInput,
        asks={"cents": 4_200},
        answer=WithdrawalOut,
        example=WITHDRAWAL_EXAMPLE,
        status=201,
        problems=["commission_too_small", "commission_too_large"],
    )
    def post(self, request: Request) -> Response:
        made = commissions.withdraw(
            member_id=self.member_id, cents=self.read(WithdrawalInput)["cents"], source=self.source("withdrawal"),
            least=services.program().least_withdrawal_cents,
        )  # fmt: skip
        return Response(_withdrawal(made), status=201)


def _withdrawal(row: Withdrawal) -> dict[str, Any]:
    return {
        "id": ids.encode(WITHDRAWAL, row.pk),
        "cents": row.amount_cents,
        "state": row.state,
        "asked_at": shapes.at(row.asked_at),
        "settled_at": shapes.at(row.settled_at),
        "reference": row.reference,
    }


def _friend(row: Credit) -> dict[str, Any]:
    return {
        "id": ids.encode(FRIEND, row.pk),
        "name": half_hidden(row.friend.nickname),
        "stage": row.stage,
        "why": row.why,
        "registered_at": shapes.at(row.registered_at),
        "due_at": shapes.at(row.due_at),
        "points": row.points,
    }
