"""Commission by the API: what is free, asked for once by a key, and never more than there is."""

from datetime import timedelta

import pytest

from apps.core import clock
from apps.referral import commissions
from apps.referral.models import Credit, Withdrawal
from tests.referral.making import buys, friend_of, program

pytestmark = pytest.mark.django_db


def test_free_commission_is_asked_for_once_and_no_more_than_there_is(new_member, run_flows):
    program(first_permille=50, second_permille=10, freeze_days=15, least_withdrawal_cents=200)
    me, now = new_member("阿青", number=1), clock.now()
    friend = friend_of(me.member, at=now)
    run_flows()
    buys(friend, cents=10_000, at=now)
    run_flows()
    assert Credit.objects.get().advocate_id == me.member.pk
    told = me.get("me/commission").data
    assert (told["percent"], told["second_percent"], told["frozen_cents"], told["free_cents"]) == (5.0, 1.0, 500, 0)
    commissions.free_due(moment=now + timedelta(days=16))

    first, again = (me.post("me/withdrawals", {"cents": 300}, Idempotency_Key="w-1") for _ in range(2))
    more = me.post("me/withdrawals", {"cents": 201}, Idempotency_Key="w-2")
    less = me.post("me/withdrawals", {"cents": 199}, Idempotency_Key="w-3")
    assert (first.status_code, again.data) == (201, first.data)
    assert [(one.status_code, one.data["code"]) for one in (more, less)] == [
        (409, "commission_too_large"),
        (422, "commission_too_small"),
    ]
    assert [row["cents"] for row in me.get("me/withdrawals").data["data"]] == [300]
    assert Withdrawal.objects.count() == 1
