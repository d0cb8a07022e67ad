"""The gate's later parts: urgency over runs, caps by month and class, service messages, chains of channels, own hours, lanes."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.db.models import Count

from apps.care import dispatch, gate, planning, services
from apps.care.models import Attempt, Lane, Touch
from apps.core import brand
from apps.core import clock as house_clock
from apps.core.errors import ValidationFailed
from apps.core.models import AuditEntry
from apps.gateways.models import InboxMessage
from apps.gateways.simulator.client import Client
from apps.members import selectors as members
from apps.segments import refresh
from tests.care import crowd
from tests.care.conftest import NOON, Shop, touches

Clock = Callable[[datetime], datetime]
INBOX = [{"channel": "inbox", "template": "{{ nickname }}，好久不见"}]
live = pytest.mark.django_db(transaction=True)  # receipts are written on a connection of their own


def test_a_more_urgent_message_takes_the_slot_of_one_that_waits(shop: Shop, noon: datetime) -> None:
    shop.lapsing_member()
    shop.policy("patient", priority=90, send_hour=20)
    services.plan(moment=noon)
    shop.policy("urgent", priority=10, send_hour=20)
    shop.policy("idle", priority=95, send_hour=20)
    found = services.plan(moment=noon + timedelta(hours=1))

    assert touches() == [
        ("M1", "idle", "skipped", "cap"),
        ("M1", "patient", "skipped", "outranked"),
        ("M1", "urgent", "planned", ""),
    ]
    assert (found.planned, dict(found.skipped)) == (1, {"cap": 1})


@live
def test_what_has_gone_out_gives_no_slot_back(shop: Shop, noon: datetime, platform: Client) -> None:
    shop.lapsing_member()
    shop.policy("patient", priority=90)
    services.run(moment=noon)
    shop.policy("urgent", priority=10)
    found = services.plan(moment=noon + timedelta(hours=1))

    assert touches() == [("M1", "patient", "sent", ""), ("M1", "urgent", "skipped", "cap")]
    assert found.planned == 0


@live
def test_five_policies_and_a_worker_at_once_never_pass_the_cap(shop: Shop, platform: Client) -> None:
    """T-M8: urgent plans push aside what waits while a worker claims it; each member keeps one slot of the day."""
    now = house_clock.now()
    platform.limits(marketing_from_hour=0, marketing_until_hour=24)
    shop.limits(quiet=None)
    crowd.lapsing(60, moment=now)
    keys = [f"p{n}" for n in range(5)]
    shop.policy(keys[0], priority=90, send_hour=0)
    planning.plan(moment=now)
    for place, key in enumerate(keys[1:], start=1):
        shop.policy(key, priority=90 - place, send_hour=0)
    begin = threading.Barrier(3)

    def plan() -> None:
        begin.wait()
        for version in planning.live_versions():
            planning.plan(moment=now, only=version)
        connection.close()

    def send() -> None:
        begin.wait()
        for _ in range(4):
            dispatch.drain_channel("sms", deadline=time.monotonic() + 20)
        connection.close()

    threads = [threading.Thread(target=act) for act in (plan, plan, send)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    dispatch.drain_channel("sms", deadline=time.monotonic() + 20)

    held = Touch.objects.filter(slot_on__isnull=False).values("member").annotate(rows=Count("pk"))
    assert {row["rows"] for row in held} == {1}
    assert platform.stats()["deliveries"] == 60


@pytest.mark.parametrize(
    ("caps", "expected"),
    [
        ({"month_cap": 1}, ("skipped", "cap")),
        ({"classes": {"care": {"week": 1}}}, ("skipped", "cap")),
        ({"classes": {"marketing": {"week": 1}}}, ("planned", "")),
        ({"month_cap": 2}, ("planned", "")),
    ],
)
def test_caps_count_by_month_and_by_class(
    shop: Shop, noon: datetime, clock: Clock, caps: dict, expected: tuple[str, str]
) -> None:
    shop.lapsing_member()
    shop.policy("first")
    services.plan(moment=noon)
    Touch.objects.update(state="sent", settled_at=noon)
    shop.limits(day_cap=1, week_cap=7, **caps)
    shop.policy("second", priority=200)
    services.plan(moment=clock(noon + timedelta(days=1)))

    assert Touch.objects.filter(policy__key="second").values_list("state", "reason").get() == expected


def test_a_setting_of_the_gate_says_what_is_wrong_with_it(shop: Shop) -> None:
    for wrong in ({"month_cap": 0}, {"classes": {"news": {}}}, {"classes": {"care": {"year": 1}}}, {"hour_cap": 1}):
        with pytest.raises(ValueError, match=r".+"):
            brand.write("care.gate", brand.read("care.gate") | wrong)
    assert gate.load().month_cap is None


@live
def test_a_message_of_the_service_passes_caps_and_holdout_but_not_consent(
    shop: Shop, noon: datetime, platform: Client
) -> None:
    shop.limits(global_holdout_percent=50)
    willing = [shop.lapsing_member() for _ in range(4)]
    shop.lapsing_member(consents=())
    for key in ("one", "two"):
        shop.policy(key, is_transactional=True, template="{{ nickname }}，您预约的服务" + key)
    services.run(moment=noon)

    assert Touch.objects.filter(state="sent").count() == 2 * len(willing)
    assert set(Touch.objects.filter(state="skipped").values_list("member__member_no", "reason")) == {
        ("M9", "no_consent")
    }
    assert {m["kind"] for m in platform.messages()} == {"transactional"}
    assert not any("拒收" in m["text"] for m in platform.messages())


def test_a_service_message_with_a_holdout_is_refused(shop: Shop) -> None:
    with pytest.raises(ValidationFailed) as refused:
        shop.policy(is_transactional=True, holdout_percent=10)
    assert [e["code"] for e in refused.value.facts["errors"]] == ["no_holdout"]  # type: ignore[index]


@live
def test_the_chain_goes_on_where_a_channel_is_closed(shop: Shop, noon: datetime, platform: Client) -> None:
    """Decided so, found so at the moment of sending, and told so by the provider; each with the consent of the next."""
    shop.lapsing_member(consents=(("care", "inbox"),))
    withdrawn, refused, nowhere = (shop.lapsing_member() for _ in range(3))
    shop.policy(fallback=INBOX, send_hour=14)
    services.plan(moment=noon)
    shop.consent(withdrawn.pk, given=False)
    shop.consent(nowhere.pk, given=False)
    shop.consent(nowhere.pk, channel="inbox", given=False)
    version = planning.live_versions()[0]
    dispatch._register(version)
    platform.reply("R", key=_sent_before(platform, refused.pk))

    with house_clock.frozen(noon + timedelta(hours=2)):
        dispatch.drain()
        dispatch.drain()

    rows = Touch.objects.order_by("member_id").values_list("channel", "route", "state", "reason")
    assert list(rows) == [
        ("inbox", 1, "delivered", ""),
        ("inbox", 1, "delivered", ""),
        ("inbox", 1, "delivered", ""),
        ("inbox", 1, "skipped", "no_consent"),
    ]
    assert list(InboxMessage.objects.values_list("body", flat=True)) == ["林溪，好久不见"] * 3
    tried = Attempt.objects.filter(touch__member=refused).order_by("number").values_list("number", "state", "code")
    assert list(tried) == [(1, "refused", "BLACKLIST"), (2, "accepted", "OK")]


def _sent_before(platform: Client, member_id: int) -> str:
    """Something else had gone to that phone; the reply to it is not read by us before the next send."""
    phone = members.phones([member_id])[member_id]
    platform.register(
        signatures=["Siyu"], templates=[{"name": "other", "kind": "notice", "text": "您的订单可以取货了"}]
    )
    message = {
        "key": "other:1",
        "to": phone,
        "text": "【Siyu】您的订单可以取货了",
        "kind": "transactional",
        "template": "other",
    }
    platform.send([message])
    return "other:1"


@live
def test_nothing_goes_on_from_unknown(shop: Shop, noon: datetime, platform: Client, clock: Clock) -> None:
    shop.lapsing_member()
    shop.policy(fallback=INBOX)
    platform.mode(query="off")
    platform.faults(drop_reply=1.0)
    services.run(moment=noon)
    for hours in (1, 25, 26):
        clock(noon + timedelta(hours=hours))
        dispatch.drain()

    assert Touch.objects.values_list("channel", "route", "state").get() == ("sms", 0, "unknown")
    assert InboxMessage.objects.count() == 0


def test_a_chain_names_each_channel_once(shop: Shop) -> None:
    with pytest.raises(ValidationFailed) as refused:
        shop.policy(fallback=[{"channel": "sms", "template": "好久不见"}])
    assert [(e["pointer"], e["code"]) for e in refused.value.facts["errors"]] == [
        ("/fallback/0/channel", "channel_twice")
    ]  # type: ignore[index]


def test_who_buys_in_the_evening_hears_from_us_in_the_evening(shop: Shop, noon: datetime) -> None:
    evening, night, seldom, morning, formerly = (shop.member() for _ in range(5))
    for days in (32, 40, 50):
        shop.buys(evening, at=noon - timedelta(days=days) + timedelta(hours=8))
        shop.buys(night, at=noon - timedelta(days=days) + timedelta(hours=11))
        shop.buys(morning, at=noon - timedelta(days=days, hours=2))
        shop.buys(formerly, at=noon - timedelta(days=days + 340) + timedelta(hours=8))
    shop.buys(formerly, at=noon - timedelta(days=32, hours=2))
    shop.buys(seldom, at=noon - timedelta(days=32) + timedelta(hours=8))
    refresh.refresh(noon)
    shop.policy(
        trigger="days_since_order", params={"days": 31, "window_days": 14}, is_own_hour=True, send_hour=14,
    )  # fmt: skip
    planning.plan(moment=noon)

    hours = {
        member_id: house_clock.local(at).hour
        for member_id, at in Touch.objects.values_list("member_id", "send_at")
        if at
    }
    assert hours == {evening.pk: 20, night.pk: 14, seldom.pk: 14, morning.pk: 14, formerly.pk: 14}
    # 23:00 is quiet, one order is no habit, ten o'clock is over, more than a year ago counts no more


@live
def test_the_circuit_opens_on_trouble_tries_one_and_closes(
    shop: Shop, noon: datetime, platform: Client, clock: Clock
) -> None:
    """T-M6: half of a minute's answers were trouble; half a minute later one message is tried, then all go."""
    crowd.lapsing(120, moment=noon)
    shop.policy()
    platform.faults(p429=1.0)
    planning.plan(moment=noon)
    dispatch.drain_channel("sms", deadline=time.monotonic() + 20)
    lane = Lane.objects.get(channel="sms")
    assert (lane.circuit, lane.trouble) == ("open", "HTTP_429")
    tried = Attempt.objects.count()

    assert dispatch.drain_channel("sms", deadline=time.monotonic() + 20) == {}
    dispatch.sms.breaker.succeeded()
    clock(noon + timedelta(seconds=31))
    dispatch.drain_channel("sms", deadline=time.monotonic() + 20)
    assert Lane.objects.get(channel="sms").circuit == "open"
    assert Attempt.objects.count() == tried + 1
    assert platform.stats()["deliveries"] == 0

    platform.faults()
    dispatch.sms.breaker.succeeded()
    for seconds in (62, 70, 200, 400):
        clock(noon + timedelta(seconds=seconds))
        dispatch.drain_channel("sms", deadline=time.monotonic() + 20)
    assert Lane.objects.get(channel="sms").circuit == "closed"
    assert set(Touch.objects.values_list("state", flat=True)) == {"sent"}
    assert platform.stats()["delivered_twice"] == {}


