"""The daily sign-in, tasks and the tier on a member's phone."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client

from apps.core import clock, requests
from apps.members import services as members
from apps.points import defaults, ladders, selectors, sign_ins, tiers
from apps.points import services as points
from apps.points.earning import SignIn
from apps.points.models import Entry, Standing
from tests.portal.doors import browser_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture
def member_id() -> int:
    with requests.acting(actor="cli"):
        defaults.install()
        ladders.install_defaults()
    return members.register(source="test", nickname="林若溪", phone="19900000031")


@pytest.fixture
def client(member_id: int) -> Client:
    browser = browser_of(member_id)
    browser.cookies["django_language"] = "en"
    return browser


def test_two_taps_are_one_sign_in_and_the_result_is_said(client: Client, member_id: int):
    with clock.frozen(NOW):
        assert "Sign in for today" in client.get("/my/sign-in/").content.decode()
        client.post("/my/sign-in/today/")
        said = client.get("/my/sign-in/").content.decode()
        client.post("/my/sign-in/today/")
        again = client.get("/my/sign-in/").content.decode()

    assert '<div class="p-toast" role="status"><span>Signed in: 5 points for you.' in said
    assert "You have signed in for today already." in again
    assert "Sign in for today" not in again
    assert (SignIn.objects.count(), Entry.objects.count()) == (1, 1)
    assert selectors.totals(member_id=member_id, moment=NOW).balance == 5


def test_the_month_is_a_table_with_heads_and_every_state_in_words(client: Client, member_id: int):
    for days in (5, 4, 2, 1):
        sign_ins.sign_in(member_id=member_id, moment=NOW - timedelta(days=days))

    with clock.frozen(NOW):
        text = client.get("/my/sign-in/").content.decode()
        before = client.get("/my/sign-in/?month=2026-10").content.decode()
        nonsense = client.get("/my/sign-in/?month=2099-99").content.decode()

    assert text.count('<th scope="col">') == 7
    assert text.count('<td class="signed">') == 4
    assert text.count('<td class="open" aria-current="date"><span>22</span>') == 1
    assert text.count('<span class="sr">missed</span>') == 17
    assert '<b class="p-big">2</b>' in text
    assert "5 more days<br><b>+20 points</b>" in text
    assert "October 2026" in before
    assert "November 2026" in nonsense


def test_a_missed_day_is_made_up_free_then_for_points_then_not_at_all(client: Client, member_id: int):
    with clock.frozen(NOW):
        page = client.get("/my/sign-in/").content.decode()
        assert "1 day of this month is free." in page
        assert page.count('name="day"') == 7
        client.post("/my/sign-in/made-up/", {"day": "2026-11-21"})
        assert "A day costs 20 points; you have 0." in client.get("/my/sign-in/").content.decode()
        poor = client.post("/my/sign-in/made-up/", {"day": "2026-11-20"})
        points.earn(member_id=member_id, amount=50, source="gift:1", moment=NOW)
        paid = client.post("/my/sign-in/made-up/", {"day": "2026-11-20"})
        old = client.post("/my/sign-in/made-up/", {"day": "2026-10-20"})
        nothing = client.post("/my/sign-in/made-up/", {"day": "tomorrow"})

    assert (poor.status_code, paid.status_code, old.status_code, nothing.status_code) == (409, 302, 409, 404)
    assert 'role="alert"' in poor.content.decode()
    assert sorted(str(day) for day in SignIn.objects.values_list("on", flat=True)) == ["2026-11-20", "2026-11-21"]
    assert selectors.totals(member_id=member_id, moment=NOW).balance == 30


def test_tasks_and_achievements_say_what_they_bring_and_how_far_one_is(client: Client):
    text = client.get("/my/tasks/").content.decode()

    assert "Complete your profile" in text
    assert "+50 points" in text
    assert "0 of 4 orders" in text
    assert "¥0.00 of ¥10,000.00" in text


def test_the_last_day_of_a_tier_is_the_one_through_which_it_counts(client: Client, member_id: int):
    points.earn(member_id=member_id, amount=1_000, source="order:1", currency="growth", moment=NOW)
    tiers.reassess(member_ids=[member_id], moment=NOW)
    Standing.objects.filter(member_id=member_id).update(valid_until=clock.day_end(date(2027, 11, 30)))

    with clock.frozen(NOW):
        text = client.get("/my/tier/").content.decode()

    assert re.search(r"(by|beyond) Nov\. 30, 2027\.", text)


def test_the_tier_says_what_is_missing_what_comes_and_what_is_locked(client: Client, member_id: int):
    points.earn(member_id=member_id, amount=4_620, currency="growth", source="order:1", moment=NOW)
    tiers.reassess(member_ids=[member_id], moment=NOW)

    with clock.frozen(NOW + timedelta(days=1)):
        text = client.get("/my/tier/").content.decode()
        home = client.get("/my/").content.decode()

    line = "Earn <b>380</b> more growth to become Gold"
    assert line in text
    assert line in home
    assert 'width="92.4%"' in home
    assert "4,620 of 5,000" in home
    assert "you go from Silver to Basic, unless you earn <b>1,000</b> more growth by" in text
    assert "within the last 12 months" in text
    assert (text.count(">unlocked<"), text.count(">still locked<")) == (4, 7)
