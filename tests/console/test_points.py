"""Points on staff pages: the statement in words, corrections within and over a limit, the second person's page."""

from collections.abc import Callable
from datetime import timedelta

from django.test import Client
from django.urls import reverse

from apps.analytics import insiders
from apps.core import approvals, ids
from apps.core.models import Alert, Approval, AuditEntry
from apps.flows.models import OwnCard
from apps.points import selectors
from apps.points import services as points
from apps.points.models import Currency, Entry
from apps.stores.models import Role, Staff
from tests.console.world import House


def body(house: House, amount: int = 200, **more: str) -> dict[str, str]:
    return {"direction": "plus", "amount": str(amount), "reason": "补记线下订单", "request_key": "abcdefghijkl"} | more


def balance(house: House, where: str = "mine") -> int:
    return selectors.totals(member_id=house.members[where].pk).balance


def test_the_statement_says_in_words_what_happened(house: House, at: Callable[..., Client]):
    member = house.members["mine"].pk
    order = house.orders["mine"]
    earned = points.earn(member_id=member, amount=120, source=f"order:{order.pk}")
    points.spend(member_id=member, amount=120, source="exchange:1")
    points.reverse(entry_id=earned.entry_id, amount=120, source="refund:77")

    page = at(Role.MANAGER).get(reverse("console:member_points", args=[house.member_id("mine")])).content.decode()

    assert order.order_no in page
    assert "积分商城" in page
    assert "另欠 120" in page
    assert reverse("console:order", args=[house.order_id("mine")]) in page


def test_the_statement_is_fetched_as_a_file_by_whom_it_may_and_that_is_written_down(
    house: House, at: Callable[..., Client]
):
    staff = Staff.objects.get(user=house.users[Role.MANAGER])
    by = points.By(staff_id=staff.pk, note="补记")
    points.adjust(member_id=house.members["mine"].pk, amount=30, source="console:1", by=by, moment=house.moment)
    mine, far = (reverse("console:points_statement", args=[house.member_id(where)]) for where in ("mine", "far"))

    sheet = at(Role.CLERK).get(mine).content.decode("utf-8-sig").splitlines()

    assert sheet[1] == f"2026-11-22 12:00:00,人工调整,,补记,30,30,{staff.code}"
    assert at(Role.CLERK).get(far).status_code == 404
    assert AuditEntry.objects.filter(action="points.statement_fetched").count() == 1


def test_a_correction_within_the_limit_is_booked_once_for_a_double_click(house: House, at: Callable[..., Client]):
    url = reverse("console:points_adjust", args=[house.member_id("mine")])
    manager = at(Role.MANAGER)

    manager.post(url, body(house))
    manager.post(url, body(house))

    assert balance(house) == 200
    assert Entry.objects.count() == 1


def test_nobody_corrects_or_agrees_on_their_own_card(house: House, at: Callable[..., Client]):
    member = house.members["mine"].pk
    staff = {role: Staff.objects.get(user=house.users[role]).pk for role in (Role.MANAGER, Role.AGENT)}
    OwnCard.objects.create(staff_id=staff[Role.MANAGER], member_id=member)
    url = reverse("console:points_adjust", args=[house.member_id("mine")])

    assert at(Role.MANAGER).post(url, body(house)).status_code == 409
    assert "这是你本人的卡" in at(Role.MANAGER).post(url, body(house)).content.decode()
    at(Role.AGENT).post(url, body(house, 900))
    asked = Approval.objects.get()
    decide = reverse("console:approval_decide", args=[ids.encode("apr", asked.pk)])
    at(Role.MANAGER).post(decide, {"verdict": "agree"})
    asked.refresh_from_db()
    assert (asked.state, balance(house), Entry.objects.filter(kind="adjust").count()) == ("waiting", 0, 0)


def test_over_the_limit_another_person_decides_in_one_tap(house: House, at: Callable[..., Client]):
    manager = at(Role.MANAGER)
    manager.post(reverse("console:points_adjust", args=[house.member_id("mine")]), body(house, 1_500))
    asked = Approval.objects.get()
    decide = reverse("console:approval_decide", args=[public_of(asked)])
    assert balance(house) == 0

    own = manager.get(reverse("console:approvals")).content.decode()
    assert "由他人决定" in own
    manager.post(decide, {"verdict": "agree"})
    assert balance(house) == 0

    regional = at(Role.REGION_MANAGER)
    page = regional.get(reverse("console:approvals")).content.decode()
    assert "补记线下订单" in page
    assert "1,500 (+1,500)" in page
    regional.post(decide, {"verdict": "agree"})
    assert balance(house) == 1_500
    assert "已批准" in regional.get(reverse("console:approvals")).content.decode()


