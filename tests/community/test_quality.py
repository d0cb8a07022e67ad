"""Days of staff as WeCom counts them, the week's report, and words that nobody says."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from apps.community import plans, quality, queueing, window_out, words
from apps.community.models import Account, SendItem, StaffDay, WindowMessage, WordRule
from apps.core.errors import ValidationFailed
from apps.events.models import Event
from apps.gateways import wecom
from apps.gateways.wecom_calls import Refused
from tests.community.conftest import CHEN, LIN, NOON, WANG, WeCom
from tests.community.test_contacts import member

MONDAY = date(2026, 2, 23)  # of the week before NOON


@pytest.fixture
def counted(wecom_house: WeCom) -> WeCom:
    """Lin was fast on Monday and slow on Sunday, the last day that is over; Wang was quick and answered
    every other; Chen's customers never wrote first."""
    wecom_house.wecom("limits", figures_days=100_000)
    wecom_house.do(
        "behaved", userid=LIN, day="2026-02-23", chat_cnt=30, message_cnt=90, reply_percentage=95.5, avg_reply_time=10
    )
    wecom_house.do(
        "behaved",
        userid=LIN,
        day="2026-03-01",
        chat_cnt=10,
        negative_feedback_cnt=2,
        reply_percentage=70,
        avg_reply_time=50,
    )
    wecom_house.do("behaved", userid=CHEN, day="2026-03-01", chat_cnt=4, message_cnt=4)
    wecom_house.do("behaved", userid=WANG, day="2026-03-01", chat_cnt=2, reply_percentage=50, avg_reply_time=5)
    wecom_house.do("behaved", userid=LIN, day="2026-03-01", msg_total=33, member_has_msg=7)
    return wecom_house


def test_days_are_read_once_and_the_week_says_who_was_slow(counted: WeCom):
    days = quality.FIRST_LOOK * 3
    assert (quality.read_days(moment=NOON), quality.read_days(moment=NOON)) == (days, 0)
    found = quality.week(first=MONDAY)
    lin, chen = (next(row for row in found["rows"] if row["userid"] == userid) for userid in (LIN, CHEN))
    names = ("chats", "lost", "reply_minutes", "replied_permille", "slow_days", "group_messages", "group_people")
    # by chats: 30 of ten minutes and 10 of fifty are twenty, not thirty
    assert [lin[name] for name in names] == [40, 2, 20, 891, 1, 33, 7]
    assert [chen[name] for name in names] == [4, 0, None, None, 0, 0, 0]
    assert [(row["userid"], row["slow_days"]) for row in found["rows"]] == [(LIN, 1), (WANG, 1), (CHEN, 0)]
    assert found["sums"]["messages"] == 94
    assert [(row["name"], row["reply_minutes"]) for row in quality.slow_yesterday(moment=NOON)] == [
        (LIN, 50), (WANG, 5),
    ]  # fmt: skip
    assert counted.calls("get_user_behavior_data") == {"0": 3}


def test_what_was_missed_is_read_later_within_what_wecom_tells_at_once(
    counted: WeCom, clock: Callable[[datetime], datetime]
):
    quality.read_days(moment=NOON)
    later = clock(NOON + timedelta(days=50))
    assert quality.read_days(moment=later) == 3 * quality.MOST_DAYS
    assert quality.read_days(moment=later) == 0
    assert StaffDay.objects.filter(userid=LIN).latest("day").day == date(2026, 4, 20)
    assert set(counted.calls("get_user_behavior_data")) == {"0"}


def test_words_reach_wecom_with_all_who_work_there_and_go_with_the_rule(wecom_house: WeCom):
    row = words.save(rule_id=None, name="收款", words=words.split("转我个人，私下转账\n转我个人"), is_blocking=True)
    assert (words.refresh(), words.refresh()) == (1, 0)
    told = wecom_house.wecom_told("words")["rules"]
    assert [(rule["words"], rule["type"], rule["users"]) for rule in told] == [
        (["转我个人", "私下转账"], 1, sorted([LIN, CHEN, WANG]))
    ]
    Account.objects.filter(userid=LIN).update(is_active=False)
    words.save(rule_id=row.pk, name="收款", words=["转我个人"], is_blocking=False)
    assert words.refresh() == 1
    told = wecom_house.wecom_told("words")["rules"]
    assert [(rule["words"], rule["type"], rule["users"]) for rule in told] == [(["转我个人"], 2, sorted([CHEN, WANG]))]
    words.save(rule_id=row.pk, name="收款", words=["转我个人"], is_blocking=False, is_active=False)
    assert (words.refresh(), wecom_house.wecom_told("words")["rules"]) == (1, [])


def test_wecom_being_away_is_told_and_made_good(wecom_house: WeCom, monkeypatch: pytest.MonkeyPatch):
    words.save(rule_id=None, name="收款", words=["转我个人"], is_blocking=True)
    with monkeypatch.context() as patch:
        patch.setattr(wecom, "keep_words", lambda *_given, **_more: (_ for _ in ()).throw(Refused(40058, {})))
        assert words.refresh() == 0
    assert WordRule.objects.get().trouble == "WECOM_40058"
    assert (words.refresh(), WordRule.objects.get().trouble) == (1, "")


def test_the_house_never_sends_a_stopped_word(wecom_house: WeCom, clock: Callable[[datetime], datetime]):
    an = member(1, union="an")
    wecom_house.do("add", userid=LIN, person="an")
    wecom_house.do("kf_say", person="an", text="怎么付款")
    wecom_house.hear()
    words.save(rule_id=None, name="收款", words=["加V付款"], is_blocking=True)
    words.save(rule_id=None, name="提醒", words=["明天"], is_blocking=False)  # a warning stops nothing
    words.save(rule_id=None, name="旧", words=["明天"], is_blocking=True, is_active=False)  # nor what is off
    notes = [queueing.Note("k:1", "wmsiman", "请加v付款"), queueing.Note("k:2", "wmsiman", "明天见")]
    assert [one.code for one in queueing.queue(notes, moment=NOON)] == [words.STOPPED, "OK"]
    assert list(SendItem.objects.values_list("key", flat=True)) == ["k:2"]
    for key, text in (("a", "加V付款吧"), ("b", "明天付款")):
        assert window_out.answer(member_id=an, key=key, text=text)
    window_out.send_due()
    states = dict(WindowMessage.objects.filter(is_ours=True).values_list("key", "state"))
    assert states == {"a": "failed", "b": "sent"}
    assert Event.objects.get(name=window_out.FAILED).payload["code"] == words.STOPPED
    step = {"day": 0, "from": "10:00", "until": "12:00", "kind": "send", "text": "加V付款"}
    with pytest.raises(ValidationFailed):
        plans.create(name="一", kind="cycle", starts_on=MONDAY, ends_on=None, every_days=1, group_ids=[], steps=[step])


@pytest.mark.parametrize(("name", "listed"), [("", ["一"]), ("规", []), ("规", ["长" * 33]), ("规", ["词"] * 301)])
def test_a_rule_that_wecom_would_refuse_is_refused_here(db: None, name: str, listed: list[str]):
    with pytest.raises(ValidationFailed):
        words.save(rule_id=None, name=name, words=listed, is_blocking=True)
    assert WordRule.objects.count() == 0
