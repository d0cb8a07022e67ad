"""Messages of the company's app to its staff, against the strict simulator."""

from datetime import timedelta

import pytest

from apps.gateways import wecom_apps, wecom_calls
from apps.gateways.simulator.client import Client
from apps.gateways.wecom_apps import Note
from tests.gateways.conftest import NOON

AGENT = 1_000_002


def said(*notes: Note) -> list[tuple[str, str]]:
    return [(one.state, one.code) for one in wecom_apps.send_batch(notes)]


def test_a_note_reaches_its_reader_and_nobody_unknown(weixin: Client, db: None):
    weixin.wecom("leave", userid="sim-wang")
    notes = [
        Note("notice:1", "SIM-LIN", "早上好", "https://siyu.test/x"),
        Note("notice:2", "sim-wang", "x"),
        Note("notice:3", "nobody", "x"),
    ]

    assert said(*notes) == [("accepted", ""), ("refused", "WECOM_81013"), ("refused", "WECOM_81013")]
    (told,) = weixin.wecom_told("told")["messages"]
    assert (told["users"], told["text"]) == (["sim-lin"], "早上好\n\nhttps://siyu.test/x")


def test_what_is_too_long_loses_whole_lines_and_keeps_its_address(weixin: Client, db: None):
    text = "\n".join(f"{number}：今天的销售额是一百元" for number in range(200))
    assert said(Note("notice:1", "sim-lin", text, "https://siyu.test/day")) == [("accepted", "")]

    (told,) = weixin.wecom_told("told")["messages"]
    lines = told["text"].split("\n")
    assert lines[-3:] == ["…", "", "https://siyu.test/day"]
    assert lines[:-3] == text.split("\n")[: len(lines) - 3]
    assert 2_000 < len(told["text"].encode()) <= 2_048


def test_an_ended_token_is_replaced_and_a_blocked_call_waits(weixin: Client, db: None, clock):
    assert said(Note("notice:1", "sim-lin", "x")) == [("accepted", "")]
    clock(NOON + timedelta(hours=3))
    assert said(Note("notice:2", "sim-lin", "x")) == [("accepted", "")]
    weixin.wecom("limits", per_minute=1)
    assert said(Note("notice:3", "sim-lin", "x")) == [("retry", "WECOM_45009")]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"agentid": AGENT + 1}, 40056),
        ({"agentid": str(AGENT)}, 40056),
        ({"msgtype": "file"}, 40008),
        ({"text": {"content": ""}}, 44004),
        ({"touser": ""}, 82001),
        ({"touser": ["sim-lin"]}, 82001),
        ({"touser": "|".join(f"u{n}" for n in range(1_001))}, 40031),
        ({"duplicate_check_interval": 14_401}, 40058),
    ],
)
def test_the_platform_refuses(weixin: Client, db: None, changed: dict, code: int):
    body = {"touser": "sim-lin", "msgtype": "text", "agentid": AGENT, "text": {"content": "x"}}
    with pytest.raises(wecom_calls.Refused) as refused:
        wecom_calls.call("message/send", body=body | changed)
    assert refused.value.code == code
    assert weixin.wecom_told("told")["messages"] == []


def test_the_unknown_among_known_are_named_and_the_thirty_first_in_a_minute_is_dropped(weixin: Client, db: None):
    body = {"touser": "sim-lin|Nobody", "msgtype": "text", "agentid": AGENT, "text": {"content": "x"}}
    answers = [wecom_calls.call("message/send", body=body) for _number in range(31)]

    assert {one["invaliduser"] for one in answers} == {"nobody"}
    assert [bool(one["users"]) for one in weixin.wecom_told("told")["messages"]] == [True] * 30 + [False]
