"""The community manager's pages: customers, live codes, groups, group sends; and the stage where WeCom is only played."""

from collections.abc import Callable

from django.test import Client

from apps.community import callbacks, syncing
from apps.community.models import GroupCode, HandOver, LiveCode
from apps.core import clock as house_clock
from apps.gateways import wecom_inbox
from apps.gateways.simulator.client import Client as Simulated
from apps.stores.models import Role
from tests.processes import Simulator

PLAN = {
    "name": "门店海报", "users1": ["sim-lin"], "days1": ["1", "7"], "from1": "00:00", "until1": "00:00",
    "spare": ["sim-chen"], "daily_limit": "20", "welcome": "欢迎", "tag": "",
}  # fmt: skip


def hear(house: Simulated) -> None:
    for request in house.wecom_told("callbacks", at=house_clock.now().isoformat())["requests"]:
        wecom_inbox.take(request["query"], request["body"].encode())
    callbacks.take_all()


def test_a_code_is_planned_played_and_shown_with_who_came_by_it(admin: Client, simulator: Simulator):
    played = Simulated(simulator.url)
    syncing.take_staff(["sim-lin", "sim-chen", "sim-wang"], moment=house_clock.now())
    assert "还没有企业微信客户" in admin.get("/console/wecom/").content.decode()
    wrong = admin.post("/console/wecom/codes/new/", PLAN | {"users1": []})
    assert (wrong.status_code, LiveCode.objects.count()) == (422, 0)
    assert admin.post("/console/wecom/codes/new/", PLAN).status_code == 302
    code = LiveCode.objects.get()
    assert (code.users, code.daily_limit, code.trouble) == (["sim-lin"], 20, "")
    said = admin.post("/console/wecom/play/", {"act": "add", "person": "an", "state": code.state})
    assert said.status_code == 302
    admin.post("/console/wecom/play/", {"act": "chats", "name": "会员群1", "userid": "sim-lin"})
    hear(played)

    assert "门店海报" in admin.get("/console/wecom/").content.decode()
    assert "今天新增 1 位" in admin.get("/console/wecom/?show=unknown").content.decode()
    assert "sim-lin" in admin.get("/console/wecom/codes/").content.decode()
    page = admin.get("/console/wecom/groups/").content.decode()
    assert "会员群1" in page
    group = page.split('name="group" value="')[1].split('"')[0]
    admin.post("/console/wecom/groups/codes/", {"group": group, "name": "门店群", "base_name": "会员群"})
    assert GroupCode.objects.get().trouble == ""
    admin.post("/console/wecom/play/", {"act": "join", "person": "an", "state": GroupCode.objects.get().state})
    hear(played)
    link = page.split('<a class="c-link" href="/console/wecom/groups/')[1].split('"')[0]
    assert "谁退了群" in admin.get(f"/console/wecom/groups/{link}").content.decode()
    assert "还没有群发" in admin.get("/console/wecom/sends/").content.decode()
    assert "会员群1 · 2" in admin.get("/console/wecom/play/").content.decode()


def test_a_hand_over_begins_once_and_a_clerk_sees_none_of_it(
    admin: Client, at: Callable[..., Client], simulator: Simulator
):
    syncing.take_staff(["sim-lin", "sim-chen"], moment=house_clock.now())
    asked = {"from": "sim-lin", "to": "sim-chen", "has_left": "1"}
    for _ in range(2):
        assert admin.post("/console/wecom/hand-over/", asked).status_code == 302

    assert HandOver.objects.count() == 1
    clerk = at(Role.CLERK)
    assert {clerk.get(f"/console/wecom/{page}").status_code for page in ("", "codes/", "groups/", "play/")} == {403}
    assert at(Role.ANALYST).post("/console/wecom/hand-over/", asked).status_code == 403
