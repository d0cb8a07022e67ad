"""Security keys at the log-in: one answer opens once, and only for its person, its challenge and this house (T-S13)."""

import html
import json
import re

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from apps.core.models import User
from apps.stores import second_factor
from apps.stores.models import Role, Staff
from tests.stores.soft_key import SoftKey

pytestmark = pytest.mark.django_db
PASSWORD = "long-enough-2026"
KEY, SECOND = "/console/account/key/", "/console/login/second/"


def person(name: str) -> User:
    user = User.objects.create_user(name, PASSWORD)
    Staff.objects.create(user=user, code=name, name=name, role=Role.MARKETER)
    return user


def password(name: str = "lin") -> Client:
    client = Client(SERVER_NAME="localhost")
    client.post("/console/login/", {"username": name, "password": PASSWORD})
    return client


def options(client: Client, path: str) -> dict:
    """What the page hands to the browser."""
    found = re.search(r'data-options="([^"]+)"', client.get(path).content.decode())
    assert found is not None
    return json.loads(html.unescape(found[1]))


def send(client: Client, path: str, answer: dict):
    return client.post(path, {"credential": json.dumps(answer), "name": "Desk"})


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.fixture
def key() -> SoftKey:
    """Lin's key, set up."""
    person("lin")
    key, client = SoftKey(), password()
    assert send(client, KEY, key.create(options(client, KEY)))["Location"] == "/console/account/codes/shown/"
    return key


def test_a_key_opens_the_log_in(key: SoftKey):
    client = password()
    assert not is_in(client)

    assert send(client, SECOND, key.get(options(client, SECOND))).status_code == 302

    assert is_in(client)
    row = Authenticator.objects.get(type="webauthn")
    assert (row.wrap().name, row.last_used_at is not None) == ("Desk", True)
    assert second_factor.of(User.objects.get()).codes_left == 10


def test_an_answer_opens_no_second_session_and_not_twice(key: SoftKey):
    first, other = password(), password()
    answer = key.get(options(first, SECOND))
    options(other, SECOND)
    assert send(first, SECOND, answer).status_code == 302

    assert send(other, SECOND, answer).status_code == 422
    assert send(other, SECOND, answer).status_code == 422

    assert not is_in(other)


def test_another_persons_key_opens_nothing(key: SoftKey):
    person("mei")
    client, hers = password("mei"), SoftKey()
    assert send(client, KEY, hers.create(options(client, KEY))).status_code == 302
    client = password("mei")

    assert send(client, SECOND, key.get(options(client, SECOND))).status_code == 422
    assert not is_in(client)


@pytest.mark.parametrize(
    "change", [{"origin": "https://siyu.evil.example"}, {"origin": "http://localhost.evil.example"}, {"rp_id": "evil"}]
)
def test_an_answer_fished_by_another_page_opens_nothing(key: SoftKey, change: dict[str, str]):
    client = password()
    for name, value in change.items():
        setattr(key, name, value)

    assert send(client, SECOND, key.get(options(client, SECOND))).status_code == 422
    assert not is_in(client)


def test_a_strange_key_signs_in_vain(key: SoftKey):
    client, forged = password(), SoftKey()
    forged.credential_id = key.credential_id

    assert send(client, SECOND, forged.get(options(client, SECOND))).status_code == 422
    assert not is_in(client)


def test_a_key_of_another_page_is_not_added():
    person("lin")
    client = password()

    for answer in (SoftKey(origin="https://evil.example").create(options(client, KEY)), {}, {"id": 7}):
        assert send(client, KEY, answer).status_code == 422

    assert Authenticator.objects.count() == 0


def test_a_person_keeps_eight_keys_at_most():
    person("lin")
    client = password()
    for _ in range(second_factor.MOST_KEYS):
        assert send(client, KEY, SoftKey().create(options(client, KEY))).status_code in {200, 302}

    assert send(client, KEY, SoftKey().create(options(client, KEY))).status_code == 422

    assert Authenticator.objects.filter(type="webauthn").count() == second_factor.MOST_KEYS


def test_the_key_is_a_fresh_proof_too(key: SoftKey):
    client = password()
    send(client, SECOND, key.get(options(client, SECOND)))
    session = client.session
    session["proved_at"] = 0
    session.save()
    assert client.post("/console/account/codes/").status_code == 302
    prove = "/console/account/confirm/"

    assert send(client, prove, key.get(options(client, prove))).status_code == 302

    assert client.post("/console/account/codes/")["Location"] == "/console/account/codes/shown/"
