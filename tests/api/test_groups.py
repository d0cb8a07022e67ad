"""Groups by the API: codes, a word, tasks; what a member may not do writes nothing."""

import pytest

from apps.community.models import TaskDeed
from apps.core import ids
from tests.api.visits import group_with_task

pytestmark = pytest.mark.django_db


def test_a_member_finds_a_group_checks_in_and_is_told_how_it_stands(new_member):
    me, stranger = new_member("阿青", number=1), new_member("小林", number=2)
    task = group_with_task(me.member.pk)
    seen = me.get("me/groups").data
    assert ([one["name"] for one in seen["codes"]], [one["key"] for one in seen["groups"]]) == (
        ["门店群"],
        ["group-wr1"],
    )
    assert me.post("me/groups:find", {"word": " 喝茶 "}).data["name"] == "门店群"
    unknown = me.post("me/groups:find", {"word": "咖啡"})
    assert (unknown.status_code, unknown.data["code"]) == (404, "community_word_unknown")
    path = f"me/group-tasks/{ids.encode('wgt', task.pk)}:do"
    refused = stranger.post(path, {})
    assert (refused.status_code, refused.data["code"]) == (409, "community_not_in_group")
    assert TaskDeed.objects.count() == 0
    assert stranger.get("me/group-tasks").data == []
    assert [me.get("me/group-tasks").data[0]["counted"], me.post(path, {}).data["is_rewarded"]] == [0, True]
    assert me.post(path, {}).data["counted"] == 1
