"""The circuit and the throttle of a channel: when it opens, what it lets through, when it closes again."""

from datetime import datetime, timedelta

import pytest

from apps.care import lanes
from apps.care.models import Lane
from apps.care.outcomes import Claim, Verdict
from apps.core import brand
from tests.care.conftest import NOON

pytestmark = pytest.mark.django_db


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def note(good: int, bad: int, seconds: float = 0) -> str:
    claim = Claim(1, 1, 1, 1, 1)
    told = [Verdict(claim, "sent", outcome="accepted")] * good + [
        Verdict(claim, "planned", outcome="retry", code="X")
    ] * bad
    lanes.note("sms", told, moment=after(seconds))
    return Lane.objects.get(channel="sms").circuit


def test_half_of_twenty_answers_of_one_minute_open_it_and_neither_fewer_nor_older_ones():
    assert [note(0, 19), note(21, 0)] == ["closed", "closed"]  # 19 of 40
    assert note(0, 1) == "closed"
    assert note(0, 1) == "open"  # 21 of 42
    Lane.objects.all().delete()
    assert note(0, 19) == "closed"
    assert note(0, 19, seconds=61) == "closed"  # a minute later they are counted anew
    assert note(0, 1, seconds=62) == "open"


def test_while_it_is_open_one_message_is_tried_every_half_minute_and_only_success_closes_it():
    note(0, 20)
    assert [lanes.enter("sms", moment=after(seconds)) for seconds in (0, 29, 30, 31)] == [0, 0, 1, 0]
    assert note(0, 1, seconds=32) == "open"
    assert [lanes.enter("sms", moment=after(seconds)) for seconds in (61, 62)] == [0, 1]
    assert note(1, 1, seconds=63) == "closed"
    assert lanes.enter("sms", moment=after(64)) is None
    assert note(0, 1, seconds=65) == "closed"


def test_a_throttle_counts_what_went_out_within_the_last_minute():
    brand.write("care.throttle", {"sms": 10})
    assert lanes.enter("sms", moment=NOON) == 10
    lanes.spent("sms", 4, moment=NOON)
    lanes.spent("sms", 5, moment=after(30))
    assert [lanes.enter("sms", moment=after(seconds)) for seconds in (31, 59, 60, 89, 90)] == [1, 1, 5, 5, 10]
    lanes.spent("sms", 99, moment=after(91))
    assert lanes.enter("sms", moment=after(92)) == 0
    assert lanes.enter("wechat", moment=NOON) is None
