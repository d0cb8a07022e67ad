"""Tasks of groups: a check-in a day, in a row where asked, something handed in once it was looked at; one reward for each member."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from apps.community import deeds
from apps.community.models import Group, GroupTask, TaskDeed, TaskReward
from apps.core.errors import ValidationFailed
from apps.points.models import Entry
from tests.community.conftest import LIN, NOON, WeCom
from tests.community.test_contacts import member
from tests.community.test_groups import chat

DAY = timedelta(days=1)
TODAY = date(2026, 3, 2)


def task(**more: object) -> GroupTask:
    given = {
        "name": "三天打卡", "text": "", "kind": "check_in", "needed": 3, "is_in_a_row": False, "first_on": TODAY,
        "last_on": TODAY + 10 * DAY, "group_ids": [], "points": 50, "coupon_key": "",
    }  # fmt: skip
    return deeds.create(**given | more)


@pytest.fixture
def who(wecom_house: WeCom) -> int:
    """A member who is in a group."""
    found = member(1, union="an")
    wecom_house.do("add", userid=LIN, person="an")
    wecom_house.do("join", chat_id=chat(wecom_house), person="an")
    wecom_house.hear()
    return found


def do(row: GroupTask, who: int, *, after: int = 0, note: str = "") -> deeds.Standing:
    return deeds.do(task_id=row.pk, member_id=who, note=note, moment=NOON + after * DAY)


def earned() -> list[tuple[int, str]]:
    return list(Entry.objects.filter(source__startswith="group_task:").values_list("amount", "source"))


def test_a_day_counts_once_and_the_reward_comes_once(who: int, run_flows: Callable[..., None]):
    row = task()
    assert [do(row, who, after=n).counted for n in (0, 0, 1)] == [1, 1, 2]
    run_flows()
    assert (earned(), TaskReward.objects.count()) == ([], 0)
    assert do(row, who, after=5).is_rewarded
    assert do(row, who, after=6).counted == 4
    run_flows()

    assert earned() == [(50, f"group_task:{row.pk}:{who}")]


def test_in_a_row_a_missed_day_begins_anew(who: int):
    row = task(is_in_a_row=True)
    assert [do(row, who, after=n).counted for n in (0, 1, 3, 4)] == [1, 2, 1, 2]
    assert not TaskReward.objects.exists()
    assert do(row, who, after=5).is_rewarded


def test_who_is_in_none_of_the_groups_and_who_comes_early_or_late_writes_nothing(who: int):
    stranger, elsewhere = member(2), task(group_ids=[0])
    row = task(first_on=TODAY + DAY)
    for asked, whom, after, refusal in (
        (row, stranger, 1, deeds.NotInGroup),
        (elsewhere, who, 0, deeds.NotInGroup),
        (row, who, 0, deeds.TaskOver),
        (row, who, 11, deeds.TaskOver),
    ):
        with pytest.raises(refusal):
            do(asked, whom, after=after)
    deeds.end(task_id=row.pk)
    with pytest.raises(deeds.TaskOver):
        do(row, who, after=1)

    assert TaskDeed.objects.count() == 0
    Group.objects.update(dismissed_at=NOON)
    with pytest.raises(deeds.NotInGroup):
        do(task(), who)


def test_what_is_handed_in_counts_once_it_was_looked_at(who: int, run_flows: Callable[..., None]):
    row = task(kind="hand_in", needed=1)
    with pytest.raises(deeds.NothingHandedIn):
        do(row, who, note="  ")
    assert do(row, who, note="我的茶席").waits
    assert do(row, who, after=1, note="另一张").waits  # one waits already
    first = TaskDeed.objects.get()
    deeds.judge(deed_id=first.pk, is_right=False, moment=NOON)
    with pytest.raises(deeds.DeedSettled):
        deeds.judge(deed_id=first.pk, is_right=True, moment=NOON)
    do(row, who, note="重新交")
    deeds.judge(deed_id=TaskDeed.objects.get(state="waiting").pk, is_right=True, moment=NOON)
    run_flows()

    assert [one.note for one in TaskDeed.objects.filter(state="counted")] == ["重新交"]
    assert earned() == [(50, f"group_task:{row.pk}:{who}")]


def test_a_task_without_a_reward_or_with_more_check_ins_than_days_is_refused(db: None):
    with pytest.raises(ValidationFailed) as refused:
        task(points=0, needed=12)

    assert [error["pointer"] for error in refused.value.facts["errors"]] == ["/needed", "/points"]
    assert GroupTask.objects.count() == 0
