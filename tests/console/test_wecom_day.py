"""The community manager's day, group tasks and invitations on their pages."""

from collections.abc import Callable

from django.test import Client

from apps.community import group_codes
from apps.community.models import Group, GroupCode, GroupTask, Invitee, Send, TaskDeed
from apps.core import clock as house_clock
from apps.core import ids
from apps.members import tagging
from apps.members.models import Member
from apps.stores.models import Role
from tests.api.visits import group_with_task
from tests.portal.doors import browser_of


def test_what_stands_open_is_on_one_page_and_a_task_goes_from_making_to_its_reward(
    admin: Client, at: Callable[..., Client]
):
    assert "没有待办" in admin.get("/console/wecom/today/").content.decode()
    member = Member.objects.exclude(status="erased").filter(merged_into=None).order_by("pk")[0]
    group_with_task(member.pk)
    Group.objects.update(people=480)
    GroupTask.objects.all().delete()
    Send.objects.create(
        userid="u-1", text="春季新品", state="pending", made_at=house_clock.now(), until=house_clock.now()
    )
    given = {
        "name": "晒茶席", "kind": "hand_in", "text": "晒一张茶席", "needed": "1", "first_on": "2026-11-22", "last_on": "2026-11-30",
        "points": "0", "coupon_key": "",
    }  # fmt: skip
    assert (admin.post("/console/wecom/tasks/", given).status_code, GroupTask.objects.count()) == (422, 0)
    assert admin.post("/console/wecom/tasks/", given | {"points": "50"}).status_code == 302
    task = GroupTask.objects.get()
    phone = browser_of(member.pk)
    assert "晒茶席" in phone.get("/my/groups/").content.decode()
    phone.post(f"/my/groups/tasks/{ids.encode('wgt', task.pk)}/", {"note": "我家的茶席"})
    page = admin.get("/console/wecom/today/").content.decode()
    for word in ("我家的茶席", "春季新品", "会员群1", "480"):
        assert word in page
    deed = f"/console/wecom/handed-in/{ids.encode('wgd', TaskDeed.objects.get().pk)}/"
    assert at(Role.ANALYST).post(deed, {"do": "yes"}).status_code == 403
    assert admin.post(deed, {"do": "yes"}).status_code == 302
    assert admin.post(f"/console/wecom/tasks/{ids.encode('wgt', task.pk)}/end/").status_code == 302

    assert TaskDeed.objects.get().state == "counted"
    assert "已结束" in admin.get("/console/wecom/tasks/").content.decode()


def test_a_code_gets_its_word_and_members_with_a_tag_are_invited_once(admin: Client):
    code = GroupCode.objects.create(
        name="门店群", state="gc-1", config_id="c", qr_url="https://wework.qpic.cn/1", base_name="群", chats=[],
        made_at=house_clock.now(),
    )  # fmt: skip
    member = Member.objects.filter(status="active", merged_into=None).order_by("pk")[0]
    tag_id = tagging.known_tags(["茶友"])["茶友"]
    tagging.give(member_ids=[member.pk], tag_ids=[tag_id], source="manual")
    found = f"/console/wecom/groups/codes/{ids.encode('wgk', code.pk)}/"
    assert admin.post(found, {"word": " 喝茶 ", "store": "", "is_shown": "1"}).status_code == 302
    page = admin.get("/console/wecom/invitations/").content.decode()
    assert "没有生效的关怀策略" in page
    given = {"tag": tag_id, "code": code.pk, "token": page.split('name="token" value="')[1].split('"')[0]}
    for _ in range(2):
        assert admin.post("/console/wecom/invitations/", given).status_code == 302

    code.refresh_from_db()
    assert (code.keyword, code.is_shown) == (group_codes.fold("喝茶"), True)
    assert list(Invitee.objects.values_list("member_id", flat=True)) == [member.pk]
    phone = browser_of(member.pk)
    assert "门店群" in phone.get("/my/groups/").content.decode()
    assert (
        phone.post("/my/groups/", {"word": "咖啡"}).status_code,
        phone.post("/my/groups/", {"word": "喝茶"}).status_code,
    ) == (404, 200)
