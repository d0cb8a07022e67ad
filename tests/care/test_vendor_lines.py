"""Care through a vendor that knows no keys: T-M2 in its real form, receipts before and after our own record, replies by number."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db.utils import InternalError, ProgrammingError
from django.test import Client as Browser

from apps.care import dispatch, receipts, resolve, services
from apps.care.models import Attempt, Receipt, Touch
from apps.core import clock as house_clock
from apps.gateways import aliyun
from apps.gateways.messages import Receipt as Word
from apps.gateways.simulator.client import Client
from apps.members.models import ConsentNow
from tests.care.conftest import NOON, Shop
from tests.processes import Simulator

pytestmark = pytest.mark.django_db(transaction=True)  # receipts are written on a connection of their own
WORD = "a-word-that-nobody-guesses"


@pytest.fixture
def vendor(shop: Shop, noon: datetime, simulator: Simulator, settings: object) -> Client:
    for name, value in {
        "SMS_PROVIDER": "aliyun", "ALIYUN_SMS_URL": simulator.url, "CALLBACK_SECRET": WORD,
        "ALIYUN_SMS_KEY_ID": "simulator-key", "ALIYUN_SMS_KEY_SECRET": "simulator-only-secret",
    }.items():  # fmt: skip
        setattr(settings, name, value)
    client = Client(simulator.url)
    client.register(signatures=["Siyu"], templates=[])
    shop.policy()
    return client


def call_back(client: Client, kind: str) -> int:
    rows = client.callbacks("aliyun")[kind]
    return (
        Browser().post(f"/hooks/sms/aliyun/{WORD}", data=rows, content_type="application/json").status_code  # type: ignore[arg-type]
    )


def test_twenty_of_thirty_answers_are_lost_and_everybody_gets_one_message(
    shop: Shop, vendor: Client, clock: Callable[[datetime], datetime]
) -> None:
    for _ in range(30):
        shop.lapsing_member()
    vendor.faults(paths=["/"], drop_reply=0.66, seed=7)
    services.run(moment=NOON)
    states = Touch.objects.values_list("state", flat=True)
    assert set(states) <= {"unknown", "sent", "planned"}
    assert "unknown" in states

    vendor.faults()
    for minutes in (2, 8, 14, 20, 40, 90):
        clock(NOON + timedelta(minutes=minutes))
        aliyun.breaker.succeeded()  # it measures real seconds
        dispatch.drain()

    assert set(Touch.objects.values_list("state", flat=True)) == {"sent"}
    assert vendor.stats()["deliveries"] == 30
    assert vendor.stats()["delivered_twice"] == {}


def test_what_a_vendor_lists_nowhere_is_sent_again_only_when_that_is_sure(
    shop: Shop, vendor: Client, clock: Callable[[datetime], datetime]
) -> None:
    shop.lapsing_member()
    services.plan(moment=NOON)
    Touch.objects.update(state="sending", fence=1, tries=1, lease_until=NOON + timedelta(minutes=2))  # its worker died
    stood = []
    for minutes in (3, 9, 15, 21):
        clock(NOON + timedelta(minutes=minutes))
        resolve.settle_open("sms")
        stood.append(Touch.objects.get().state)

    assert stood == ["unknown", "unknown", "planned", "planned"]
    assert vendor.stats()["deliveries"] == 0


def test_receipts_and_replies_come_by_callback(shop: Shop, vendor: Client) -> None:
    member = shop.lapsing_member(consents=(("care", "sms"), ("marketing", "sms")))
    services.run(moment=NOON)
    touch = Touch.objects.get(state="sent")

    assert [call_back(vendor, "reports"), call_back(vendor, "reports")] == [200, 200]
    touch.refresh_from_db()
    assert (touch.state, Receipt.objects.count()) == ("delivered", 1)

    vendor.reply("TD", key=f"touch:{touch.pk}", at=house_clock.now().isoformat())
    assert [call_back(vendor, "replies"), call_back(vendor, "replies")] == [200, 200]
    stands = ConsentNow.objects.filter(member=member, channel="sms").values_list("purpose", "is_granted")
    assert dict(stands) == {"care": False, "marketing": False}

    with pytest.raises((InternalError, ProgrammingError)):
        Receipt.objects.update(state="failed")


def test_a_receipt_that_is_faster_than_our_record_is_not_lost(
    shop: Shop, vendor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.lapsing_member()
    services.plan(moment=NOON)
    send = aliyun.send

    def sent_and_told(message):
        answer = send(message)
        receipts.take([Word(message.key, False, "BLACKLIST", "aliyun:1", NOON)])
        return answer

    monkeypatch.setattr(aliyun, "send", sent_and_told)
    dispatch.drain()

    touch = Touch.objects.get()
    assert (touch.state, touch.reason, touch.slot_on) == ("failed", "BLACKLIST", None)
    assert Attempt.objects.get().state == "accepted"
    assert ConsentNow.objects.get(member_id=touch.member_id, channel="sms", purpose="care").is_granted is False


def test_a_text_in_review_waits_and_costs_no_try(
    shop: Shop, vendor: Client, clock: Callable[[datetime], datetime]
) -> None:
    shop.lapsing_member()
    vendor.vendors(reviews_held="on")
    services.run(moment=NOON)
    touch = Touch.objects.get()
    assert (touch.state, touch.tries) == ("planned", 0)

    vendor.review_templates()
    clock(NOON + timedelta(minutes=12))
    dispatch.drain()

    assert Touch.objects.get().state == "sent"


@pytest.mark.parametrize(("path", "status"), [("aliyun/wrong", 404), ("twilio/" + WORD, 404), ("aliyun/" + WORD, 400)])
def test_strangers_and_nonsense_are_turned_away(vendor: Client, path: str, status: int) -> None:
    answer = Browser().post(f"/hooks/sms/{path}", data="{", content_type="application/json")

    assert (answer.status_code, Receipt.objects.count()) == (status, 0)
