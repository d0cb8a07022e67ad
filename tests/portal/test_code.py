"""The member code on the member's pages: fresh at each look, and what came of it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from apps.core import clock
from apps.members import member_codes
from apps.members.member_codes import Where
from apps.members.models import Member, MemberCode
from apps.points import services as points
from apps.points.models import Currency
from apps.stores import credentials
from apps.stores.models import Store
from tests.portal.doors import browser_of

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 29, 4, 0, tzinfo=UTC)


@pytest.fixture
def lin() -> Member:
    return Member.objects.create(member_no="M-1", nickname="Lin")


@pytest.fixture
def till() -> Where:
    store = Store.objects.create(code="S01", name="武康路店")
    made = credentials.issue_device(name="till", store_id=store.pk, scopes=["members.read"])
    return Where(store_id=store.pk, device_id=made.id)


def digits(page: str) -> str:
    return "".join(re.findall(r"<i>(\d+)</i>", page))


def shown_by(client: Client, address: str = "/my/code/") -> str:
    answer = client.get(address)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    return answer.content.decode()


def test_each_look_shows_another_code_that_a_till_can_read(lin: Member, till: Where):
    with clock.frozen(NOON):
        me = browser_of(lin.pk)
        pages = [shown_by(me), shown_by(me, "/my/code/next/")]
    codes = [digits(page) for page in pages]

    assert codes[0] != codes[1]
    assert all('data-life="60000" data-refresh="50000"' in page for page in pages)
    assert all(page.count("<svg") >= 2 for page in pages)
    assert "12:01:00" in pages[0]  # for who has no script
    seen = [member_codes.read(code=code, at=till, moment=NOON + timedelta(seconds=55)).member_id for code in codes]
    assert seen == [lin.pk, lin.pk]


def test_the_open_page_hears_what_came_of_any_of_its_codes(lin: Member, till: Where):
    Currency.objects.get_or_create(key="points")
    with clock.frozen(NOON):
        me = browser_of(lin.pk)
        first = re.search(r'data-code="(mcd_\w+)"', shown_by(me))
        points.earn(member_id=lin.pk, amount=7, source="test:before", moment=NOON - timedelta(seconds=1))
        later = digits(shown_by(me, "/my/code/next/"))
        assert first
        ask = f"/my/code/result/?code={first[1]}"
        assert (me.get(ask).status_code, me.get(ask).content) == (204, b"")

        member_codes.read(code=later, at=till, moment=NOON)
        read = me.get(ask)
        points.earn(member_id=lin.pk, amount=128, source="test:1", moment=NOON + timedelta(seconds=5))
        booked = me.get(ask)
        again = me.get(ask, headers={"If-None-Match": booked["ETag"]})

    assert "武康路店" in read.content.decode()
    assert "p-readlines" not in read.content.decode()
    assert re.findall(r'class="end up">([^<]+)<', booked.content.decode()) == ["+128"]
    assert (again.status_code, again.content) == (304, b"")


def test_nobody_hears_of_the_codes_of_others(lin: Member, till: Where):
    mei = Member.objects.create(member_no="M-2")
    with clock.frozen(NOON):
        first = re.findall(r"mcd_\w+", shown_by(browser_of(lin.pk)))[0]
        read = member_codes.show(member_id=lin.pk)
        member_codes.read(code=read.code, at=till)
        answer = browser_of(mei.pk).get(f"/my/code/result/?code={first}")
    assert answer.status_code == 204


def test_who_asks_for_too_many_is_told_to_wait(lin: Member):
    me = browser_of(lin.pk)
    for _ in range(30):
        member_codes.show(member_id=lin.pk)
    for address in ("/my/code/", "/my/code/next/"):
        answer = me.get(address)
        assert (answer.status_code, digits(answer.content.decode())) == (429, "")
    assert MemberCode.objects.count() == 30