@live
def test_no_more_than_the_throttle_goes_out_in_any_minute(
    shop: Shop, noon: datetime, platform: Client, clock: Clock
) -> None:
    brand.write("care.throttle", {"sms": 25})
    crowd.lapsing(60, moment=noon)
    shop.policy()
    planning.plan(moment=noon)
    sent = []
    for seconds in (0, 30, 59, 61, 90, 125):
        clock(noon + timedelta(seconds=seconds))
        dispatch.drain_channel("sms", deadline=time.monotonic() + 20)
        sent.append(platform.stats()["deliveries"])

    assert sent == [25, 25, 25, 50, 50, 60]


@live
def test_a_slow_provider_of_sms_holds_up_no_inbox(shop: Shop, noon: datetime, platform: Client) -> None:
    crowd.lapsing(20, moment=noon)
    shop.policy("slow", priority=1)
    shop.policy("quick", channel="inbox", template="好久不见", priority=2)
    planning.plan(moment=noon)
    assert dispatch.busy(moment=noon) == ["inbox", "sms"]
    platform.faults(delay_ms=[1500, 1500])

    def slow() -> None:
        with house_clock.frozen(NOON):
            dispatch.drain_lane("sms")
        connection.close()

    other = threading.Thread(target=slow)
    other.start()
    begun = time.monotonic()
    dispatch.drain_lane("inbox")
    took = time.monotonic() - begun
    waiting = Touch.objects.filter(channel="sms").exclude(state="sent").count()
    other.join()

    assert (InboxMessage.objects.count(), waiting) == (20, 20)
    assert took < 1.4


