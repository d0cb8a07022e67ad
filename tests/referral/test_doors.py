"""The member's page and poster, the landing page, the console's page, program and file."""

from datetime import timedelta

import pytest
import segno
from django.test import Client
from django.urls import reverse

from apps.activity.models import Code
from apps.core import clock, ids
from apps.core.models import User
from apps.referral import commissions, poster, services
from apps.referral.models import Credit, Program, Withdrawal
from apps.stores.models import Role, Staff
from tests.console.world import enter
from tests.portal.doors import browser_of
from tests.referral.making import buys, friend_of, member, program

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    user = User.objects.create_user("market")
    Staff.objects.create(user=user, code="M1", name="市场", role=Role.MARKETER)
    enter(client, user)
    return client


def test_the_members_page_shows_the_code_the_promise_and_who_came_by_half_a_name(run_flows) -> None:
    advocate, now = member(), clock.now()
    page = browser_of(advocate.pk)
    assert "暂时不能邀请" in page.get(reverse("portal:invite")).content.decode()
    assert page.get(reverse("portal:invite_poster")).status_code == 409
    program()
    friend_of(advocate, "沈悦悦", at=now)
    run_flows()
    shown = page.get(reverse("portal:invite")).content.decode()
    slug = services.invite(member_id=advocate.pk).code.slug
    assert f"http://testserver/s/{slug}" in shown
    assert "沈*悦" in shown
    assert "沈悦悦" not in shown
    drawn = page.get(reverse("portal:invite_poster"))
    assert drawn["Content-Type"] == "image/svg+xml"
    assert "林*溪" in drawn.content.decode()
    assert "林若溪" not in drawn.content.decode()
    code = segno.make(f"http://testserver/s/{slug}", error="m", micro=False)
    assert poster.path_of(code) in drawn.content.decode()
    assert page.get(reverse("portal:invite_code")).content[:8] == b"\x89PNG\r\n\x1a\n"

    stranger = Client(headers={"User-Agent": "Mozilla/5.0 (iPhone) Safari/604.1", "Sec-Fetch-Mode": "navigate"})
    led = stranger.get(f"/s/{slug}", follow=True)
    assert led.redirect_chain[-1][0] == "/my/invited/"
    assert "林*溪" in led.content.decode()


def test_staff_set_the_program_see_advocates_name_them_and_take_the_file(staff: Client, run_flows) -> None:
    wrong = {"points": "200", "friend_points": "0", "coupon": "none-such", "least": "0", "keep_days": "0"}
    answer = staff.post(reverse("console:referral_program"), wrong)
    assert answer.status_code == 422
    assert not Program.objects.exists()
    right = wrong | {"is_on": "on", "coupon": "", "least": "99", "keep_days": "7", "leave_days": "30"}
    money = {"first": "5", "second": "6", "commission_days": "365", "freeze_days": "15", "withdrawal": "10"}
    right |= {"most_per_month": "20", "most_per_network": "5", "steps": "10:1500，3：300"} | money
    for odd in ({}, {"steps": "3"}):  # who invited the inviter never gets more than they; a step names points
        assert staff.post(reverse("console:referral_program"), right | odd).status_code == 422
    staff.post(reverse("console:referral_program"), right | {"second": "0.5"})
    names = ("is_on", "points", "least_cents", "first_permille", "second_permille", "least_withdrawal_cents")
    assert Program.objects.values_list(*names).get() == (True, 200, 9_900, 50, 5, 1_000)
    assert Program.objects.get().steps == [{"friends": 3, "points": 300}, {"friends": 10, "points": 1500}]

    advocate, now = member(), clock.now()
    friend = friend_of(advocate, at=now)
    run_flows()
    buys(friend, at=now)
    run_flows()
    file = staff.get(reverse("console:referral_csv")).content.decode()
    assert f"{advocate.member_no},林*溪,0,1,1,0,0,0.0000,0,99.00" in file
    page = staff.get(reverse("console:referral")).content.decode()
    assert "林*溪" in page
    assert "林若溪" not in page
    staff.post(reverse("console:referral_name"), {"member": [ids.encode("mem", advocate.pk)]})
    advocate.refresh_from_db()
    assert advocate.tags == [services.ADVOCATE]
    assert Credit.objects.count() == 1
    assert Code.objects.get().slug not in staff.get(reverse("console:codes")).content.decode()


def test_a_member_asks_for_commission_once_and_only_who_may_pay_settles_it(staff: Client, run_flows) -> None:
    program(first_permille=100, freeze_days=1, least_withdrawal_cents=100)
    advocate, now = member(), clock.now()
    friend = friend_of(advocate, at=now)
    run_flows()
    buys(friend, cents=10_000, at=now)
    run_flows()
    page = browser_of(advocate.pk)
    assert "¥10.00" in page.get(reverse("portal:invite")).content.decode()
    commissions.free_due(moment=now + timedelta(days=2))
    for _ in range(2):
        page.post(reverse("portal:invite_withdraw"), {"token": "once"})
    row = Withdrawal.objects.get()
    assert row.amount_cents == 1_000
    settle = reverse("console:referral_settle", args=[ids.encode("rfw", row.pk)])
    assert staff.post(settle, {"do": "paid", "reference": "PAY-1"}).status_code == 403
    assert "林*溪" in staff.get(reverse("console:referral_withdrawals")).content.decode()
    Staff.objects.update(role=Role.ADMIN)
    staff.post(settle, {"do": "paid", "reference": ""})
    assert Withdrawal.objects.get().state == "asked"
    staff.post(settle, {"do": "paid", "reference": "PAY-1"})
    assert Withdrawal.objects.values_list("state", "reference").get() == ("paid", "PAY-1")
    assert "PAY-1" in page.get(reverse("portal:invite")).content.decode()
