"""Tags of two records that become one: by group and last day, and undone with the merge."""

from datetime import timedelta

import pytest

from apps.core import clock as house_clock
from apps.flows import member_merged
from apps.members import tagging
from apps.members.models import (
    Member,
    MemberTag,
    MergeMove,
    Tag,
    TagGroup,
)  # fmt: skip
from tests.flows.pairs import MOMENT, merge


def tag(
    member_id: int, name: str, *, days_ago: int = 1, lasts: int | None = None, group: TagGroup | None = None
) -> None:
    """As if it had been given so many days ago, to last so many days from today on."""
    found, _is_new = Tag.objects.get_or_create(name=name, defaults={"group": group})
    today = house_clock.local_date(house_clock.now())
    MemberTag.objects.create(
        member_id=member_id, tag=found, source="manual", given_by="user:1", exclusive_group=group,
        given_at=MOMENT - timedelta(days=days_ago), expires_on=None if lasts is None else today + timedelta(days=lasts),
    )  # fmt: skip


def tags(member_id: int) -> dict[str, int | None]:
    """Name → days it still lasts. The fast copy on the member must say the same."""
    today = house_clock.local_date(house_clock.now())
    rows = MemberTag.objects.filter(member_id=member_id).select_related("tag")
    found = {row.tag.name: row.expires_on and (row.expires_on - today).days for row in rows}
    assert Member.objects.get(pk=member_id).tags == sorted(found)
    return found


@pytest.fixture
def tagged(two) -> tuple[int, int]:
    """Tags that both have, and of groups that allow one."""
    mine, theirs = two
    size, mood, cup = (TagGroup.objects.create(name=name, is_exclusive=True) for name in ("size", "mood", "cup"))
    tag(mine, "会员日", lasts=3)
    tag(theirs, "会员日", lasts=30)
    tag(mine, "长期")
    tag(theirs, "长期", lasts=5)
    tag(mine, "M码", days_ago=9, group=size)
    tag(theirs, "L码", days_ago=2, group=size)
    tag(mine, "开心", days_ago=2, group=mood)
    tag(theirs, "平静", days_ago=9, group=mood)
    tag(mine, "大杯", days_ago=9, group=cup)
    tag(theirs, "小杯", days_ago=2, lasts=-1, group=cup)
    return two


MERGED = {"老客": None, "直播": None, "会员日": 30, "长期": None, "L码": None, "开心": None, "大杯": None}


def test_tags_of_both_come_to_the_survivor_by_group_and_last_day(tagged):
    before = tags(tagged[0]), tags(tagged[1])
    said = member_merged.preview(survivor_id=tagged[0], loser_id=tagged[1])
    assert {one.name for one in said.tags} == set(MERGED)
    assert {one.name for one in said.tags if one.is_theirs} == {"直播", "L码"}

    merge_id = merge(tagged)

    assert tags(tagged[0]) == MERGED
    assert tags(tagged[1]) == {}
    [load] = [load for load in said.loads if load.model == "members.MemberTag"]
    assert (load.moving, load.staying) == (2, 4)
    [moved] = MergeMove.objects.filter(merge_id=merge_id, model="members.MemberTag")
    assert len(moved.row_ids) == 2
    member_merged.unmerge(merge_id=merge_id)
    assert (tags(tagged[0]), tags(tagged[1])) == before


def test_a_tag_taken_after_the_merge_does_not_come_back_by_itself(tagged, run_flows):
    merge_id = merge(tagged)
    tagging.take(member_ids=[tagged[0]], tag_ids=[Tag.objects.get(name="会员日").pk])

    run_flows()
    member_merged.settle_merge(merge_id=merge_id)

    assert "会员日" not in tags(tagged[0])


def test_an_act_on_tags_is_undone_on_the_record_that_counts(two):
    act = tagging.take(member_ids=[two[1]], tag_ids=[Tag.objects.get(name="直播").pk]).act_id
    merge_id = merge(two)

    tagging.undo(act_id=act)

    assert tags(two[0]) == {"老客": None, "直播": None}
    assert tags(two[1]) == {}
    member_merged.unmerge(merge_id=merge_id)
    assert set(tags(two[0])) | set(tags(two[1])) == {"老客", "直播"}


def test_an_act_undone_after_the_merge_stays_undone_when_the_merge_is(tagged):
    act = tagging.give(member_ids=[tagged[0]], tag_ids=[Tag.objects.get(name="平静").pk], source="manual").act_id
    before = tags(tagged[1])
    merge_id = merge(tagged)
    tagging.undo(act_id=act)

    member_merged.unmerge(merge_id=merge_id)

    assert "平静" not in tags(tagged[0])
    assert tags(tagged[1]) == before
