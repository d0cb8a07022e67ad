"""Groups: rosters that count nobody twice, codes that roll to the next group and never die, hand-overs with what waits."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from apps.community import callbacks, group_codes, groups, handing, queueing, sending, syncing
from apps.community.group_models import Group, GroupDay, GroupMember
from apps.community.handing_models import HandOver, HandOverItem
from apps.community.models import Follow, SendItem
from apps.core import jobs
from apps.core.errors import ValidationFailed
from apps.core.models import Job
from apps.flows import shopper
from apps.gateways.models import PlatformLimit
from tests.community.conftest import CHEN, LIN, NOON, WeCom
from tests.community.test_contacts import member


def chat(house: WeCom, name: str = "会员群1", *, owner: str = LIN) -> str:
    made = house.do("chats", name=name, owner=owner)["chat_id"]
    house.hear()
    return made


def inside(chat_id: str) -> list[str]:
    rows = GroupMember.objects.filter(group__chat_id=chat_id, is_staff=False, left_at=None)
    return sorted(rows.values_list("who", flat=True))


def test_the_roster_knows_the_way_and_whose_invitation(wecom_house: WeCom):
    first = chat(wecom_house)
    wecom_house.do("join", chat_id=first, person="an", scene=1, invitor=LIN)
    wecom_house.do("join", chat_id=first, person="bo", scene=3)
    wecom_house.hear(copies=3, is_shuffled=1)

    rows = GroupMember.objects.filter(is_staff=False).order_by("who").values_list("who", "way", "invited_by")
    assert list(rows) == [("wmsiman", 1, LIN), ("wmsimbo", 3, "")]
    assert list(GroupDay.objects.values_list("day", "joined", "left", "customers")) == [(date(2026, 3, 2), 2, 0, 2)]


def test_health_counts_each_coming_and_going_once_by_shop_day(
    wecom_house: WeCom, clock: Callable[[datetime], datetime]
):
    first = chat(wecom_house)
    for person in ("an", "bo", "ci"):
        wecom_house.do("join", chat_id=first, person=person)
    wecom_house.hear()
    clock(NOON + timedelta(hours=12, minutes=1))  # the next day in Shanghai
    wecom_house.do("part", chat_id=first, external_userid="wmsiman")
    wecom_house.do("join", chat_id=first, person="di")
    wecom_house.hear(copies=2)
    clock(NOON + timedelta(hours=13))
    wecom_house.do("join", chat_id=first, person="an")
    wecom_house.hear(is_shuffled=1)

    days = GroupDay.objects.order_by("day").values_list("day", "joined", "left", "customers")
    assert list(days) == [(date(2026, 3, 2), 3, 0, 3), (date(2026, 3, 3), 2, 1, 4)]
    assert inside(first) == ["wmsiman", "wmsimbo", "wmsimci", "wmsimdi"]


def test_a_roster_that_lags_is_read_again_until_it_shows_its_own_event(
    wecom_house: WeCom, clock: Callable[[datetime], datetime]
):
    first = chat(wecom_house)
    wecom_house.wecom("limits", chat_delay_ms=4000)
    wecom_house.do("join", chat_id=first, person="an")
    wecom_house.hear()
    assert inside(first) == []
    clock(NOON + timedelta(seconds=5))
    callbacks.take_all()

    assert inside(first) == ["wmsiman"]


def test_an_older_roster_changes_nothing(wecom_house: WeCom):
    first = chat(wecom_house)
    wecom_house.do("join", chat_id=first, person="an")
    wecom_house.hear()
    old = {"chat_id": first, "create_time": 1, "owner": "x", "name": "x", "member_list": [], "member_version": "1"}

    assert not groups.take(old, asked_at=NOON)
    assert (inside(first), Group.objects.get().owner) == (["wmsiman"], LIN)


def test_who_is_in_several_groups_is_seen_and_a_dismissed_one_counts_no_more(wecom_house: WeCom):
    an = member(1, union="an")
    wecom_house.do("add", userid=LIN, person="an")
    first, second = chat(wecom_house), chat(wecom_house, "会员群2")
    for chat_id in (first, second):
        wecom_house.do("join", chat_id=chat_id, person="an")
    wecom_house.hear()
    assert [(row[0], row[3], row[4]) for row in groups.in_several()] == [("wmsiman", an, ["会员群1", "会员群2"])]
    wecom_house.do("dismiss", chat_id=second)
    wecom_house.hear()

    assert groups.in_several() == []
    assert GroupDay.objects.get(group__chat_id=second).left == 1
    assert shopper.shopper_of(an).groups == frozenset({Group.objects.get(chat_id=first).key})


def test_a_burst_of_joins_fills_group_after_group_and_the_code_never_dies(wecom_house: WeCom):
    PlatformLimit.objects.filter(platform="wecom", name="group_size").update(value=4)
    wecom_house.wecom("limits", group_size=4)
    first = chat(wecom_house)
    code = group_codes.create(name="门店群", base_name="会员群", chats=[first])
    for number in range(20):  # seven groups of three customers and their owner; a code takes five
        wecom_house.do("join", state=code.state, person=f"p{number}")
        if number % 4 == 3:
            group_codes.refresh()
    wecom_house.hear(is_shuffled=1)
    group_codes.refresh()
    code.refresh_from_db()

    assert Group.objects.count() == 7
    assert sum(len(inside(g.chat_id)) for g in Group.objects.all()) == 20
    assert max(Group.objects.values_list("people", flat=True)) == 4
    assert [Group.objects.get(chat_id=c).people for c in code.chats] == [3]  # full ones went, the one with room stayed
    assert code.trouble == ""
    for chat_id in code.chats:
        wecom_house.do("dismiss", chat_id=chat_id)
    spare = chat(wecom_house, "别的群")
    group_codes.refresh()
    code.refresh_from_db()
    assert code.chats == [spare]
    assert wecom_house.do("join", state=code.state, person="late")["chat_id"] == spare


def test_a_code_takes_living_groups_only(wecom_house: WeCom):
    with pytest.raises(ValidationFailed) as refused:
        group_codes.create(name="门店群", base_name="会员群", chats=["gone"])

    assert [error["pointer"] for error in refused.value.facts["errors"]] == ["/chats"]
    assert wecom_house.calls("groupchat/add_join_way") == {}


def test_a_leavers_customers_groups_and_waiting_messages_go_to_the_heir(wecom_house: WeCom):
    first = chat(wecom_house)
    for person in ("an", "bo"):
        wecom_house.do("add", userid=LIN, person=person)
    wecom_house.hear()
    notes = [queueing.Note(f"k:{person}", f"wmsim{person}", "春季新品") for person in ("an", "bo")]
    queueing.queue(notes, moment=NOON)
    sending.round_of_sends()  # a task of the leaver, not confirmed
    wecom_house.wecom("leave", userid=LIN)
    job = handing.start(from_userid=LIN, to_userid=CHEN, has_left=True, user_id=None)
    sending.round_of_sends()
    assert SendItem.objects.filter(send__userid=CHEN).count() == 0  # on the way: nobody has them yet
    jobs.run(job_id=job.pk)
    sending.round_of_sends()
    wecom_house.do("confirm")
    sending.round_of_sends()

    assert Job.objects.get(pk=job.pk).result == {"handed_over": 2, "stayed": 0, "on_the_way": 0, "groups": 1}
    assert sorted((d["userid"], d["target"]) for d in wecom_house.wecom_told("delivered")["delivered"]) == [
        (CHEN, "wmsiman"), (CHEN, "wmsimbo"),
    ]  # fmt: skip
    assert set(Follow.objects.values_list("userid", "ending")) == {(LIN, "handed_over"), (CHEN, "")}
    assert (Group.objects.get(chat_id=first).owner, HandOver.objects.get().finished_at) == (CHEN, NOON)


def test_a_hand_over_that_was_killed_asks_for_nobody_twice(wecom_house: WeCom):
    wecom_house.do("crowd", userids=[LIN], count=110)
    sync = syncing._open_run()
    for _ in range(2):
        syncing.read_page(sync, keep_alive=lambda: None)
    wecom_house.wecom("leave", userid=LIN)
    made = handing.open_one(from_userid=LIN, to_userid=CHEN, has_left=True)
    wecom_house.faults(drop_reply=1.0, for_calls=1, paths=["/cgi-bin/externalcontact/resigned/transfer_customer"])
    assert handing.ask(made) == 100  # the answer was lost: perhaps all of them went
    with pytest.raises(handing.HandOverRefused):
        handing.open_one(from_userid=LIN, to_userid=CHEN, has_left=True)
    job = Job.objects.create(kind=handing.KIND, params={"hand_over": made.pk})
    result = handing.run(job)

    assert result == {"handed_over": 110, "stayed": 0, "on_the_way": 0, "groups": 0}
    assert wecom_house.calls("resigned/transfer_customer") == {"0": 2}
    assert HandOverItem.objects.filter(state="done").count() == 110
