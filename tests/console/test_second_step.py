"""The log-in's second step, setting it up, and the acts that ask "is it still you?" (T-S13)."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings as house_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.console import urls as console_urls
from apps.core.models import AuditEntry, User
from apps.stores import second_factor, step_up
from apps.stores.models import Role, Staff

pytestmark = pytest.mark.django_db
PASSWORD = "long-enough-2026"
MORNING = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
ACCOUNT, APP, CODES, SHOWN, REMOVE, PROVE, GO_ON = (
    f"/console/account/{part}" for part in ("", "app/", "codes/", "codes/shown/", "remove/", "confirm/", "go-on/")
)
REFUND = "/console/orders/ord_x/refund/"
Clock = Callable[[datetime], datetime]


@pytest.fixture
def lin(clock: Clock) -> User:
    clock(MORNING)
    user = User.objects.create_user("lin", PASSWORD)
    Staff.objects.create(user=user, code="S1", name="Lin", role=Role.MARKETER)
    return user


@pytest.fixture
def codes(lin: User, clock: Clock) -> list[str]:
    """The recovery codes of an app that was set up an hour ago."""
    clock(MORNING - timedelta(hours=1))
    made = second_factor.add_app(user=lin, secret=SECRET, code=shown(MORNING - timedelta(hours=1)))
    clock(MORNING)
    return made


def shown(moment: datetime = MORNING, secret: str = SECRET) -> str:
    return format_hotp_value(hotp_value(secret, int(moment.timestamp()) // 30))


def password(client: Client, target: str = ""):
    return client.post("/console/login/", {"username": "lin", "password": PASSWORD, "next": target})


def second(client: Client, code: str):
    return client.post("/console/login/second/", {"code": code})


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_the_password_alone_opens_nothing_for_who_has_a_second_factor(codes: list[str]):
    client = Client()

    answer = password(client, "/console/account/")

    assert (answer.status_code, answer["Location"]) == (302, "/console/login/second/")
    assert not is_in(client)
    assert client.get("/console/").status_code == 302
    assert AuditEntry.objects.filter(action="session.opened").count() == 0

    answer = second(client, shown())

    assert (answer.status_code, answer["Location"]) == (302, "/console/account/")
    assert is_in(client)
    assert AuditEntry.objects.filter(action="session.opened").count() == 1


def test_a_code_that_opened_one_session_opens_no_other(codes: list[str]):
    first, replay = Client(), Client()
    password(first)
    password(replay)
    second(first, shown())

    answer = second(replay, shown())

    assert answer.status_code == 422
    assert not is_in(replay)


def test_a_recovery_code_opens_and_the_person_hears_when_few_are_left(codes: list[str], clock: Clock):
    for used, recovery in enumerate(codes[:7]):
        client = Client(headers={"accept-language": "en"})
        password(client)
        assert second(client, recovery).status_code == 302
        assert ("3 recovery codes left" in client.get(ACCOUNT).content.decode()) is (used == 6)


def test_the_second_step_ends_after_five_minutes(codes: list[str], clock: Clock):
    client = Client()
    password(client)
    clock(MORNING + timedelta(minutes=5))

    answer = second(client, shown(MORNING + timedelta(minutes=5)))

    assert (answer.status_code, answer["Location"]) == (302, "/console/login/")
    assert not is_in(client)


def test_nobody_reaches_the_second_step_without_the_password(codes: list[str]):
    client = Client()

    assert client.get("/console/login/second/")["Location"] == "/console/login/"
    assert second(client, shown())["Location"] == "/console/login/"
    assert not is_in(client)


def test_a_card_taken_away_between_the_steps_opens_nothing(codes: list[str]):
    client = Client()
    password(client)
    Staff.objects.update(is_active=False)

    assert second(client, shown())["Location"] == "/console/login/"
    assert not is_in(client)


def test_wrong_codes_are_counted_over_all_sessions(codes: list[str]):
    for _ in range(5):
        client = Client()
        password(client)
        assert second(client, "000000").status_code == 422

    assert second(client, shown()).status_code == 429
    assert not is_in(client)


def test_nonsense_from_a_key_is_a_wrong_proof(codes: list[str]):
    client = Client()
    password(client)

    for nonsense in ("{", "[]", "{}", json.dumps({"id": "x", "response": {}})):
        assert client.post("/console/login/second/", {"credential": nonsense}).status_code == 422
    assert not is_in(client)


def test_the_app_is_set_up_with_its_first_code_and_the_codes_are_shown_once(lin: User):
    client = Client()
    password(client)
    page = client.get(APP).content.decode()
    secret = re.search(r"<code data-copy-text>([A-Z2-7 ]+)</code>", page)[1].replace(" ", "")  # type: ignore[index]
    assert "<svg" in page
    assert secret not in str(dict(client.session))

    wrong = client.post(APP, {"code": "000000"})
    assert wrong.status_code == 422
    assert secret in wrong.content.decode().replace(" ", "")  # the picture that was scanned stays good
    answer = client.get(client.post(APP, {"code": shown(secret=secret)})["Location"])

    found = re.findall(r"<li>(\d{4} \d{4})</li>", answer.content.decode())
    assert len(found) == 10
    assert "no-store" in answer["Cache-Control"]
    assert second_factor.is_on(lin)
    again = client.get(ACCOUNT).content.decode()
    assert not any(code in again for code in found)
    assert client.get(APP)["Location"] == ACCOUNT
    assert client.get(SHOWN)["Location"] == ACCOUNT


def test_switching_off_takes_the_password(codes: list[str], lin: User):
    client = Client()
    password(client)
    second(client, shown())
    app = second_factor.of(lin).app
    assert app is not None

    assert client.post(REMOVE, {"factor": app.pk, "password": "wrong"}).status_code == 422
    assert second_factor.is_on(lin)
    assert client.post(REMOVE, {"factor": app.pk, "password": PASSWORD}).status_code == 302

    assert Authenticator.objects.count() == 0
    assert password(Client())["Location"] != "/console/login/second/"


def test_a_role_that_needs_one_gets_nowhere_before_it_has_one(lin: User, settings):
    settings.SECOND_FACTOR_ROLES = [Role.MARKETER]
    client = Client()
    assert password(client, "/console/members/")["Location"] == ACCOUNT

    for path in ("/console/", "/console/members/", "/console/policies/"):
        assert client.get(path)["Location"] == ACCOUNT
    page = client.get(APP).content.decode()
    secret = re.search(r"<code data-copy-text>([A-Z2-7 ]+)</code>", page)[1].replace(" ", "")  # type: ignore[index]
    assert client.post(APP, {"code": shown(secret=secret)})["Location"] == SHOWN

    assert client.get("/console/members/").status_code == 200
    app = second_factor.of(lin).app
    assert app is not None
    assert client.post(REMOVE, {"factor": app.pk, "password": PASSWORD}).status_code == 409
    assert second_factor.is_on(lin)


LISTED = yaml.safe_load(house_settings.ACCESS_FILE.read_text())["step_up"]
# T-S13: acts that stay on the list whatever else comes and goes there.
GRAVE = {
    "console:key_new", "console:till_bind", "console:merge_do", "console:merge_undo", "console:identity_add", "console:member_cancel",
    "console:points_adjust", "console:counter_rules_save", "console:limits_save", "console:coupon_publish", "console:coupon_hand_out",
    "console:coupon_codes_write", "console:approval_decide",
}  # fmt: skip
SAMPLES = {"int": "1", "slug": "some", "str": "x_1"}  # by the converter of the address


def somewhere(route: str) -> str:
    """An address of the route, whatever it may name."""
    (pattern,) = (p.pattern for p in console_urls.urlpatterns if p.name == route.partition(":")[2])
    return reverse(route, kwargs={name: SAMPLES[kind] for kind, name in re.findall(r"<(\w+):(\w+)>", str(pattern))})


@pytest.mark.parametrize(
    "headers", [{}, {"HX-Request": "true"}, {"accept": "application/json"}], ids=["page", "part", "program"]
)
def test_every_listed_act_asks_for_a_fresh_proof(lin: User, clock: Clock, headers: dict[str, str]):
    assert set(LISTED) >= GRAVE
    Staff.objects.update(role=Role.ADMIN)
    client = Client()
    password(client)
    clock(MORNING + timedelta(seconds=step_up.FRESH_SECONDS))
    answers = {
        route: client.post(somewhere(route), {"request_key": "abcdefghijkl"}, headers=headers) for route in LISTED
    }

    for route, answer in answers.items():
        if "accept" in headers:
            assert (answer.status_code, answer.json()["code"]) == (401, "step_up_required"), route
        else:
            target = answer.headers.get("HX-Redirect") or answer.headers["Location"]
            assert target.startswith(f"{PROVE}?next="), route


def test_a_fresh_code_opens_the_acts_for_ten_minutes_and_the_log_in_counts(codes: list[str], clock: Clock):
    client = Client()
    password(client)
    second(client, shown())
    assert client.post(CODES)["Location"] == SHOWN
    later = MORNING + timedelta(minutes=11)
    clock(later)
    assert client.post(CODES)["Location"].startswith(PROVE)

    assert client.post(PROVE, {"code": shown(), "next": ACCOUNT}).status_code == 422
    assert client.post(CODES)["Location"].startswith(PROVE)
    assert client.post(PROVE, {"code": shown(later), "next": ACCOUNT})["Location"] == ACCOUNT

    assert client.post(CODES)["Location"] == SHOWN
    clock(later + timedelta(minutes=9, seconds=59))
    assert client.post(CODES)["Location"] == SHOWN


def test_the_password_is_no_proof_for_who_has_a_second_factor(codes: list[str], clock: Clock):
    client = Client()
    password(client)
    second(client, shown())
    clock(MORNING + timedelta(hours=1))

    assert client.post(PROVE, {"password": PASSWORD, "next": ACCOUNT}).status_code == 422
    assert client.post(CODES)["Location"].startswith(PROVE)


def test_without_a_second_factor_the_password_is_the_proof(lin: User, clock: Clock):
    client = Client()
    password(client)
    clock(MORNING + timedelta(hours=1))
    client.get(APP)
    assert client.post(APP, {"code": "000000"})["Location"].startswith(PROVE)

    assert client.post(PROVE, {"password": "wrong"}).status_code == 422
    assert (
        client.post(PROVE, {"password": PASSWORD, "next": ACCOUNT})["Location"]
        == f"{GO_ON}?next=%2Fconsole%2Faccount%2F"
    )

    assert client.post(APP, {"code": "000000"}).status_code == 422


@pytest.mark.parametrize(
    "part", [{"Referer": "{}"}, {"HX-Request": "true", "HX-Current-URL": "{}"}], ids=["page", "part"]
)
def test_after_the_proof_the_person_stands_where_they_were(lin: User, clock: Clock, part: dict[str, str]):
    Staff.objects.update(role=Role.ADMIN)
    client, here = Client(), "http://testserver/console/orders/ord_x/?tab=2"
    password(client)
    clock(MORNING + timedelta(hours=1))
    headers = {name: value.format(here) for name, value in part.items()}

    answer = client.post("/console/orders/ord_x/refund/", {}, headers=headers)
    target = answer.headers.get("HX-Redirect") or answer.headers["Location"]
    asked = parse_qs(urlsplit(target).query)["next"][0]

    assert client.post(PROVE, {"password": PASSWORD, "next": asked})["Location"] == here


FORM = {"request_key": "abcdefghijkl", "reason": "两行\r\n原因 <b>", "keep": ["a", "b"]}


def held_back(client: Client, form: dict[str, object], **headers: str) -> str:
    """Sent without a fresh proof, which is given then; where it leads."""
    client.post(f"{REFUND}?tab=2", form, headers=headers)
    return client.post(PROVE, {"password": PASSWORD, "next": ACCOUNT})["Location"]


def fields(client: Client) -> tuple[str, list[tuple[str, str]]] | None:
    answer = client.get(GO_ON, {"next": ACCOUNT})
    return (answer.context["form"].address, answer.context["form"].fields) if answer.status_code == 200 else None


def test_what_was_typed_before_the_proof_goes_on_as_it_was(lin: User, clock: Clock):
    Staff.objects.update(role=Role.ADMIN)
    client, late = Client(), MORNING + timedelta(hours=1)
    password(client)
    clock(late)
    client.post(REFUND, FORM)
    kept = repr(dict(client.session))
    assert fields(client) is None  # not before the proof

    assert held_back(client, FORM) == f"{GO_ON}?next=%2Fconsole%2Faccount%2F"
    assert fields(client) == (
        f"{REFUND}?tab=2",
        [("request_key", FORM["request_key"]), ("reason", FORM["reason"]), ("keep", "a"), ("keep", "b")],
    )
    assert 'value="两行\r\n原因 &lt;b&gt;"' in client.get(GO_ON).content.decode()
    assert "abcdefghijkl" not in kept
    assert client.post(REFUND, FORM).status_code == 404  # goes on: there is no such order
    assert fields(client) is None

    held_back(client, FORM)
    clock(late + timedelta(seconds=600))
    assert client.get(GO_ON)["Location"] == "/"


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        ({}, {}),  # a button
        (FORM, {"HX-Request": "true"}),
        ({"file": SimpleUploadedFile("a.csv", b"1"), "name": "x"}, {}),
        ({"text": "x" * 100_000}, {}),
    ],
    ids=["button", "part", "file", "long"],
)
def test_what_cannot_go_on_by_itself_leads_back_to_its_page(lin: User, clock: Clock, form, headers):
    Staff.objects.update(role=Role.ADMIN)
    client = Client()
    password(client)
    clock(MORNING + timedelta(hours=1))
    client.post(REFUND, FORM)  # what was kept before is not taken for it

    assert held_back(client, form, **headers) == ACCOUNT


def test_what_another_house_sends_in_their_name_is_not_kept(lin: User, clock: Clock):
    Staff.objects.update(role=Role.ADMIN)
    client = Client(enforce_csrf_checks=True)
    client.force_login(lin)
    clock(MORNING + timedelta(hours=1))

    assert client.post(REFUND, FORM).status_code == 403
    assert "kept_form" not in client.session


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_the_proof_leads_back_to_this_house_only(lin: User, elsewhere: str):
    client = Client()
    password(client)

    assert client.post(PROVE, {"password": PASSWORD, "next": elsewhere})["Location"] == "/"
