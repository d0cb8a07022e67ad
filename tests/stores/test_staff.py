"""The first log-in of an empty installation, by command."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.core.models import AuditEntry, User
from apps.stores.models import Region, Role, Staff, Store

pytestmark = pytest.mark.django_db
GOOD = "pear-trees-in-april"


def add(monkeypatch: pytest.MonkeyPatch, *arguments: str, password: str = GOOD) -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    out = io.StringIO()
    call_command("add_staff", *arguments, stdout=out)
    return out.getvalue()


def test_the_first_administrator_can_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    assert add(monkeypatch, "lin") == "lin may log in as admin\n"

    client = Client()
    assert client.post("/console/login/", {"username": "lin", "password": GOOD}).status_code == 302
    assert client.get("/console/").status_code == 200
    assert AuditEntry.objects.filter(action="stores_staff.insert", actor="cli").count() == 1
    assert GOOD not in str(list(AuditEntry.objects.values_list("after", flat=True)))


def test_a_clerk_belongs_to_a_store_and_a_region_manager_to_its_region(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.objects.create(code="S1", name="One", region=Region.objects.create(name="East"))
    add(monkeypatch, "wang", "--role", "clerk", "--store", "S1")
    add(monkeypatch, "zhao", "--role", "region_manager", "--store", "S1")

    assert Staff.objects.get(code="wang").store == store
    assert Staff.objects.get(code="wang").region is None
    assert Staff.objects.get(code="zhao").region == store.region


@pytest.mark.parametrize(
    ("arguments", "password"),
    [(("lin", "--store", "nowhere"), GOOD), (("lin",), "short"), (("lin",), "1234567890123"), (("taken",), GOOD)],
)
def test_a_refusal_makes_nothing(monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], password: str) -> None:
    Staff.objects.create(code="taken", name="T", role=Role.CLERK)

    with pytest.raises(CommandError):
        add(monkeypatch, *arguments, password=password)

    assert not User.objects.exists()
    assert Staff.objects.count() == 1


def test_a_password_that_is_too_short_is_refused_in_one_language(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match=r"^密码太弱：至少需要 10 个字符。$"):
        add(monkeypatch, "lin", password="short")
