"""What comes back by another way than the answer to a call: replies that name a number, receipts, questions after a crash."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from apps.care import receipts, replies, resolve, routes, services
from apps.care.models import Touch
from apps.care.outcomes import Claim
from apps.gateways.messages import Answered
from apps.gateways.messages import Receipt as Word
from apps.members.models import Consent, ConsentNow, Member
from tests.care.conftest import Shop

pytestmark = pytest.mark.django_db
BOTH = (("care", "sms"), ("marketing", "sms"))


def says(text: str, phone: str = "+8613900000001") -> int:
    return replies.take_answers([Answered(phone=phone, text=text, source="x:1")])


def stands(member: Member, channel: str = "sms") -> dict[str, bool]:
    rows = ConsentNow.objects.filter(member=member, channel=channel)
    return dict(rows.values_list("purpose", "is_granted"))


@pytest.mark.parametrize("text", ["td", " r ", "退订"])
def test_any_spelling_of_the_word_withdraws_once_whatever_stands_on_other_channels(shop: Shop, text: str):
    member = shop.member(consents=BOTH)
    for purpose in ("care", "marketing"):
        shop.consent(member.pk, purpose=purpose, channel="email", given=False)

    assert [says("谢谢"), says(text, "+8613900000999")] == [0, 0]
    assert stands(member) == {"care": True, "marketing": True}
    assert [says(text), says(text)] == [1, 0]

    assert stands(member) == {"care": False, "marketing": False}
    assert Consent.objects.filter(member=member, channel="sms", is_granted=False).count() == 2


def test_a_call_of_more_rows_than_any_vendor_sends_is_refused_whole(shop: Shop, settings: Any):
    settings.CALLBACK_SECRET = "a-word-that-nobody-guesses"
    shop.member(consents=BOTH)
    row = {"content": "R", "phone_number": "13900000001", "sequence_id": "1"}
    statuses = [
        Client()
        .post(f"/hooks/sms/aliyun/{settings.CALLBACK_SECRET}", data=[row] * count, content_type="application/json")
        .status_code
        for count in (1001, 1)
    ]
    assert (statuses, Consent.objects.filter(is_granted=False).count()) == ([400, 200], 2)


def planned(shop: Shop, noon: datetime, state: str) -> Touch:
    shop.lapsing_member(consents=BOTH)
    shop.policy()
    services.plan(moment=noon)
    Touch.objects.update(state=state, fence=1, tries=1, lease_until=noon if state == "unknown" else None)
    return Touch.objects.get()


@pytest.mark.parametrize("state", ["sent", "unknown"])
def test_a_receipt_settles_what_was_sent_or_unknown_and_a_blacklist_is_a_withdrawal(
    shop: Shop, noon: datetime, state: str
):
    touch = planned(shop, noon, state)
    assert touch.slot_on is not None

    receipts.take([Word(f"touch:{touch.pk}", False, "BLACKLIST", "x:1", noon)])

    touch.refresh_from_db()
    assert (touch.state, touch.reason, touch.slot_on, touch.lease_until) == ("failed", "BLACKLIST", None, None)
    assert stands(touch.member) == {"care": False, "marketing": False}


def test_a_try_without_a_line_was_made_a_moment_ago_for_all_we_know(shop: Shop, noon: datetime, settings: Any):
    settings.SMS_PROVIDER = "aliyun"
    touch = planned(shop, noon, "sending")
    claim = Claim(touch.pk, touch.member_id, touch.version_id, 1, 1)

    sent = resolve._sent([(claim, noon - timedelta(hours=3), 0)])[claim.key]

    assert (sent.since, sent.at) == (noon - timedelta(hours=3), noon)


def test_a_chain_is_gone_along_channel_by_channel():
    steps = [{"channel": "wechat", "template": "a"}, {"channel": "inbox", "template": "b"}]
    version: Any = SimpleNamespace(channel="sms", template="", content={}, fallback=steps)
    found = [routes.after(version, channel=channel) for channel in ("sms", "wechat", "inbox", "email")]
    assert found == ["wechat", "inbox", "", ""]
