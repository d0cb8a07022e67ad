"""Members answer R; the next message is not sent."""

from datetime import datetime, timedelta

import pytest

from apps.care import dispatch, replies, services
from apps.care.models import Touch
from apps.core import clock as house_clock
from apps.gateways.models import ReadUpTo
from apps.gateways.simulator.client import Client
from apps.members.models import Consent, ConsentNow
from tests.care.conftest import Shop

pytestmark = pytest.mark.django_db(transaction=True)  # receipts are written on a connection of their own


def reached(shop: Shop, noon: datetime) -> Touch:
    shop.lapsing_member(consents=(("care", "sms"), ("marketing", "sms"), ("care", "inbox")))
    shop.policy()
    services.run(moment=noon)
    return Touch.objects.get(state="sent")


def sms_consents(member_id: int) -> dict[str, bool]:
    rows = ConsentNow.objects.filter(member_id=member_id, channel="sms")
    return dict(rows.values_list("purpose", "is_granted"))


def test_an_r_withdraws_care_and_marketing_by_sms_and_nothing_else(
    shop: Shop, noon: datetime, platform: Client
) -> None:
    touch = reached(shop, noon)
    platform.reply(key=f"touch:{touch.pk}", text=" r ")

    assert replies.take() == {"taken": 1, "withdrawn": 1}
    assert sms_consents(touch.member_id) == {"care": False, "marketing": False}
    assert ConsentNow.objects.get(member_id=touch.member_id, channel="inbox").is_granted is True
    assert set(Consent.objects.filter(is_granted=False).values_list("source", flat=True)) == {"sms:R"}


def test_a_reply_is_taken_once(shop: Shop, noon: datetime, platform: Client) -> None:
    touch = reached(shop, noon)
    platform.reply(key=f"touch:{touch.pk}", text="R")
    replies.take()
    lines = Consent.objects.count()

    assert replies.take() == {"taken": 0, "withdrawn": 0}
    assert Consent.objects.count() == lines
    assert ReadUpTo.objects.get().number == 1


def test_other_words_withdraw_nothing_but_are_read(shop: Shop, noon: datetime, platform: Client) -> None:
    touch = reached(shop, noon)
    platform.reply(key=f"touch:{touch.pk}", text="谢谢")

    assert replies.take() == {"taken": 1, "withdrawn": 0}
    assert sms_consents(touch.member_id) == {"care": True, "marketing": True}


def test_a_message_that_already_waits_is_stopped_by_the_withdrawal(
    shop: Shop, noon: datetime, platform: Client, clock
) -> None:
    touch = reached(shop, noon)
    shop.policy("second")
    tomorrow = noon + timedelta(days=1)
    clock(tomorrow - timedelta(hours=3))
    services.plan(moment=house_clock.now())
    waiting = Touch.objects.get(state="planned")
    platform.reply(key=f"touch:{touch.pk}", text="R")
    replies.take()

    clock(tomorrow)
    dispatch.drain()

    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason) == ("skipped", "no_consent")


def test_a_silent_provider_changes_nothing(shop: Shop, noon: datetime, platform: Client, settings) -> None:
    touch = reached(shop, noon)
    settings.SIMULATOR_URL = "http://127.0.0.1:9"

    assert replies.take() == {"taken": 0, "withdrawn": 0}
    assert sms_consents(touch.member_id) == {"care": True, "marketing": True}
