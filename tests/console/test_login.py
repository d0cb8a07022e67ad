"""The back office's door."""

from datetime import timedelta

import pytest
from django.test import Client

from apps.core.models import AuditEntry, User
from apps.stores.models import Role, Staff

pytestmark = pytest.mark.django_db
PASSWORD = "long-enough-2026"


def person(role: str | None = Role.MARKETER, *, is_active: bool = True) -> User:
    user = User.objects.create_user("lin", PASSWORD)
    if role:
        Staff.objects.create(user=user, code="S1", name="Lin", role=role, is_active=is_active)
    return user


def enter(client: Client, password: str = PASSWORD, **extra: str):
    return client.post("/console/login/", {"username": "lin", "password": password}, **extra)


def test_staff_come_in_and_it_is_on_record():
    user = person()
    client = Client()

    answer = enter(client)

    assert answer.status_code == 302
    assert client.session["_auth_user_id"] == str(user.pk)
    assert AuditEntry.objects.filter(action="session.opened", object_id=str(user.pk)).count() == 1


@pytest.mark.parametrize(("role", "is_active"), [(None, True), (Role.MARKETER, False)])
def test_without_an_active_staff_card_the_right_password_opens_nothing(role: str | None, is_active: bool):
    person(role, is_active=is_active)
    client = Client()

    assert enter(client).status_code == 200
    assert "_auth_user_id" not in client.session


def test_a_disabled_card_is_refused_on_the_next_request():
    person()
    client = Client()
    enter(client)
    Staff.objects.update(is_active=False)

    assert client.get("/console/").status_code == 403


def test_the_sixth_try_is_refused_even_with_the_right_password():
    person()
    client = Client()
    for _ in range(5):
        enter(client, "wrong-password-1")

    assert enter(client).status_code == 200
    assert "_auth_user_id" not in client.session


def test_the_right_password_begins_the_count_anew():
    person()
    for _ in range(2):
        for _ in range(4):
            enter(Client(), "wrong-password-1")
        assert enter(Client()).status_code == 302


def test_a_stranger_elsewhere_cannot_lock_a_person_out():
    person()
    for _ in range(9):
        enter(Client(REMOTE_ADDR="203.0.113.9"), "wrong-password-1")

    assert enter(Client(REMOTE_ADDR="198.51.100.7")).status_code == 302


def test_an_unknown_name_and_a_wrong_password_read_the_same():
    person()
    wrong = enter(Client(), "wrong-password-1").context["form"].non_field_errors()
    unknown = Client().post("/console/login/", {"username": "nobody", "password": PASSWORD})

    assert unknown.context["form"].non_field_errors() == wrong


def test_a_session_ends_after_half_a_day():
    person()
    client = Client()
    enter(client)

    assert client.session.get_expiry_age() <= timedelta(hours=12).total_seconds()


def test_a_post_without_token_is_refused():
    client = Client(enforce_csrf_checks=True)

    assert enter(client).status_code == 403
