"""Groups for a member: codes that lead into one, groups they are in, tasks there."""

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import shapes
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import operation
from apps.community import deeds, groups, inviting
from apps.community.models import GroupCode
from apps.core import clock, ids

TASK, STORE = "wgt", "sto"


class GroupCodeOut(f.Serializer[Any]):
    name = f.CharField()
    store = f.CharField(allow_null=True)
    store_name = f.CharField(allow_blank=True)
    qr_url = f.CharField(
        help_text="picture of the code, at WeCom; it leads into a group with room whenever it is scanned"
    )


CODE_EXAMPLE = {
    "name": "武康路店会员群", "store": "sto_3f8k2m9pq7wxz", "store_name": "武康路店",
    "qr_url": "https://wework.qpic.cn/wwpic/000000_example/0",
}  # fmt: skip


class MyGroupOut(f.Serializer[Any]):
    name = f.CharField()
    key = f.CharField(help_text="coupons may ask for it")
    joined_at = f.DateTimeField()


class MyGroupsOut(f.Serializer[Any]):
    codes = GroupCodeOut(many=True, help_text="of your own store first, then those of no store")
    groups = MyGroupOut(many=True, help_text="that you are in, as far as we know you in WeCom")


GROUPS_EXAMPLE = {
    "codes": [CODE_EXAMPLE],
    "groups": [{"name": "会员群1", "key": "group-wr0001", "joined_at": "2026-11-20T12:00:00+08:00"}],
}  # fmt: skip


class GroupWordInput(Input):
    word = f.CharField(max_length=20, help_text="of a poster or a colleague; case and spaces do not matter")


class GroupTaskOut(f.Serializer[Any]):
    id = f.CharField()
    name = f.CharField()
    text = f.CharField(allow_blank=True)
    kind = f.CharField(help_text="open list: check_in, hand_in")
    needed = f.IntegerField(help_text="check-ins on different days")
    is_in_a_row = f.BooleanField()
    counted = f.IntegerField(help_text="that count now")
    is_today_done = f.BooleanField()
    waits = f.BooleanField(help_text="handed in, nobody has looked at it yet")
    is_refused = f.BooleanField(help_text="did not count; may be handed in anew")
    is_rewarded = f.BooleanField()
    points = f.IntegerField()
    first_on = f.DateField()
    last_on = f.DateField()


TASK_EXAMPLE = {
    "id": "wgt_3f8k2m9pq7wxz", "name": "七天打卡", "text": "每天在群里打卡", "kind": "check_in", "needed": 7, "is_in_a_row": True,
    "counted": 3, "is_today_done": True, "waits": False, "is_refused": False, "is_rewarded": False, "points": 50,
    "first_on": "2026-11-20", "last_on": "2026-12-20",
}  # fmt: skip


class GroupDeedInput(Input):
    note = f.CharField(max_length=300, required=False, help_text="what is handed in; nothing for a check-in")


class MyGroups(ApiView):
    route = "my_groups"

    @operation(
        "Codes into groups that are meant for you, and the groups you are in",
        answer=MyGroupsOut,
        example=GROUPS_EXAMPLE,
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        mine = groups.of_member(self.member_id)
        return self.tagged(
            {
                "codes": [_code(row) for row in inviting.for_member(self.member_id)],
                "groups": [
                    {"name": one["name"], "key": one["key"], "joined_at": shapes.at(one["joined_at"])} for one in mine
                ],
            }
        )


class GroupByWord(ApiView):
    route = "my_group_by_word"

    @operation(
        "The code that goes by a word",
        form=GroupWordInput,
        asks={"word": "喝茶"},
        answer=GroupCodeOut,
        example=CODE_EXAMPLE,
        problems=["community_word_unknown"],
    )
    def post(self, request: Request) -> Response:
        return Response(_code(inviting.by_word(self.read(GroupWordInput)["word"])))


class MyGroupTasks(ApiView):
    route = "my_group_tasks"

    @operation(
        "Tasks of your groups that are on", answer=GroupTaskOut(many=True), example=[TASK_EXAMPLE], is_tagged=True
    )
    def get(self, request: Request) -> HttpResponse:
        rows = deeds.standings(member_id=self.member_id, moment=clock.now())
        return self.tagged([_task(one) for one in rows])


class GroupTaskDeed(ApiView):
    route = "my_group_task_deed"

    @operation(
        "Check in for today, or hand in; today's again changes nothing",
        form=GroupDeedInput,
        asks={},
        answer=GroupTaskOut,
        example=TASK_EXAMPLE,
        problems=["not_found", "community_task_over", "community_not_in_group", "community_nothing_handed_in"],
    )
    def post(self, request: Request, group_task: str) -> Response:
        given = self.read(GroupDeedInput)
        stands = deeds.do(
            task_id=ids.decode(TASK, group_task),
            member_id=self.member_id,
            note=given.get("note", ""),
            moment=clock.now(),
        )
        return Response(_task(stands))


def _code(row: GroupCode) -> dict[str, Any]:
    store = row.store
    return {
        "name": row.name, "store": ids.encode(STORE, store.pk) if store else None,
        "store_name": store.name if store else "", "qr_url": row.qr_url,
    }  # fmt: skip


def _task(one: deeds.Standing) -> dict[str, Any]:
    task = one.task
    return {
        "id": ids.encode(TASK, task.pk), "name": task.name, "text": task.text, "kind": task.kind, "needed": task.needed,
        "is_in_a_row": task.is_in_a_row, "counted": one.counted, "is_today_done": one.is_today_done, "waits": one.waits,
        "is_refused": one.is_refused, "is_rewarded": one.is_rewarded, "points": task.points,
        "first_on": task.first_on.isoformat(), "last_on": task.last_on.isoformat(),
    }  # fmt: skip
