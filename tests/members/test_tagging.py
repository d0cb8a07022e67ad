"""Tags on members: who gave them, until when, one of an exclusive group at a time, and the copy that lists read."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection, transaction

from apps.core import requests
from apps.core.errors import NotFound, ValidationFailed
from apps.core.models import AuditEntry
from apps.members import services as members
from apps.members import tag_lists, tagging
from apps.members.errors import GroupNotExclusive, TagNameTaken, TagsExclude, TooLateToUndo
from apps.members.models import Member, MemberTag, Tag, TagAct, TakenTag
from tests.waiting import somebody_waits, until

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
MANUAL = MemberTag.Source.MANUAL


def tags(member_id: int) -> list[str]:
    return Member.objects.values_list("tags", flat=True).get(pk=member_id)


def rows(member_id: int) -> list[tuple]:
    found = MemberTag.objects.filter(member_id=member_id).order_by("tag__name")
    return list(found.values_list("tag__name", "source", "given_by", "expires_on"))


@pytest.fixture
def crowd(db: None) -> list[int]:
    return [members.register(source="test", nickname=f"客{n}") for n in range(3)]


@pytest.fixture
def size(db: None) -> dict[str, int]:
    """An exclusive group with three tags."""
    group = tag_lists.add_group(name="尺码", is_exclusive=True)
    return {name: tag_lists.add_tag(name=name, group_id=group) for name in ("大", "中", "小")} | {"group": group}


def test_a_tag_goes_to_many_members_once_with_its_source_and_giver(crowd: list[int]):
    vip = tag_lists.add_tag(name="常客")
    with requests.acting(actor="user:7"):
        given = tagging.give(member_ids=crowd, tag_ids=[vip], source=MemberTag.Source.WECOM)
    again = tagging.give(member_ids=crowd, tag_ids=[vip], source=MANUAL)

    assert (given.members, again.members) == (3, 0)
    assert [tags(key) for key in crowd] == [["常客"]] * 3
    assert rows(crowd[0]) == [("常客", "wecom", "user:7", None)]


def test_a_tag_of_an_exclusive_group_replaces_the_other_one_and_undo_puts_it_back(crowd: list[int], size: dict):
    loose = tag_lists.add_tag(name="爱茶")
    tagging.give(member_ids=crowd, tag_ids=[size["大"], loose], source="import")
    changed = tagging.give(member_ids=crowd[:2], tag_ids=[size["小"]], source=MANUAL)

    assert [tags(key) for key in crowd] == [["小", "爱茶"], ["小", "爱茶"], ["大", "爱茶"]]

    assert tagging.undo(act_id=changed.act_id) == 2
    assert [tags(key) for key in crowd] == [["大", "爱茶"]] * 3
    assert rows(crowd[0])[0] == ("大", "import", "system", None)
    with pytest.raises(TooLateToUndo):
        tagging.undo(act_id=changed.act_id)


def test_two_tags_of_an_exclusive_group_at_once_are_refused_and_nothing_is_written(crowd: list[int], size: dict):
    with pytest.raises(TagsExclude) as refusal:
        tagging.give(member_ids=crowd, tag_ids=[size["大"], size["小"]], source=MANUAL)
    with pytest.raises(NotFound):
        tagging.give(member_ids=crowd, tag_ids=[size["大"], 999_999], source=MANUAL)

    assert refusal.value.facts == {"group": "尺码"}
    assert (MemberTag.objects.count(), TagAct.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_of_twelve_hands_giving_different_tags_of_an_exclusive_group_one_remains_and_the_copy_agrees():
    group = tag_lists.add_group(name="尺码", is_exclusive=True)
    choices = [tag_lists.add_tag(name=f"尺{n}", group_id=group) for n in range(12)]
    member_id = members.register(source="test")
    start, problems = Barrier(12), []

    def give(tag_id: int) -> None:
        try:
            start.wait()
            tagging.give(member_ids=[member_id], tag_ids=[tag_id], source=MANUAL)
        except Exception as problem:
            problems.append(problem)
        finally:
            connection.close()

    threads = [Thread(target=give, args=(tag_id,)) for tag_id in choices]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert problems == []
    assert MemberTag.objects.filter(member_id=member_id).count() == 1
    assert TakenTag.objects.count() == 11
    assert tags(member_id) == [MemberTag.objects.get(member_id=member_id).tag.name]


@pytest.mark.django_db(transaction=True)
def test_a_tag_that_expires_while_another_is_given_leaves_a_copy_that_agrees(clock: Callable):
    clock(NOON)
    member_id = members.register(source="test")
    old, new = tag_lists.add_tag(name="旧"), tag_lists.add_tag(name="新")
    tagging.give(member_ids=[member_id], tag_ids=[old], source=MANUAL, expires_on=TODAY)

    def expire() -> None:
        tagging.expire(today=TODAY + timedelta(days=1))
        connection.close()

    other = Thread(target=expire)
    with transaction.atomic():
        tagging.give(member_ids=[member_id], tag_ids=[new], source=MANUAL)
        other.start()
        until(lambda: somebody_waits() or not other.is_alive())
    other.join()

    assert tags(member_id) == ["新"]


def test_a_tag_lasts_through_its_last_day(crowd: list[int], clock: Callable):
    clock(NOON)
    summer = tag_lists.add_tag(name="夏日活动")
    tagging.give(member_ids=crowd, tag_ids=[summer], source=MANUAL, expires_on=TODAY)

    assert tagging.expire(today=TODAY) == 0
    assert tagging.expire(today=TODAY + timedelta(days=1)) == 3
    assert tags(crowd[0]) == []
    with pytest.raises(ValidationFailed):
        tagging.give(member_ids=crowd, tag_ids=[summer], source=MANUAL, expires_on=TODAY - timedelta(days=1))


def test_a_new_last_day_takes_the_place_of_the_old_one_until_undone(crowd: list[int], clock: Callable):
    clock(NOON)
    tag = tag_lists.add_tag(name="夏日活动")
    tagging.give(member_ids=crowd[:1], tag_ids=[tag], source=MANUAL, expires_on=TODAY)
    later = tagging.give(member_ids=crowd[:1], tag_ids=[tag], source=MANUAL, expires_on=TODAY + timedelta(days=9))

    assert rows(crowd[0])[0][3] == TODAY + timedelta(days=9)
    tagging.undo(act_id=later.act_id)
    assert rows(crowd[0])[0][3] == TODAY


def test_undo_leaves_alone_what_somebody_changed_since_and_ends_after_a_day(
    crowd: list[int], size: dict, clock: Callable
):
    clock(NOON)
    first = tagging.give(member_ids=crowd, tag_ids=[size["大"]], source=MANUAL)
    tagging.give(member_ids=crowd[:1], tag_ids=[size["小"]], source=MANUAL)
    tagging.undo(act_id=first.act_id)

    assert [tags(key) for key in crowd] == [["小"], [], []]

    taken = tagging.take(member_ids=crowd, tag_ids=[size["小"]])
    clock(NOON + timedelta(days=1, seconds=1))
    with pytest.raises(TooLateToUndo):
        tagging.undo(act_id=taken.act_id)
    assert (taken.members, tags(crowd[0])) == (1, [])


def test_the_editor_sets_names_keeps_what_stays_and_makes_unheard_ones_tags(crowd: list[int], size: dict):
    tagging.give(member_ids=crowd[:1], tag_ids=[size["大"]], source="wecom")
    assert members.set_tags(member_id=crowd[0], tags=["大", " 爱  茶 ", "爱 茶"]) == ["大", "爱 茶"]
    assert rows(crowd[0]) == [("大", "wecom", "system", None), ("爱 茶", "manual", "system", None)]

    with pytest.raises(TagsExclude):
        members.set_tags(member_id=crowd[0], tags=["大", "小"])
    with pytest.raises(NotFound):
        members.set_tags(member_id=0, tags=["大"])
    assert tags(crowd[0]) == ["大", "爱 茶"]


def test_names_of_a_file_come_once_and_the_last_of_an_exclusive_group_stays(crowd: list[int], size: dict):
    pairs = [(crowd[0], "大"), (crowd[1], "中"), (crowd[1], "新词")]
    assert tagging.give_named(pairs=pairs, source="import") == (3, 2)
    assert tagging.give_named(pairs=pairs, source="import") == (0, 0)
    tagging.give_named(pairs=[(crowd[0], "小")], source="import")

    assert [tags(key) for key in crowd] == [["小"], ["中", "新词"], []]


def test_a_renamed_tag_is_renamed_on_its_members(crowd: list[int]):
    tag = tag_lists.add_tag(name="常客")
    tag_lists.add_tag(name="老客")
    tagging.give(member_ids=crowd, tag_ids=[tag], source=MANUAL)
    with requests.acting(actor="user:7"):
        tag_lists.change_tag(tag_id=tag, name="熟客", group_id=None)

    assert [tags(key) for key in crowd] == [["熟客"]] * 3
    line = AuditEntry.objects.filter(object_type="members_tag").latest("id")
    assert (line.actor, line.before, line.after) == ("user:7", {"name": "常客"}, {"name": "熟客"})
    with pytest.raises(TagNameTaken):
        tag_lists.change_tag(tag_id=tag, name="老客", group_id=None)
    with pytest.raises(ValidationFailed):
        tag_lists.change_tag(tag_id=tag, name="a,b", group_id=None)
    assert tags(crowd[0]) == ["熟客"]


def test_a_group_with_members_of_two_tags_does_not_become_exclusive(crowd: list[int]):
    group = tag_lists.add_group(name="口味")
    sweet, salty = (tag_lists.add_tag(name=name, group_id=group) for name in ("甜", "咸"))
    tagging.give(member_ids=crowd, tag_ids=[sweet], source=MANUAL)
    tagging.give(member_ids=crowd[:2], tag_ids=[salty], source=MANUAL)

    with pytest.raises(GroupNotExclusive) as refusal:
        tag_lists.change_group(group_id=group, name="口味", is_exclusive=True)
    assert (refusal.value.facts, tag_lists.groups()[0][0].is_exclusive) == ({"members": 2}, False)

    tagging.take(member_ids=crowd[:2], tag_ids=[salty])
    tag_lists.change_group(group_id=group, name="口味", is_exclusive=True)
    tagging.give(member_ids=crowd, tag_ids=[salty], source=MANUAL)
    assert [tags(key) for key in crowd] == [["咸"]] * 3


def test_a_tag_moved_into_an_exclusive_group_excludes_from_then_on(crowd: list[int], size: dict):
    loose = tag_lists.add_tag(name="均码")
    tagging.give(member_ids=crowd[:1], tag_ids=[loose], source=MANUAL)
    tagging.give(member_ids=crowd[1:2], tag_ids=[size["大"]], source=MANUAL)
    tag_lists.change_tag(tag_id=loose, name="均码", group_id=size["group"])
    tagging.give(member_ids=crowd[:1], tag_ids=[size["小"]], source=MANUAL)

    assert [tags(key) for key in crowd[:2]] == [["小"], ["大"]]
    tag_lists.remove_group(group_id=size["group"])
    tagging.give(member_ids=crowd[:1], tag_ids=[size["大"]], source=MANUAL)
    assert tags(crowd[0]) == ["大", "小"]


def test_merged_tags_leave_one_and_say_whom_an_exclusive_group_left_out(crowd: list[int], size: dict):
    gone = tag_lists.add_tag(name="L号")
    tagging.give(member_ids=crowd, tag_ids=[gone], source=MANUAL)
    tagging.give(member_ids=crowd[:1], tag_ids=[size["大"]], source=MANUAL)
    tagging.give(member_ids=crowd[1:2], tag_ids=[size["小"]], source=MANUAL)

    merged = tag_lists.merge_tags(tag_id=gone, into_id=size["大"])

    assert (merged.moved, merged.dropped) == (1, 1)
    assert [tags(key) for key in crowd] == [["大"], ["小"], ["大"]]
    assert Tag.objects.filter(name="L号").exists() is False


def test_two_tags_of_one_exclusive_group_can_be_merged(crowd: list[int], size: dict):
    tagging.give(member_ids=crowd, tag_ids=[size["大"]], source=MANUAL)
    merged = tag_lists.merge_tags(tag_id=size["大"], into_id=size["中"])

    assert (merged.moved, merged.dropped) == (3, 0)
    assert [tags(key) for key in crowd] == [["中"]] * 3
    assert tag_lists.remove_tag(tag_id=size["中"]) == 3
    assert tags(crowd[0]) == []
