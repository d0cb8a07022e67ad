"""The demo tells whose phone to log in with; nothing else ever does."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from apps.core import brand, clock
from apps.core.models import User
from apps.flows.demo import people, shops, state
from apps.gateways import inbox
from apps.members import services as members
from apps.stores.models import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo_member() -> int:
    member_id = members.register(source=state.SOURCE, member_no=people.member_no(7), phone="19900000007")
    members.give_consent(
        member_id=member_id, purpose="care", channel="sms", is_granted=True, source="demo", text_version="1"
    )
    inbox.deliver_batch([inbox.Letter(key="a", member_id=member_id, title="t", body="b")], moment=clock.now())
    return member_id


def test_the_log_in_page_of_the_demo_names_a_members_phone(demo_member: int):
    assert "19900000007" not in Client().get("/my/login/").content.decode()

    brand.write("core.demo", True)

    assert "19900000007" in Client().get("/my/login/").content.decode()


def test_the_members_pages_say_that_they_are_a_demo_from_the_first_one_on(demo_member: int):
    assert "p-ribbon" not in Client().get("/my/login/").content.decode()

    brand.write("core.demo", True)

    assert "p-ribbon" in Client().get("/my/login/").content.decode()


def test_where_messages_reach_real_phones_no_number_is_shown(demo_member: int, settings):
    brand.write("core.demo", True)
    settings.SMS_PROVIDER = "another"

    assert "19900000007" not in Client().get("/my/login/").content.decode()


def test_the_list_of_log_ins_ends_with_the_members(demo_member: int):
    brand.write("core.demo", True)
    from_the_house = StringIO()
    members.register(source="import", member_no=people.member_no(8), phone="19900000008")
    User.objects.create_user(shops.username(Role.ADMIN), "long-enough-2026")

    call_command("demo_logins", stdout=from_the_house)

    assert "Members log in at /my/ by phone: 19900000007\n" in from_the_house.getvalue()
