"""The member's page and poster, the landing page, the console's page, program and file."""

import pytest
import segno
from django.test import Client
from django.urls import reverse

from apps.activity.models import Code
from apps.core import clock, ids
from apps.core.models import User
from apps.referral import poster, services
from apps.referral.models import Credit, Program
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
    staff.post(reverse("console:referral_program"), right | {"most_per_month": "20"})
    assert Program.objects.values_list("is_on", "points", "least_cents").get() == (True, 200, 9_900)

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
