"""The ledger of subscribe messages against the strict platform: one accept, one send, and never a call too many (T-M10)."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connection, connections

from apps.core.errors import ValidationFailed
from apps.gateways import grants, wechat_calls
from apps.gateways.errors import GrantExhausted, WechatAppUnknown
from apps.gateways.messages import Outcome
from apps.gateways.models import SubscribeAnswer, SubscribeGrant, SubscribeSend
from apps.gateways.simulator.client import Client
from apps.gateways.simulator.wechat_rules import openid
from tests.gateways.conftest import NOON

APP, TEMPLATE, OTHER = "wx5170000000000001", "sim-live-reminder", "sim-order-ready"
DATA = {"thing1": "新品直播", "time2": "2026年3月2日 20:00", "thing3": "点此进入"}
SEND = "/cgi-bin/message/subscribe/send"
LIN = openid(app_id=APP, person="lin")


def accept(weixin: Client, times: int = 1) -> None:
    """The customer taps on the phone; the platform and our ledger hear of it."""
    for n in range(times):
        weixin.grant(app_id=APP, openid=LIN, template_id=TEMPLATE)
        tell(source=f"tap:{n}:{SubscribeAnswer.objects.count()}")


def tell(*, source: str, member_id: int = 7, **results: str) -> dict[str, int]:
    answers = {name.replace("_", "-"): result for name, result in results.items()} or {TEMPLATE: "accept"}
    return grants.report(member_id=member_id, app_id=APP, openid=LIN, results=answers, source=source)


def deliver(key: str, *, data: dict[str, str] = DATA) -> Outcome:
    return grants.deliver(key=key, app_id=APP, openid=LIN, template_id=TEMPLATE, data=data)


def left() -> int:
    return SubscribeGrant.objects.get(template_id=TEMPLATE).credits


def test_each_accept_counts_one_and_a_repeated_report_nothing(db: None):
    assert tell(source="p:1", sim_live_reminder="accept", sim_order_ready="accept") == {TEMPLATE: 1, OTHER: 1}
    assert tell(source="p:1", sim_live_reminder="accept", sim_order_ready="accept") == {TEMPLATE: 1, OTHER: 1}
    assert tell(source="p:2") == {TEMPLATE: 2}
    assert grants.credits(member_id=7) == {(APP, TEMPLATE): 2, (APP, OTHER): 1}
    assert grants.credits(member_id=8) == {}


def test_a_refusal_neither_adds_nor_takes(db: None):
    tell(source="p:1")

    assert tell(source="p:2", sim_live_reminder="reject") == {TEMPLATE: 1}
    assert tell(source="p:3", sim_live_reminder="filter") == {TEMPLATE: 1}


def test_a_template_that_the_platform_closed_is_not_sent_until_it_is_accepted_again(weixin: Client, db: None):
    accept(weixin)
    tell(source="p:2", sim_live_reminder="ban")
    assert grants.credits(member_id=7) == {}
    with pytest.raises(GrantExhausted):
        deliver("k:1")

    tell(source="p:3")

    assert deliver("k:1").state == "accepted"


@pytest.mark.parametrize(
    "results",
    [
        {"strange": "accept"}, {TEMPLATE: "always"},
        {TEMPLATE: "accept", OTHER: "accept", "sim-ticket-reply": "accept", "sim-coupon-expiring": "accept"},
    ],
)  # fmt: skip
def test_a_report_that_no_prompt_can_give_is_refused_whole(db: None, results: dict[str, str]):
    with pytest.raises(ValidationFailed):
        grants.report(member_id=7, app_id=APP, openid=LIN, results=results, source="p:1")
    with pytest.raises(WechatAppUnknown):
        grants.report(member_id=7, app_id="wxother", openid=LIN, results={TEMPLATE: "accept"}, source="p:1")

    assert SubscribeGrant.objects.count() == 0


def test_one_accept_is_one_send_and_the_next_is_not_even_asked(weixin: Client, db: None):
    accept(weixin, 2)

    assert [deliver(f"k:{n}").state for n in (1, 2)] == ["accepted", "accepted"]
    with pytest.raises(GrantExhausted) as refusal:
        deliver("k:3")

    assert refusal.value.code == "channel_quota_exhausted"
    assert weixin.wechat_calls()["send"] == {"0": 2}
    assert SubscribeSend.objects.filter(key="k:3").count() == 0


def test_who_never_agreed_is_not_asked_about(weixin: Client, db: None):
    with pytest.raises(GrantExhausted):
        deliver("k:1")

    assert weixin.wechat_calls() == {}


def test_the_same_key_is_delivered_once(weixin: Client, db: None):
    accept(weixin, 2)

    assert deliver("k:1").state == "accepted"
    assert deliver("k:1").state == "accepted"

    assert len(weixin.wechat_messages()) == 1
    assert left() == 1


def test_none_left_at_the_platform_strikes_the_ledger_and_is_not_tried_again(weixin: Client, db: None):
    accept(weixin, 3)
    weixin.grant(app_id=APP, openid=LIN, template_id=TEMPLATE, credits=-3)  # switched off in WeChat's own settings

    assert deliver("k:1") == Outcome("k:1", "refused", code="43101")
    for key in ("k:1", "k:2"):
        if key == "k:1":
            assert deliver(key).code == "43101"
        else:
            with pytest.raises(GrantExhausted):
                deliver(key)

    assert left() == 0
    assert weixin.wechat_calls()["send"] == {"43101": 1}


@pytest.mark.parametrize(
    ("fault", "state", "credits"),
    [
        ("busy", "retry", 1), ("p429", "retry", 1), ("drop_reply", "unknown", 0), ("malformed", "unknown", 0),
        ("p5xx", "unknown", 0), ("p5xx_after", "unknown", 0), ("wrong_code", "unknown", 0),
    ],
)  # fmt: skip
def test_the_credit_comes_back_only_when_nothing_was_delivered(
    weixin: Client, db: None, fault: str, state: str, credits: int
):
    accept(weixin)
    weixin.faults(**{fault: 1.0, "for_calls": 1, "paths": [SEND]})

    assert deliver("k:1").state == state
    assert left() == credits
    again = deliver("k:1")

    assert again.state == ("accepted" if state == "retry" else "unknown")
    assert len(weixin.wechat_messages()) <= 1
    assert left() == 0


def test_a_message_that_the_platform_cannot_read_gives_its_credit_back(weixin: Client, db: None):
    accept(weixin)

    assert deliver("k:1", data=DATA | {"time2": "soon"}).code == "47003"

    assert left() == 1
    assert deliver("k:1").code == "47003"
    assert deliver("k:2").state == "accepted"


def test_a_credit_taken_before_the_ledger_was_struck_does_not_come_back(
    weixin: Client, db: None, clock: Callable[[datetime], datetime]
):
    accept(weixin, 2)
    early, is_ours = grants._take(key="k:early", app_id=APP, openid=LIN, template_id=TEMPLATE)
    assert is_ours
    weixin.grant(app_id=APP, openid=LIN, template_id=TEMPLATE, credits=-2)
    clock(NOON + timedelta(seconds=1))
    assert deliver("k:late").code == "43101"

    grants._settle(early, Outcome("k:early", "retry"))

    assert left() == 0


def test_a_send_whose_process_died_is_unknown_and_never_repeated(weixin: Client, db: None):
    accept(weixin)
    grants._take(key="k:1", app_id=APP, openid=LIN, template_id=TEMPLATE)

    assert deliver("k:1") == Outcome("k:1", "unknown", code="UNSETTLED")
    assert weixin.wechat_calls() == {}


def test_an_end_that_is_written_down_twice_gives_one_credit_back(db: None):
    tell(source="p:1")
    send, is_ours = grants._take(key="k:1", app_id=APP, openid=LIN, template_id=TEMPLATE)
    assert (is_ours, left()) == (True, 0)
    for _ in range(2):
        grants._settle(send, Outcome("k:1", "refused", code="40037"))
    assert left() == 1


@pytest.mark.django_db(transaction=True)
def test_many_threads_after_few_credits_never_ask_in_vain(weixin: Client):
    accept(weixin, 5)

    def attempt(n: int) -> str:
        try:
            return deliver(f"k:{n % 12}").state  # every key twice
        except GrantExhausted:
            return "exhausted"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        states = list(pool.map(attempt, range(24)))

    assert weixin.wechat_calls()["send"] == {"0": 5}
    assert len(weixin.wechat_messages()) == 5
    assert left() == 0
    assert set(states) <= {"accepted", "exhausted", "unknown"}  # unknown: the same key, still under way
    assert SubscribeSend.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_one_report_told_by_many_threads_counts_once():
    def attempt(_: int) -> dict[str, int]:
        try:
            return tell(source="p:1")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        stands = list(pool.map(attempt, range(16)))

    assert stands == [{TEMPLATE: 1}] * 16
    assert SubscribeAnswer.objects.count() == 1


def test_on_a_bad_day_the_platform_still_never_says_that_nothing_is_left(weixin: Client, db: None):
    dice = random.Random(7)
    accept(weixin, 30)
    weixin.faults(busy=0.2, drop_reply=0.1, malformed=0.1, p429=0.1, seed=7, paths=[SEND])

    for _ in range(120):
        wechat_calls.breaker.succeeded()
        try:
            deliver(f"k:{dice.randrange(40)}")
        except GrantExhausted:
            continue

    calls = weixin.wechat_calls()["send"]
    assert "43101" not in calls
    assert calls["0"] == len(weixin.wechat_messages()) <= 30
    assert calls["0"] + left() == 30


def test_the_open_id_is_not_in_the_database(weixin: Client, db: None):
    accept(weixin)
    deliver("k:1")

    with connection.cursor() as cursor:
        for table in ("gateways_subscribegrant", "gateways_subscribeanswer", "gateways_subscribesend"):
            cursor.execute(f"select count(*) from {table} t where t::text like %s", [f"%{LIN}%"])
            assert cursor.fetchone() == (0,)
