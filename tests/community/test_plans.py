"""Plans for groups: each step once, in its hours, within the group's quota; ended early nothing of it goes out."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from apps.community import plans, quotas, sending
from apps.community.models import Group, GroupPlan, GroupTodo, SendItem
from apps.core import brand
from apps.core.errors import ValidationFailed
from apps.followups import services as followups
from apps.followups.models import Task
from tests.community.conftest import CHEN, LIN, NOON, WeCom
from tests.community.test_groups import chat
from tests.community.test_pool import staffed

STEP = {"day": 0, "from": "10:00", "until": "14:00", "kind": "send", "text": "欢迎进群"}
BY_HAND = STEP | {"kind": "by_hand", "text": "发新人红包"}
TODAY = date(2026, 3, 2)


def plan(*steps: dict, **more: object) -> GroupPlan:
    given = {
        "name": "新群三天", "kind": "new_group", "starts_on": TODAY, "ends_on": None, "every_days": None, "group_ids": [],
        "steps": steps or (STEP,),
    }  # fmt: skip
    return plans.create(**given | more)


def todos() -> list[tuple[str, str, str]]:
    return list(GroupTodo.objects.order_by("pk").values_list("kind", "state", "code"))


def test_a_step_happens_once_in_its_hours_and_ends_as_the_owner_ended_it(wecom_house: WeCom):
    first = chat(wecom_house)
    plan()
    assert plans.sweep(moment=NOON - timedelta(hours=2, seconds=1))["todos"] == 0  # 9:59:59
    assert [plans.sweep(moment=NOON)["todos"] for _ in range(3)] == [1, 0, 0]
    assert plans.sweep(moment=NOON + timedelta(hours=2))["todos"] == 0  # 14:00: over
    sending.round_of_sends()
    wecom_house.do("confirm")
    sending.round_of_sends()
    assert plans.sweep(moment=NOON)["todos_ended"] == 1

    assert todos() == [("send", "done", "")]
    assert [(d["target"], d["userid"], d["text"]) for d in wecom_house.wecom_told("delivered")["delivered"]] == [
        (first, LIN, "欢迎进群")
    ]


def test_what_is_not_confirmed_by_the_end_of_its_hours_was_missed(
    wecom_house: WeCom, clock: Callable[[datetime], datetime]
):
    chat(wecom_house)
    plan()
    plans.sweep(moment=NOON)
    sending.round_of_sends()
    clock(NOON + timedelta(hours=2))
    assert sending.round_of_sends()["called_off"] == 1
    plans.sweep(moment=NOON + timedelta(hours=2))

    assert todos() == [("send", "missed", "NOT_CONFIRMED")]


def test_by_hand_is_the_owners_follow_up_and_done_with_it(wecom_house: WeCom, run_flows: Callable[..., None]):
    lin = staffed(LIN)
    chat(wecom_house)
    chat(wecom_house, "会员群2", owner=CHEN)
    plan(BY_HAND)
    plans.sweep(moment=NOON)
    run_flows()
    task = Task.objects.get(assignee=lin)
    assert (task.note, task.expires_at) == ("发新人红包", NOON + timedelta(hours=2))
    assert Task.objects.filter(assignee=None, store=None).count() == 1  # of an owner whom the house does not know
    followups.complete(task_id=task.pk, outcome="other", evidence="已发", by=followups.By(staff_id=lin.pk))
    run_flows()
    plans.sweep(moment=NOON + timedelta(hours=2))
    run_flows()

    assert todos() == [("by_hand", "done", ""), ("by_hand", "missed", "NOT_DONE")]
    assert sorted(Task.objects.values_list("state", flat=True)) == ["cancelled", "done"]


def test_ended_early_in_one_group_the_others_still_get_it(wecom_house: WeCom):
    first, second = chat(wecom_house), chat(wecom_house, "会员群2")
    made = plan()
    plans.sweep(moment=NOON)
    sending.round_of_sends()  # one task of one owner for both groups
    assert plans.end(plan_id=made.pk, group_id=Group.objects.get(chat_id=first).pk) == 1
    sending.round_of_sends()
    wecom_house.do("confirm")
    plans.sweep(moment=NOON)

    assert [d["target"] for d in wecom_house.wecom_told("delivered")["delivered"]] == [second]
    assert dict(GroupTodo.objects.values_list("group__chat_id", "state")) == {first: "cancelled", second: "open"}
    assert SendItem.objects.get(group__chat_id=first).code == "CALLED_OFF"


def test_what_wecom_did_not_hear_is_called_off_later(wecom_house: WeCom):
    chat(wecom_house)
    made = plan()
    plans.sweep(moment=NOON)
    sending.round_of_sends()
    wecom_house.faults(busy=1.0, for_calls=1, paths=["/cgi-bin/externalcontact/cancel_groupmsg_send"])
    assert plans.end(plan_id=made.pk) == 1
    assert SendItem.objects.get().state == "tasked"
    assert plans.sweep(moment=NOON)["todos"] == 0
    wecom_house.do("confirm")

    assert (SendItem.objects.get().state, wecom_house.wecom_told("delivered")["delivered"]) == ("failed", [])


def test_the_groups_quota_says_no_before_wecom_does(wecom_house: WeCom):
    brand.write(quotas.SPAN, "day")
    chat(wecom_house)
    plan(STEP, STEP | {"text": "第二条"})
    plans.sweep(moment=NOON)

    assert sorted(todos()) == [("send", "missed", "WECOM_QUOTA"), ("send", "open", "")]
    assert SendItem.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "more", "day", "falls_on"),
    [
        ("new_group", {}, 2, [4]),  # made on the 2nd
        ("cycle", {"every_days": 3}, 1, [3, 6, 9]),
        ("cycle", {"every_days": 3, "ends_on": date(2026, 3, 6)}, 1, [3, 6]),
        ("festival", {"starts_on": date(2026, 3, 8)}, -1, [7]),
    ],
)
def test_days_count_from_what_the_plan_is_about(db: None, kind: str, more: dict, day: int, falls_on: list[int]):
    made = plan(STEP | {"day": day}, kind=kind, **more)
    days = [n for n in range(1, 11) if plans.days_of(made, made.steps[0], today=date(2026, 3, n), made_on=TODAY)]
    assert days == falls_on


def test_a_plan_that_makes_no_sense_is_refused_whole(db: None):
    with pytest.raises(ValidationFailed) as refused:
        plan(STEP | {"from": "14:00", "until": "10:00"}, name=" ", every_days=3, ends_on=date(2026, 3, 1))

    pointers = [error["pointer"] for error in refused.value.facts["errors"]]
    assert pointers == ["/name", "/ends_on", "/every_days", "/steps/0"]
    assert GroupPlan.objects.count() == 0
