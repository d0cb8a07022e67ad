"""The sandbox: invented people, a clock to set, and nothing real in reach (U7-5, N12)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils.html import escape

from apps.core import clock as house
from apps.core.models import TokenPair
from apps.flows import sandbox as people
from apps.flows.errors import SandboxClosed
from apps.flows.sandbox import CASES
from apps.gateways import sandbox
from apps.gateways.simulator.client import Client as Simulated
from apps.members import selectors, states
from apps.members.models import Consent, Member
from apps.orders.models import Order
from apps.stores import credentials
from tests.api.conftest import Caller
from tests.api.test_auth import APP
from tests.api.test_frame import is_problem

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def opened(settings):
    settings.API_SANDBOX = True
    settings.CODE_VIRTUAL_RANGES = ["170", "171"]  # as on a server: the sandbox's own numbers stand in such a range
    return settings


@pytest.fixture
def tester(db) -> Caller:
    return Caller(secret=credentials.issue_client(name="tester", scopes=["members.read"], is_sandbox=True).secret)


def log_in(nobody: Caller, phone: str, **more: object):
    asked = nobody.post("auth/codes", {"phone": phone})
    assert asked.status_code == 200, asked.data
    return nobody.post("auth/code", {"request_id": asked.data["request_id"], "code": sandbox.CODE, **more})


def test_it_is_open_only_where_no_message_can_leave_the_house(settings):
    assert not sandbox.is_open()
    settings.API_SANDBOX = True
    assert sandbox.is_open()
    for name in ("SMS_PROVIDER", "WECHAT_PROVIDER"):
        before = getattr(settings, name)
        setattr(settings, name, "weixin")
        assert not sandbox.is_open()
        setattr(settings, name, before)


def test_where_real_members_are_a_sandbox_key_is_nobody_and_magic_phones_are_ordinary(
    nobody, tester, simulator, settings
):
    assert is_problem(tester.post("members/find", {"member_no": "M1"}), 401, "unauthenticated")
    assert is_problem(
        nobody.get("me", Sandbox_Key=tester.secret, Test_Clock="2027-03-01T10:00:00+08:00"), 400, "test_clock_refused"
    )
    assert is_problem(nobody.post("auth/wechat", {"app_id": APP, "js_code": "x"}), 422, "wechat_code_invalid")
    asked = nobody.post("auth/codes", {"phone": "17000009010"}).data

    wrong = nobody.post("auth/code", {"request_id": asked["request_id"], "code": sandbox.CODE})

    assert is_problem(wrong, 422, "code_wrong")
    assert Member.objects.count() == 0
    with pytest.raises(SandboxClosed):
        people.fill()
    with pytest.raises(CommandError):
        call_command("fill_sandbox")
    assert Member.objects.count() == 0


def test_every_magic_phone_plays_its_case(nobody: Caller, simulator, opened):
    people.fill()
    answers = {}
    for case in CASES:
        if not case.phone:
            continue
        asked = nobody.post("auth/codes", {"phone": case.phone})
        body = {"request_id": asked.data.get("request_id", "none"), "code": sandbox.CODE}
        came = nobody.post("auth/code", body) if asked.status_code == 200 else asked
        answers[case.name] = came.data.get("code", "") if came.status_code >= 400 else ""

    assert answers == {case.name: case.answer for case in CASES if case.phone}
    sent = [line["tail"] for line in Simulated(simulator.url).messages(limit=50)]
    assert "9001" not in sent
    assert "9002" not in sent


def test_every_magic_wechat_person_plays_theirs(nobody: Caller, simulator, opened):
    people.fill()
    answers = {}
    for case in CASES:
        if case.person:
            came = nobody.post("auth/wechat", {"app_id": APP, "js_code": f"sim.{case.person}.1"})
            answers[case.name] = came.data.get("code", "") if came.status_code >= 400 else ""

    assert answers == {case.name: case.answer for case in CASES if case.person}


def test_the_people_are_put_back_into_their_places_as_often_as_one_likes(nobody: Caller, simulator, opened, capsys):
    assert (people.fill(), people.fill()) == (5, 5)
    before = Member.objects.count()
    back = log_in(nobody, "17000009012", come_back=True)
    assert back.status_code == 200
    states.release(member_id=selectors.find_by_phone("17000009011"), cause="settled", reason="tried out")

    call_command("fill_sandbox")

    assert "5 members" in capsys.readouterr().out
    assert Member.objects.count() == before
    statuses = {
        phone: Member.objects.get(pk=selectors.find_by_phone(phone)).status for phone in ("17000009011", "17000009012")
    }
    assert statuses == {"17000009011": "frozen", "17000009012": "cancelled"}
    assert Order.objects.count() == people.ORDERS
    regular = Caller(secret=log_in(nobody, "17000009010").data["access_token"])
    page = regular.get("me/orders?limit=20").data
    assert (len(page["data"]), page["has_more"]) == (20, True)
    assert regular.get("me/home").data["unread"] == people.LETTERS
    assert not Consent.objects.filter(purpose="guardian").exists()
    wallet = Caller(secret=log_in(nobody, "17000009015").data["access_token"])
    shown = [wallet.get(f"me/coupons?show={kind}").data["data"] for kind in ("usable", "over")]
    assert [[one["state"] for one in rows] for rows in shown] == [["ready"], ["expired"]]


def test_the_clock_moves_for_one_call_with_a_members_token_and_a_sandbox_key(nobody, tester, simulator, opened):
    people.fill()
    now = datetime.now(UTC)
    token = log_in(nobody, "17000009010").data["access_token"]
    me = Caller(secret=token)
    later = {"Sandbox_Key": tester.secret, "Test_Clock": (now + timedelta(minutes=31)).isoformat()}

    assert is_problem(me.get("me", **later), 401, "token_expired")
    assert me.get("me").status_code == 200
    asked = nobody.post("auth/codes", {"phone": "17000009020"}).data
    old = nobody.post("auth/code", {"request_id": asked["request_id"], "code": sandbox.CODE}, **later)
    assert is_problem(old, 409, "code_expired")
    assert nobody.post("auth/codes", {"phone": "17000009020"}).status_code == 429
    assert nobody.post("auth/codes", {"phone": "17000009020"}, **later).status_code == 200
    again = nobody.post("auth/wechat", {"app_id": APP, "js_code": "sim.traveller.1"}, **later)
    assert again.status_code == 200
    newest = TokenPair.objects.order_by("-pk").values_list("access_expires_at", flat=True)[0]
    assert abs(newest - now - timedelta(minutes=61)) < timedelta(seconds=30)


@pytest.mark.parametrize(
    "given",
    [
        "soon",
        "2027-03-01T10:00:00",
        "2027-03-01",
        "",
        "9999-12-31T23:59:59+00:00",
        "0001-01-01T00:00:00+14:00",
        "1700000000",
    ],
)
def test_what_is_no_time_within_ten_years_is_refused(tester: Caller, opened, given: str):
    assert is_problem(tester.post("members/find", {"member_no": "M1"}, Test_Clock=given), 400, "test_clock_refused")


def test_only_a_living_sandbox_key_moves_the_clock(nobody: Caller, me: Caller, tester: Caller, opened):
    time = "2027-03-01T10:00:00+08:00"
    live = credentials.issue_client(name="shop", scopes=["members.read"])
    for secret in (live.secret, "sk_test_wrong", "sya_wrong", ""):
        assert is_problem(me.get("me", Sandbox_Key=secret, Test_Clock=time), 400, "test_clock_refused")
    assert is_problem(nobody.get("me", Test_Clock=time), 400, "test_clock_refused")
    assert tester.post("members/find", {"member_no": "M1"}, Test_Clock=time).status_code == 200
    credentials.revoke(kind="client", credential_id=credentials.listed("client")[-1].id)
    assert is_problem(tester.post("members/find", {"member_no": "M1"}, Test_Clock=time), 400, "test_clock_refused")
    assert not house.is_frozen()


def test_the_page_lists_every_case_and_says_whether_this_is_a_sandbox(nobody: Caller, settings):
    closed = nobody.http.get("/api/docs/sandbox", headers={"accept-language": "en"}).content.decode()
    settings.API_SANDBOX = True
    opened = nobody.http.get("/api/docs/sandbox", headers={"accept-language": "en"}).content.decode()

    assert "This installation is no sandbox" in closed
    assert "This installation is a sandbox" in opened
    for case in CASES:
        assert not case.phone or case.phone in opened
        assert not case.person or f"sim.{case.person}.1" in opened
        assert escape(str(case.what)) in opened
    assert sandbox.CODE in opened