@live
def test_a_dead_letter_is_sent_again_by_a_person_with_a_reason(shop: Shop, noon: datetime, platform: Client) -> None:
    dead, unsure = shop.lapsing_member(), shop.lapsing_member()
    shop.policy()
    services.plan(moment=noon)
    Touch.objects.filter(member=dead).update(state="failed", reason="gave_up", tries=6, settled_at=noon, slot_on=None)
    Touch.objects.filter(member=unsure).update(state="unknown", reason="no_answer", settled_at=noon, slot_on=None)
    ids = list(Touch.objects.values_list("pk", flat=True))

    with pytest.raises(ValidationFailed):
        services.replay(touch_ids=ids, reason=" ")
    assert services.replay(touch_ids=ids, reason="the provider was down all day") == 1
    dispatch.drain()

    assert Touch.objects.get(member=dead).state == "sent"
    assert Touch.objects.get(member=unsure).state == "unknown"
    assert platform.stats()["deliveries"] == 1
    assert AuditEntry.objects.get(action="touches.replayed").after["reason"] == "the provider was down all day"


@live
def test_each_try_says_what_the_carrier_bills(shop: Shop, noon: datetime, platform: Client) -> None:
    brand.write("care.sms_price_cents", 4)
    shop.lapsing_member()
    shop.policy(template="{{ nickname }}，" + "春风" * 40)
    services.run(moment=noon)

    assert Attempt.objects.values_list("units", "cost_cents").get() == (2, 8)
    shop.lapsing_member()
    shop.policy("refused", template="{{ nickname }}，低价枪支到货", priority=1)
    services.run(moment=noon)
    assert Attempt.objects.values_list("state", "cost_cents").get(state="refused") == ("refused", 0)
