"""A child's pages: told at once what is missing, a guardian agrees by code, and takes it back in one step."""

import re
from datetime import UTC, date, datetime

import pytest
from django.test import Client

from apps.gateways.simulator.client import Client as Platform
from apps.members import minors, policy_texts
from apps.members import services as members
from apps.members.models import Consent, Guardian
from tests.portal.doors import browser_of
from tests.processes import Simulator

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
PARENT = "19900000071"
PAGE = "/my/privacy/guardian/"


@pytest.fixture(autouse=True)
def _now(clock):
    clock(NOW)


@pytest.fixture
def member_id() -> int:
    return members.register(source="test", nickname="小满", phone="19900000070", birthday=date(2015, 6, 1))


@pytest.fixture
def client(member_id: int) -> Client:
    return browser_of(member_id)


def code_at(simulator: Simulator, phone: str) -> str:
    text = Platform(simulator.url).messages(limit=1, tail=phone[-4:], newest=True)[0]["text"]
    found = re.search(r"\d{6}", text)
    assert found
    return found.group()


def test_who_enters_a_childs_birthday_is_led_to_the_guardians_page(clock):
    client = browser_of(members.register(source="test", phone="19900000072"))

    young = client.post("/my/me/profile/", {"nickname": "小满", "gender": "", "birthday": "2015-06-01"})
    corrected = client.post("/my/me/profile/", {"nickname": "小满", "gender": "", "birthday": "1995-06-01"})

    assert (young["Location"], corrected["Location"]) == (PAGE, "/my/me/")


def test_home_and_privacy_say_what_is_missing_until_a_guardian_has_agreed(client: Client, member_id: int):
    for address in ("/my/", "/my/privacy/"):
        assert PAGE in client.get(address).content.decode()
    assert client.get("/my/privacy/").context["child"].is_unguarded

    members.give_guardian_consent(member_id=member_id, is_granted=True, source="staff:store", text_version="1")

    assert PAGE not in client.get("/my/").content.decode()
    assert client.get("/my/privacy/").context["child"].agreed_at == NOW


def test_a_guardian_agrees_by_code(client: Client, member_id: int, simulator: Simulator):
    asked = client.post(PAGE, {"phone": "199 0000 0071"})
    assert asked.status_code == 200
    facts = {"phone": PARENT, "request_id": asked.context["request_id"]}

    wrong = client.post(f"{PAGE}code/", facts | {"code": "000000" if code_at(simulator, PARENT) != "000000" else "1"})
    assert (wrong.status_code, minors.standing(member_id).is_unguarded) == (422, True)
    done = client.post(f"{PAGE}code/", facts | {"code": code_at(simulator, PARENT)})

    assert (done.status_code, done["Location"]) == (302, "/my/privacy/")
    assert minors.standing(member_id).agreed_at == NOW
    page = client.get(PAGE).content.decode()
    assert f"{PAGE}end/" in page
    assert PARENT not in page


def test_the_brands_own_text_for_guardians_is_the_one_agreed_to(client: Client, member_id: int, simulator: Simulator):
    policy_texts.publish(purpose="guardian", version="2026-11", text_zh="监护人须知。", text_en="For guardians.")
    asked = client.post(PAGE, {"phone": PARENT})
    facts = {"phone": PARENT, "request_id": asked.context["request_id"], "code": code_at(simulator, PARENT)}

    client.post(f"{PAGE}code/", facts)

    assert Consent.objects.get(member_id=member_id).text_version == "2026-11"


@pytest.mark.parametrize("phone", ["19900000070", "12", ""])
def test_an_own_or_impossible_number_is_refused_and_stays_in_the_form(client: Client, phone: str):
    answer = client.post(PAGE, {"phone": phone})

    assert answer.status_code == 422
    assert answer.context["phone_error"]
    assert f'value="{phone}"' in answer.content.decode()
    assert not Guardian.objects.exists()


def test_it_is_taken_back_in_one_step(client: Client, member_id: int):
    members.give_guardian_consent(member_id=member_id, is_granted=True, source="staff:store", text_version="1")

    answer = client.post(f"{PAGE}end/")

    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert minors.standing(member_id).is_unguarded


def test_who_is_no_child_is_led_away_and_changes_nothing(clock):
    client = browser_of(members.register(source="test", phone="19900000073", birthday=date(1990, 1, 1)))

    assert client.get(PAGE)["Location"] == "/my/privacy/"
    assert client.post(PAGE, {"phone": PARENT})["Location"] == "/my/privacy/"
    assert not Consent.objects.exists()


def test_a_new_text_that_asks_again_is_shown_until_the_member_has_decided(clock):
    member_id = members.register(source="test", phone="19900000074")
    client = browser_of(member_id)
    members.give_consent(
        member_id=member_id, purpose="care", channel="sms", is_granted=True, source="portal", text_version="1"
    )
    clock(NOW.replace(minute=1))
    policy_texts.publish(purpose="care", version="2", text_zh="新", text_en="New", asks_again=True)
    clock(NOW.replace(hour=5))

    shown = client.get("/my/privacy/").context["purposes"]
    assert [one.new_text.version if one.new_text else "" for one in shown] == ["2", "", "", ""]
    assert any(step["icon"] == "doc" for step in client.get("/my/").context["steps"])
    client.post("/my/privacy/consent/", {"key": "care:sms", "on": "1", "version": "2"})

    assert [one.new_text for one in client.get("/my/privacy/").context["purposes"]] == [None] * 4
    assert not any(step["icon"] == "doc" for step in client.get("/my/").context["steps"])
