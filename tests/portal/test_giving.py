"""Giving points to another member on the phone: who is half hidden, cost is told before, a form sent twice gives once."""

import re

import pytest
from django.test import Client

from apps.core import tokens
from apps.members import services as members
from apps.members.models import Member
from apps.points import giving
from apps.points.models import Account, Currency, Entry
from tests.points.gifts import rich
from tests.portal.doors import browser_of, family_of
from tests.portal.test_guardian import code_at
from tests.processes import Simulator

pytestmark = pytest.mark.django_db
URL = "/my/points/give/"


def somebody(number: int, name: str) -> Member:
    return Member.objects.get(pk=members.register(source="test", nickname=name, phone=f"1990000{number:04d}"))


@pytest.fixture
def giver() -> Member:
    Currency.objects.filter(key="points").update(transfer={"daily_cap": 300, "fee_percent": 10, "expiry": "keep"})
    member = somebody(11, "林若溪")
    rich(member, 1000)
    return member


@pytest.fixture
def friend() -> Member:
    return somebody(12, "沈嘉怡")


@pytest.fixture
def client(giver: Member) -> Client:
    found = browser_of(giver.pk)
    tokens.step_up(family_id=family_of(found))
    return found


def balances() -> dict[int, int]:
    return dict(Account.objects.values_list("member_id", "balance"))


def test_cost_and_half_a_name_are_shown_then_it_is_given_once(client: Client, giver: Member, friend: Member):
    page = client.post(URL, {"who": "199 0000 0012", "amount": "200"}).content.decode()
    ticket = re.findall(r'name="ticket" value="([^"]+)"', page)[0]
    before = balances()
    answers = [client.post(URL, {"ticket": ticket})["Location"] for _ in range(2)]

    assert "沈*怡" in page
    assert "沈嘉怡" not in page
    assert [word for word in ("−220", "780", "转赠 200 积分") if word not in page] == []
    assert before == {giver.pk: 1000}
    assert (answers, balances()) == (["/my/points/"] * 2, {giver.pk: 780, friend.pk: 200})


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ({"who": "19900000012", "amount": "0"}, 422, "请填写积分数"),
        ({"who": "19900000012", "amount": "274"}, 422, "今天最多还能转出 300 积分（含手续费）。"),
        ({"who": "19900009999", "amount": "10"}, 404, "没有找到这个号码的会员"),
        ({"who": "19900000011", "amount": "10"}, 409, "不能转赠给自己"),
        ({"ticket": "forged"}, 422, "停留太久"),
    ],
)
def test_what_cannot_be_given_is_said_at_its_place_and_nothing_moves(client, giver, friend, form, status, words):
    answer = client.post(URL, form)

    assert (answer.status_code, words in answer.content.decode()) == (status, True)
    assert not Entry.objects.filter(kind__startswith="transfer").exists()


def test_somebody_elses_ticket_gives_nothing(client: Client, giver: Member, friend: Member):
    page = client.post(URL, {"who": "19900000012", "amount": "100"}).content.decode()
    ticket = re.findall(r'name="ticket" value="([^"]+)"', page)[0]
    other = browser_of(friend.pk)
    tokens.step_up(family_id=family_of(other))

    assert other.post(URL, {"ticket": ticket}).status_code == 422
    assert balances() == {giver.pk: 1000}


def test_who_has_left_or_is_leaving_is_nobody_to_give_to_also_between_the_look_and_the_gift(client, giver, friend):
    page = client.post(URL, {"who": "19900000012", "amount": "100"}).content.decode()
    ticket = re.findall(r'name="ticket" value="([^"]+)"', page)[0]
    Member.objects.filter(pk=friend.pk).update(status=Member.Status.FROZEN)

    for form in (
        {"who": "19900000012", "amount": "100"},
        {"who": friend.member_no, "amount": "100"},
        {"ticket": ticket},
    ):
        answer = client.post(URL, form)
        assert (answer.status_code, "没有找到这个号码的会员" in answer.content.decode()) == (404, True)
        assert "沈" not in answer.content.decode()
    assert not Entry.objects.filter(kind__startswith="transfer").exists()


def test_numbers_are_looked_up_ten_times_an_hour(client: Client, friend: Member, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(giving, "LOOKS", 2)

    statuses = [client.post(URL, {"who": f"1990000900{n}", "amount": "1"}).status_code for n in range(2)]
    last = client.post(URL, {"who": "19900000012", "amount": "1"})

    assert (statuses, last.status_code) == ([404, 404], 429)
    assert "沈" not in last.content.decode()


def test_it_asks_for_a_fresh_proof_and_is_not_there_where_the_currency_forbids_it(client: Client, giver: Member):
    assert browser_of(giver.pk).get(URL)["Location"] == f"/my/step-up/?next={URL}"
    assert URL in client.get("/my/points/").content.decode()

    Currency.objects.filter(key="points").update(transfer={})

    assert client.get(URL).status_code == 404
    assert URL not in client.get("/my/points/").content.decode()


def test_what_was_typed_before_the_proof_goes_on_after_it(giver: Member, friend: Member, simulator: Simulator):
    client, typed = browser_of(giver.pk), {"who": "199 0000 0012", "amount": "200"}
    asked = client.post(URL, typed)
    assert asked["Location"] == f"/my/step-up/?next={URL}"
    assert "199 0000 0012" not in repr(dict(client.session)) + client.get(asked["Location"]).content.decode()
    sent = client.post("/my/step-up/", {"next": URL}).context["request_id"]
    code = code_at(simulator, "19900000011")

    done = client.post("/my/step-up/code/", {"next": URL, "request_id": sent, "code": code})
    form = client.get(done["Location"]).context["form"]

    assert (form.address, form.fields) == (URL, list(typed.items()))
    assert "−220" in client.post(form.address, dict(form.fields)).content.decode()
    assert client.get(done["Location"])["Location"] == URL  # it went on; there is nothing left
