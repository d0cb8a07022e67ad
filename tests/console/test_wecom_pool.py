"""The pool and the plans on their pages: who may take whom, the rules, ending early."""

from collections.abc import Callable

from django.test import Client

from apps.community import plans, pool, syncing
from apps.community.models import Account, Contact, Follow, GroupPlan, GroupTodo, PoolCase
from apps.community.settings import POOL
from apps.core import brand, ids
from apps.core import clock as house_clock
from apps.gateways.simulator.client import Client as Simulated
from apps.stores.models import Role, Staff, Store
from tests.console.test_community import hear
from tests.processes import Simulator

EMPTY_STEP = {"day": "0", "from": "10:00", "until": "23:00", "kind": "by_hand", "text": ""}


def customers(owner: Staff, *names: str) -> list[int]:
    """Customers of a colleague in WeCom, without WeCom."""
    moment = house_clock.now()
    syncing.take_staff([f"u-{owner.pk}"], moment=moment)
    Account.objects.filter(userid=f"u-{owner.pk}").update(staff=owner)
    made = []
    for name in names:
        row = Contact.objects.create(external_userid=f"wm{name}", name=name, first_at=moment, seen_at=moment)
        Follow.objects.create(contact=row, userid=f"u-{owner.pk}", since_at=moment, seen_at=moment)
        made.append(row.pk)
    return made


def test_a_customer_goes_into_the_pool_is_held_on_to_and_taken_by_who_may(admin: Client, at: Callable[..., Client]):
    clerk = Staff.objects.get(role=Role.CLERK)
    other = Staff.objects.create(code="C-far", name="远方", role=Role.CLERK, store=Store.objects.get(code="FAR"))
    first, second = customers(other, "安安", "宝宝")
    syncing.take_staff([f"u-{other.pk}", "u-clerk"], moment=house_clock.now())
    Account.objects.filter(userid="u-clerk").update(staff=clerk)
    assert "池里没有客户" in admin.get("/console/wecom/pool/").content.decode()
    one, two = (f"/console/wecom/customers/{ids.encode('wct', key)}/" for key in (first, second))
    assert [admin.post(one, {"do": "back"}).status_code, admin.post(two, {"do": "lock"}).status_code] == [302, 302]
    assert Follow.objects.get(contact_id=second).locked_until is not None
    assert "锁定至" in admin.get("/console/wecom/").content.decode()
    case = PoolCase.objects.get()
    act = f"/console/wecom/pool/{ids.encode('wpc', case.pk)}/"
    taker = at(Role.CLERK)
    assert taker.post(act, {"do": "take"}).status_code == 404  # of another store
    assert "安" not in taker.get("/console/wecom/pool/").content.decode().split("<main")[1]
    Staff.objects.filter(pk=other.pk).update(store=clerk.store)
    assert "领取" in taker.get("/console/wecom/pool/").content.decode()
    assert taker.post(act, {"do": "give", "to": "u-clerk"}).status_code == 404  # only managers give
    assert taker.post(act, {"do": "take"}).status_code == 302

    case.refresh_from_db()
    assert (case.state, case.taken_by) == ("taken", "u-clerk")
    assert [taker.post(one, {"do": "lock"}).status_code, taker.get("/console/wecom/pool/rules/").status_code] == [
        403,
        403,
    ]


def test_the_rules_are_kept_whole_or_not_at_all(admin: Client):
    given = {"is_on": "on", "follow_days": "30", "deal_days": "0", "notice_days": "3", "most": "0", "locks": "5"}
    wrong = admin.post("/console/wecom/pool/rules/", given | {"notice_days": "30"})
    assert (wrong.status_code, brand.read(POOL)["is_on"]) == (422, False)
    assert admin.post("/console/wecom/pool/rules/", given).status_code == 302

    assert brand.read(POOL) == {
        "is_on": True, "follow_days": 30, "deal_days": 0, "notice_days": 3, "most": 0, "locks": 5,
    }  # fmt: skip
    assert pool.recycle(moment=house_clock.now())["warned"] == 0


def test_a_plan_is_made_seen_and_ended_in_one_group(admin: Client, simulator: Simulator):
    played = Simulated(simulator.url)
    played.wecom("chats", name="会员群1", owner="sim-lin", at=house_clock.now().isoformat())
    hear(played)
    given = {
        "name": "欢迎三天", "kind": "new_group", "starts_on": "2026-11-22", "ends_on": "", "every_days": "",
        **{f"{name}{n}": value for n in range(1, 9) for name, value in EMPTY_STEP.items()},
    }  # fmt: skip
    wrong = admin.post("/console/wecom/plans/new/", given | {"text1": "发红包", "until1": "09:00"})
    assert (wrong.status_code, GroupPlan.objects.count()) == (422, 0)
    assert admin.post("/console/wecom/plans/new/", given | {"text1": "发红包"}).status_code == 302
    made = GroupPlan.objects.get()
    assert plans.sweep(moment=house_clock.now())["todos"] == 1
    address = f"/console/wecom/plans/{ids.encode('wgp', made.pk)}/"
    page = admin.get(address).content.decode()
    assert "发红包" in page
    group = page.split('name="group" value="')[1].split('"')[0]
    assert admin.post(f"{address}end/", {"group": group}).status_code == 302

    assert GroupTodo.objects.get().state == "cancelled"
    assert "提前结束" in admin.get(address).content.decode()
    assert "欢迎三天" in admin.get("/console/wecom/plans/").content.decode()