def test_a_manager_elsewhere_neither_sees_nor_decides(house: House, at: Callable[..., Client]):
    far = points_asked_in_the_far_store(house)

    manager = at(Role.MANAGER)
    assert "补记线下订单" not in manager.get(reverse("console:approvals")).content.decode()
    assert (
        manager.post(reverse("console:approval_decide", args=[public_of(far)]), {"verdict": "agree"}).status_code == 404
    )
    assert manager.get(reverse("console:member_points", args=[house.member_id("far")])).status_code == 404
    assert Approval.objects.get().state == "waiting"


def test_what_is_wrong_in_the_form_is_said_and_nothing_is_booked(house: House, at: Callable[..., Client]):
    url = reverse("console:points_adjust", args=[house.member_id("mine")])

    answer = at(Role.MANAGER).post(url, body(house, direction="minus"))
    assert answer.status_code == 409
    assert "积分余额 0 不足以支付 200" in answer.content.decode()
    assert at(Role.MANAGER).post(url, body(house, reason="好")).status_code == 422
    assert at(Role.CLERK).post(url, body(house)).status_code == 403
    assert Entry.objects.count() == 0


def test_old_lines_are_pages_away(house: House, at: Callable[..., Client]):
    member = house.members["mine"].pk
    for number in range(65):
        points.earn(member_id=member, amount=1, source=f"x:{number}", moment=house.moment + timedelta(seconds=number))
    client, url = at(Role.ADMIN), reverse("console:member_points", args=[house.member_id("mine")])

    seen, before = 0, ""
    for _page in range(3):
        page = client.get(url + before)
        seen += len(page.context["lines"])
        before = f"?currency=points&before={page.context['older']}"

    assert seen == 65
    assert page.context["older"] is None


def public_of(asked: Approval) -> str:
    return ids.encode("apr", asked.pk)


def points_asked_in_the_far_store(house: House) -> Approval:
    return approvals.ask(
        kind="points.adjust",
        source="points.adjust:far",
        params={"member_id": house.members["far"].pk, "amount": 9_000, "currency": "points"},
        reason="补记线下订单",
        user_id=house.users[Role.AGENT].pk,
        store_id=house.stores["far"].pk,
    )


def test_who_grants_far_more_than_the_store_is_named_with_the_reason_and_the_lines(
    house: House, at: Callable[..., Client]
):
    busy = Staff.objects.get(user=house.users[Role.MANAGER])
    for number in range(6):
        by = points.By(staff_id=busy.pk, store_id=busy.store_id, note=f"补记第{number}次")
        points.adjust(member_id=house.members["mine"].pk, amount=100, source=f"console:{number}", by=by)
    insiders.notice()
    admin, url = at(Role.ADMIN), reverse("console:hands")

    page = admin.get(f"{url}?staff={busy.pk}").content.decode()
    assert "6 次，门店中位数 0" in page
    assert "100 % 给同一位会员" in page
    assert "补记第5次" in page

    alert = Alert.objects.get()
    assert at(Role.CLERK).post(reverse("console:hands_seen"), {"alert": alert.pk}).status_code == 403
    admin.post(reverse("console:hands_seen"), {"alert": alert.pk})
    alert.refresh_from_db()
    assert alert.seen_by_id == house.users[Role.ADMIN].pk


def test_points_on_orders_are_tightened_by_one_and_loosened_by_two(house: House, at: Callable[..., Client]):
    url, save, marketer = (
        reverse("console:points_on_orders"),
        reverse("console:points_on_orders_save"),
        at(Role.MARKETER),
    )
    tight = {"cents_per_hundred": "1.00", "order_percent": "50", "day": "500"}

    marketer.post(save, tight)
    looks = at(Role.CLERK).get(url).content.decode()
    assert "100 积分抵 ¥1.00；每单最多抵 50%；每日最多 500 积分" in looks
    assert 'name="order_percent"' not in looks
    assert at(Role.CLERK).post(save, tight | {"day": "1"}).status_code == 403
    assert marketer.post(save, tight | {"order_percent": "101"}).status_code == 422

    marketer.post(save, tight | {"day": ""})
    assert Currency.objects.get(key="points").spend_limits == {"order_percent": 50, "day": 500}
    page = at(Role.ADMIN).get(reverse("console:approvals")).content.decode()
    assert "100 积分抵 ¥1.00；每单最多抵 50%<" in page
    approvals.decide(approval_id=Approval.objects.get().pk, user_id=house.users[Role.ADMIN].pk, is_agreed=True)
    assert Currency.objects.get(key="points").spend_limits == {"order_percent": 50}
