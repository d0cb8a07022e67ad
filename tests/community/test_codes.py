"""Live codes: the right people behind them at every hour, nobody beyond their share, never dead; the welcome in time and once."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from apps.community import codes
from apps.community.models import Contact, Follow, LiveCode, Welcome
from apps.community.settings import WELCOME
from apps.core import brand
from apps.core.errors import ValidationFailed
from apps.members import tagging
from tests.community.conftest import CHEN, LIN, NOON, WANG, WHOLE_WEEK, WeCom

DAY = {"days": WHOLE_WEEK, "from": "09:00", "until": "18:00", "users": [LIN]}
NIGHT = {"days": WHOLE_WEEK, "from": "18:00", "until": "02:00", "users": [CHEN]}


def behind(house: WeCom) -> list[str]:
    return house.wecom_told("ways")["ways"][0]["users"]


def test_the_shift_stands_behind_the_code_and_spare_staff_where_there_is_none(
    wecom_house: WeCom, clock: Callable[[datetime], datetime]
):
    codes.create(name="门店海报", shifts=[DAY, NIGHT], spare=[WANG])
    assert behind(wecom_house) == [LIN]
    for hours, wanted in ((6, CHEN), (13.5, CHEN), (14, WANG), (21, LIN)):
        clock(NOON + timedelta(hours=hours))
        codes.refresh()
        assert behind(wecom_house) == [wanted]
    assert codes.refresh() == 0
    assert wecom_house.calls("update_contact_way") == {"0": 3}  # told when something changes, and only then


def test_whoever_has_had_a_days_share_gives_place_until_the_next_day(
    wecom_house: WeCom, clock: Callable[[datetime], datetime]
):
    code = codes.create(name="直播间", shifts=[DAY | {"users": [LIN, CHEN]}], spare=[WANG], daily_limit=2)
    for person, userid, wanted in (
        ("an", LIN, [LIN, CHEN]), ("bo", LIN, [CHEN]), ("ci", CHEN, [CHEN]), ("di", CHEN, [WANG]), ("ed", WANG, [WANG]),
    ):  # fmt: skip
        wecom_house.do("add", userid=userid, state=code.state, person=person)
        wecom_house.hear()
        assert behind(wecom_house) == wanted, person
    clock(NOON + timedelta(days=1))
    codes.refresh()

    assert behind(wecom_house) == [LIN, CHEN]
    assert Follow.objects.filter(code=code).count() == 5


def test_a_code_without_spare_staff_is_never_dead(wecom_house: WeCom, clock: Callable[[datetime], datetime]):
    code = codes.create(name="包裹卡", shifts=[DAY], daily_limit=1)
    wecom_house.do("add", state=code.state, person="an")
    wecom_house.hear()
    assert behind(wecom_house) == [LIN]  # full, but there is nobody else
    clock(NOON + timedelta(hours=12))
    assert codes.on_duty(code, moment=NOON + timedelta(hours=12), added={}) == [LIN]  # and nobody has a shift at night


def test_a_plan_with_strangers_is_refused_and_nothing_is_written(wecom_house: WeCom):
    with pytest.raises(ValidationFailed) as refused:
        codes.create(name="", shifts=[DAY | {"users": ["stranger"]}])

    assert [error["pointer"] for error in refused.value.facts["errors"]] == ["/name", "/users"]
    assert not LiveCode.objects.exists()
    assert wecom_house.calls("add_contact_way") == {}


def test_while_wecom_is_away_the_plan_is_kept_and_told_later(wecom_house: WeCom):
    wecom_house.faults(busy=1.0, for_calls=1, paths=["/cgi-bin/externalcontact/add_contact_way"])
    code = codes.create(name="门店海报", shifts=[DAY])
    assert (code.trouble, code.config_id) == ("WECOM_-1", "")

    assert codes.refresh() == 1
    code.refresh_from_db()
    assert (code.trouble, code.config_id, code.users) == ("", "way00000001", [LIN])


def test_who_comes_by_a_code_is_tagged_there_and_once_known_here(wecom_house: WeCom):
    tag = tagging.known_tags(["直播来的"])["直播来的"]
    code = codes.create(name="直播间", shifts=[DAY], tag_id=tag)
    wecom_house.do("add", state=code.state, person="an")
    wecom_house.hear(copies=2)

    assert Follow.objects.get().code_id == code.pk
    assert len(Follow.objects.get().wecom_tags) == 1
    assert wecom_house.calls("mark_tag") == {"0": 1}


def test_the_welcome_of_the_code_goes_once_however_often_the_event_comes(wecom_house: WeCom):
    brand.write(WELCOME, "你好")
    code = codes.create(name="直播间", shifts=[DAY], welcome="欢迎来到直播间")
    wecom_house.do("add", state=code.state, person="an")
    wecom_house.do("add", userid=CHEN, person="bo")
    wecom_house.hear(copies=3, is_shuffled=1)

    assert sorted(w["text"] for w in wecom_house.wecom_told("welcomes")["welcomes"]) == ["你好", "欢迎来到直播间"]
    assert list(Welcome.objects.values_list("state", flat=True)) == ["sent", "sent"]
    assert wecom_house.calls("send_welcome_msg") == {"0": 2}


def test_a_welcome_that_came_too_late_is_not_tried(wecom_house: WeCom, clock: Callable[[datetime], datetime]):
    brand.write(WELCOME, "你好")
    wecom_house.do("add", userid=LIN, person="an")
    clock(NOON + timedelta(seconds=21))
    wecom_house.hear()

    assert list(Welcome.objects.values_list("state", flat=True)) == ["late"]
    assert (wecom_house.calls("send_welcome_msg"), Contact.objects.count()) == ({}, 1)


def test_another_apps_welcome_under_way_is_waited_for_and_a_lost_answer_never_repeated(
    wecom_house: WeCom, clock: Callable[[datetime], datetime]
):
    brand.write(WELCOME, "你好")
    wecom_house.do("add", userid=LIN, person="an", busy=1)
    wecom_house.hear()
    assert list(Welcome.objects.values_list("state", "trouble")) == [("again", "41096")]
    clock(NOON + timedelta(seconds=3))
    wecom_house.hear()
    assert list(Welcome.objects.values_list("state", flat=True)) == ["sent"]

    wecom_house.faults(drop_reply=1.0, for_calls=1, paths=["/cgi-bin/externalcontact/send_welcome_msg"])
    wecom_house.do("add", userid=LIN, person="bo")
    wecom_house.hear()
    clock(NOON + timedelta(seconds=70))
    wecom_house.hear()
    assert list(Welcome.objects.order_by("pk").values_list("state", flat=True)) == ["sent", "unknown"]
    assert wecom_house.calls("send_welcome_msg") == {"0": 2, "41096": 1}
