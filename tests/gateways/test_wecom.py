"""WeCom's door against the strict simulator: envelopes, the inbox, tokens, limits, and what the platform refuses."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from hashlib import sha1
from urllib.parse import urlencode

import pytest
from django.test import Client as Browser

from apps.gateways import wecom, wecom_calls, wecom_crypto, wecom_inbox
from apps.gateways.models import PlatformLimit, WecomCallback
from apps.gateways.simulator.client import Client
from apps.gateways.simulator.wechat_rules import unionid
from tests.gateways.conftest import NOON

LIN = "sim-lin"
VECTOR = {
    "token": "QDG6eK",
    "key": "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
    "corp_id": "wx5823bf96d3bd56c7",
    "timestamp": "1409659589",
    "nonce": "263014780",
    "encrypted": "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
    "given": "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
}


def post(browser: Browser, request: dict) -> int:
    address = f"/hooks/wecom?{urlencode(request['query'])}"
    return browser.post(address, data=request["body"], content_type="text/xml").status_code


def test_the_vendors_own_example_opens():
    assert wecom_crypto.opened(**VECTOR) == b"1616140317555161061"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"given": sha1(b"x").hexdigest()}, -40001),
        ({"corp_id": "wx0000000000000000"}, -40005),
        ({"key": "aWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"}, -40007),
    ],
    ids=["signature", "company", "key"],
)
def test_an_envelope_that_is_not_ours_stays_shut(change: dict[str, str], code: int):
    with pytest.raises(wecom_crypto.EnvelopeRefused) as refused:
        wecom_crypto.opened(**(VECTOR | change))
    assert refused.value.code == code


def test_the_address_is_verified_by_the_bare_text(weixin: Client, client: Browser, db: None):
    answer = client.get("/hooks/wecom", weixin.wecom_told("verify"))

    assert answer.content == b"1616140317555161061"


def test_a_callback_is_kept_once_however_often_and_in_whatever_order_it_comes(
    weixin: Client, client: Browser, db: None
):
    for person in ("an", "bo", "ci"):
        weixin.wecom("add", userid=LIN, person=person, at=NOON.isoformat())
    requests = weixin.wecom_told("callbacks", copies=3, is_shuffled=1)["requests"]

    assert [post(client, request) for request in requests] == [200] * 9
    assert WecomCallback.objects.count() == 3  # of one second, told apart by their text
    told = wecom_inbox.claim(limit=10, moment=NOON + timedelta(seconds=1))
    assert sorted(t.fields["ExternalUserID"] for t in told) == ["wmsiman", "wmsimbo", "wmsimci"]
    assert wecom_inbox.claim(limit=10, moment=NOON + timedelta(seconds=1)) == []  # each for one worker


def test_a_forged_callback_keeps_nothing(weixin: Client, client: Browser, db: None):
    weixin.wecom("add", userid=LIN, person="an", at=NOON.isoformat())
    (request,) = weixin.wecom_told("callbacks", forged=1)["requests"]

    assert post(client, request) == 400
    assert client.post("/hooks/wecom", data="<xml>", content_type="text/xml").status_code == 400
    entities = '<!DOCTYPE x [<!ENTITY a "b">]><xml><Encrypt>&a;</Encrypt></xml>'
    assert client.post("/hooks/wecom", data=entities, content_type="text/xml").status_code == 400
    assert not WecomCallback.objects.exists()


def test_the_words_of_a_callback_go_when_it_is_handled_and_a_late_repeat_is_still_known(
    weixin: Client, client: Browser, db: None
):
    weixin.wecom("add", userid=LIN, person="an", at=NOON.isoformat())
    (request,) = weixin.wecom_told("callbacks")["requests"]
    post(client, request)
    (told,) = wecom_inbox.claim(limit=1, moment=NOON)
    wecom_inbox.settle(told.id, outcome="done", moment=NOON)

    assert post(client, request) == 200
    assert list(WecomCallback.objects.values_list("body", "outcome", "tries")) == [("", "done", 1)]


def test_what_fails_is_tried_twelve_times_and_then_given_up(weixin: Client, client: Browser, db: None):
    weixin.wecom("add", userid=LIN, person="an", at=NOON.isoformat())
    post(client, weixin.wecom_told("callbacks")["requests"][0])
    moment = NOON
    for _ in range(12):
        moment += timedelta(hours=1)
        (told,) = wecom_inbox.claim(limit=1, moment=moment)
        wecom_inbox.put_back(told, after=60, moment=moment, outcome="WECOM_-1")

    assert WecomCallback.objects.get().outcome == "gave_up WECOM_-1"
    assert wecom_inbox.claim(limit=1, moment=moment + timedelta(days=1)) == []


def test_a_contact_carries_the_union_id_and_who_follows(weixin: Client, db: None):
    weixin.wecom("add", userid=LIN, person="an", mobiles=["13900000001"], at=NOON.isoformat())
    found = wecom.contact("wmsiman")

    assert found["external_contact"]["unionid"] == unionid("an")
    assert [(f["userid"], f["remark_mobiles"]) for f in found["follow_user"]] == [(LIN, ["13900000001"])]


def test_contacts_come_in_pages_of_a_hundred_that_a_cursor_continues(weixin: Client, db: None):
    weixin.wecom("crowd", userids=[LIN, "sim-chen"], count=250)
    seen, cursor, pages = set(), "", 0
    while True:
        page = wecom.contacts_of([LIN, "sim-chen"], cursor=cursor)
        seen |= {(r["external_contact"]["external_userid"], r["follow_info"]["userid"]) for r in page.rows}
        pages, cursor = pages + 1, page.cursor
        if not cursor:
            break

    assert (len(seen), pages) == (250, 3)
    assert wecom.contacts_of(["sim-wang"]) == ([], "")  # 84061: nobody


def test_threads_share_one_token_and_a_lost_one_is_replaced_once(weixin: Client, db: None):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: wecom_calls.tokens.get("ww5170000000000001"), range(8)))
    assert wecom.staff() == ["sim-chen", "sim-lin", "sim-wang"]
    weixin.wecom("end_tokens")

    assert wecom.staff() == ["sim-chen", "sim-lin", "sim-wang"]
    calls = weixin.wecom_told("stats")["calls"]
    assert calls["externalcontact/get_follow_user_list"] == {"0": 2, "40014": 1}


def test_we_stop_ourselves_before_the_platform_blocks_us(
    weixin: Client, db: None, clock: Callable[[datetime], datetime]
):
    PlatformLimit.objects.filter(platform="wecom", name="api_per_minute").update(value=2)
    wecom.staff(), wecom.staff()
    with pytest.raises(wecom_calls.Unanswered) as stopped:
        wecom.staff()

    assert (stopped.value.state, stopped.value.code) == ("retry", "OWN_LIMIT")
    assert weixin.wecom_told("stats")["calls"]["externalcontact/get_follow_user_list"] == {"0": 2}
    assert wecom_calls.counts(moment=NOON)["externalcontact/get_follow_user_list"] == 2
    clock(NOON + timedelta(minutes=1))
    assert len(wecom.staff()) == 3


def test_one_call_too_many_blocks_the_api_for_a_whole_minute(
    weixin: Client, db: None, clock: Callable[[datetime], datetime]
):
    weixin.wecom("limits", per_minute=1)
    wecom.staff()
    with pytest.raises(wecom_calls.Unanswered, match="WECOM_45009"):
        wecom.staff()
    clock(NOON + timedelta(seconds=59))
    with pytest.raises(wecom_calls.Unanswered, match="WECOM_45009"):
        wecom.staff()
    clock(NOON + timedelta(seconds=120))
    assert len(wecom.staff()) == 3


def test_a_welcome_goes_once_within_twenty_seconds(weixin: Client, db: None, clock: Callable[[datetime], datetime]):
    first, late = (
        weixin.wecom("add", userid=LIN, person=name, at=NOON.isoformat())["WelcomeCode"] for name in ("an", "bo")
    )
    clock(NOON + timedelta(seconds=20))
    wecom.welcome(code=first, text="欢迎")
    with pytest.raises(wecom_calls.Refused) as again:
        wecom.welcome(code=first, text="欢迎")
    clock(NOON + timedelta(seconds=20, milliseconds=1))
    with pytest.raises(wecom_calls.Refused) as too_late:
        wecom.welcome(code=late, text="欢迎")

    assert (again.value.code, too_late.value.code) == (41051, 41050)


def test_a_group_send_waits_for_its_staff_and_stops_at_the_customers_limit(weixin: Client, db: None):
    weixin.wecom("limits", sends_per_day=1)
    for person in ("an", "bo"):
        weixin.wecom("add", userid=LIN, person=person, at=NOON.isoformat())
    first, second = (
        wecom.create_send(sender=LIN, text=text, external_userids=["wmsiman", "wmsimbo", "wmnobody"])
        for text in ("新品", "又一条")
    )
    assert first.failed == ["wmnobody"]
    assert [task["status"] for task in wecom.send_tasks(first.msgid)] == [0]
    weixin.wecom("confirm", userid=LIN, msgid=first.msgid, at=NOON.isoformat())
    weixin.wecom("confirm", userid=LIN, msgid=second.msgid, at=NOON.isoformat())

    assert [row["status"] for row in wecom.send_results(first.msgid, userid=LIN).rows] == [1, 1]
    assert [row["status"] for row in wecom.send_results(second.msgid, userid=LIN).rows] == [3, 3]


def test_staff_are_reminded_three_times_a_day_at_the_most(
    weixin: Client, db: None, clock: Callable[[datetime], datetime]
):
    weixin.wecom("add", userid=LIN, person="an", at=NOON.isoformat())
    send = wecom.create_send(sender=LIN, text="新品", external_userids=["wmsiman"])
    for _ in range(3):
        wecom.remind_send(send.msgid)
    with pytest.raises(wecom_calls.Refused):
        wecom.remind_send(send.msgid)
    clock(NOON + timedelta(hours=24, seconds=1))
    wecom.remind_send(send.msgid)


def test_a_full_group_rolls_to_the_next_and_the_roster_may_lag(
    weixin: Client, db: None, clock: Callable[[datetime], datetime]
):
    weixin.wecom("limits", group_size=3, chat_delay_ms=5000)
    chat = weixin.wecom("chats", name="会员群1", owner=LIN, at=NOON.isoformat())["chat_id"]
    wecom.add_join_way(chats=[chat], state="grp", base_name="会员群", base_number=2)
    joined = [weixin.wecom("join", state="grp", person=f"p{n}", at=NOON.isoformat())["chat_id"] for n in range(3)]

    assert joined[:2] == [chat, chat]
    assert joined[2] != chat
    assert [len(wecom.group(chat)["member_list"]) for _ in "x"] == [1]
    clock(NOON + timedelta(seconds=5))
    assert (len(wecom.group(chat)["member_list"]), wecom.group(chat)["member_version"]) == (3, "3")
