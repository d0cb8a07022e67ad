"""Keys of programs: shown once, stored as digests, bound to scopes and stores, revoked at once."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.errors import NotFound, ValidationFailed
from apps.core.models import AuditEntry
from apps.stores import credentials
from apps.stores.models import ApiClient, Device, Store

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=timezone(timedelta(hours=8)))


@pytest.mark.django_db
def test_a_client_key_is_found_by_its_secret_which_is_stored_nowhere():
    issued = credentials.issue_client(name=" order  system ", scopes=["orders.write", "members.read", "orders.write"])

    assert issued.secret.startswith("sk_live_")
    assert credentials.find(issued.secret) == credentials.Credential(
        kind="client", id=issued.id, scopes=frozenset({"members.read", "orders.write"}), is_sandbox=False
    )
    row = ApiClient.objects.get()
    assert (row.name, row.last_four, row.scopes) == (
        "order system",
        issued.secret[-4:],
        ["members.read", "orders.write"],
    )
    assert issued.secret[8:] not in repr(ApiClient.objects.values_list()[0]) + repr(AuditEntry.objects.values_list()[0])
    assert credentials.find(issued.secret[:-1]) is None
    assert credentials.find("dk_" + issued.secret[3:]) is None
    assert credentials.find("") is None


@pytest.mark.django_db
def test_a_device_belongs_to_its_store_and_a_test_key_says_so():
    store = Store.objects.create(code="S1", name="Jing'an")
    issued = credentials.issue_device(name="till 1", store_id=store.pk, scopes=["orders.write"], is_sandbox=True)

    assert issued.secret.startswith("dk_test_")
    found = credentials.find(issued.secret)
    assert found is not None
    assert (found.kind, found.store_id, found.is_sandbox) == ("device", store.pk, True)
    with pytest.raises(NotFound):
        credentials.issue_device(name="till 2", store_id=store.pk + 1, scopes=["orders.write"])
    assert Device.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "scopes", "pointers"),
    [
        ("x", ["orders.write"], ["/name"]),
        ("order system", [], ["/scopes"]),
        ("order system", ["orders.write", "everything"], ["/scopes"]),
        ("", [], ["/name", "/scopes"]),
    ],
)
def test_a_key_without_name_or_with_unknown_scopes_is_refused(name: str, scopes: list[str], pointers: list[str]):
    with pytest.raises(ValidationFailed) as refusal:
        credentials.issue_client(name=name, scopes=scopes)

    assert [error["pointer"] for error in refusal.value.facts["errors"]] == pointers  # type: ignore[attr-defined]
    assert ApiClient.objects.count() == 0


@pytest.mark.django_db
def test_a_revoked_key_is_refused_at_once_and_both_acts_are_audited():
    issued = credentials.issue_client(name="order system", scopes=["orders.write"])
    other = credentials.issue_client(name="other", scopes=["orders.write"])

    assert credentials.revoke(kind="client", credential_id=issued.id) is True
    assert credentials.revoke(kind="client", credential_id=issued.id) is False
    assert credentials.revoke(kind="device", credential_id=other.id) is False
    assert credentials.find(issued.secret) is None
    assert credentials.find(other.secret) is not None
    acts = AuditEntry.objects.filter(object_type="client_key", object_id=issued.id).order_by("id")
    assert list(acts.values_list("action", flat=True)) == ["client_key.issued", "client_key.revoked"]
    assert [key.id for key in credentials.listed("client")] == [other.id, issued.id]


@pytest.mark.django_db
def test_work_that_goes_on_without_the_key_ends_with_it():
    issued = credentials.issue_client(name="order system", scopes=["orders.write"])
    assert credentials.living(kind="client", credential_id=issued.id) is not None
    credentials.revoke(kind="client", credential_id=issued.id)
    assert credentials.living(kind="client", credential_id=issued.id) is None


@pytest.mark.django_db
def test_a_key_is_looked_up_in_one_statement_and_its_use_is_noted_once_an_hour(clock: Callable[[datetime], datetime]):
    clock(NOON)
    issued = credentials.issue_client(name="order system", scopes=["orders.write"])

    statements = []
    for minutes in (0, 1, 59, 60):
        clock(NOON + timedelta(minutes=minutes))
        with CaptureQueriesContext(connection) as captured:
            credentials.find(issued.secret)
        statements.append(len(captured))
    assert statements == [2, 1, 1, 2]
    assert ApiClient.objects.get().last_used_at == NOON + timedelta(hours=1)


@pytest.mark.django_db
def test_the_command_shows_the_key_once(capsys: pytest.CaptureFixture[str]):
    Store.objects.create(code="S1", name="Jing'an")
    call_command("issue_key", "quick start", "--scope", "members.read", "--scope", "orders.write", "--sandbox")
    client = capsys.readouterr().out.strip()
    call_command("issue_key", "till 1", "--scope", "orders.write", "--store", "S1")
    device = capsys.readouterr().out.strip()

    found = [credentials.find(secret) for secret in (client, device)]
    assert [(one.kind, one.is_sandbox) for one in found if one] == [("client", True), ("device", False)]
    with pytest.raises(CommandError):
        call_command("issue_key", "till 2", "--scope", "orders.write", "--store", "S2")
    assert AuditEntry.objects.filter(actor="cli").count() == 2


@pytest.mark.django_db
def test_a_key_is_ended_on_the_command_line_by_its_name_or_its_last_four(capsys):
    store = Store.objects.create(code="S1", name="Jing'an")
    first, second = (credentials.issue_client(name=name, scopes=["members.read"]) for name in ("one", "two"))
    till = credentials.issue_device(name="till 1", store_id=store.pk, scopes=["orders.write"])

    call_command("revoke_key", credentials.public_id(kind="client", credential_id=first.id))
    call_command("revoke_key", till.secret[-4:])

    assert capsys.readouterr().out.count("Revoked.") == 2
    assert credentials.find(first.secret) is credentials.find(till.secret) is None
    assert credentials.find(second.secret) is not None
    for wrong in (
        credentials.public_id(kind="client", credential_id=first.id),
        "cli_0000000000000",
        "nonsense",
        "????",
    ):
        with pytest.raises(CommandError):
            call_command("revoke_key", wrong)
    assert credentials.find(second.secret) is not None


@pytest.mark.django_db
def test_a_process_believes_a_key_for_two_seconds_and_one_that_revoked_it_no_longer(monkeypatch):
    moment = [1000.0]
    monkeypatch.setattr(credentials.time, "monotonic", lambda: moment[0])
    issued, other = (credentials.issue_client(name=name, scopes=["orders.write"]) for name in ("one", "two"))
    assert credentials.find_lately(issued.secret) == credentials.find(issued.secret) != None  # noqa: E711 - both, and there
    with CaptureQueriesContext(connection) as captured:
        assert credentials.find_lately(issued.secret) is not None
    assert len(captured) == 0

    ApiClient.objects.filter(pk=issued.id).update(revoked_at=NOON)  # by another process
    moment[0] += 2.01
    assert credentials.find_lately(issued.secret) is None
    assert credentials.find_lately(other.secret) is not None
    credentials.revoke(kind="client", credential_id=other.id)
    assert credentials.find_lately(other.secret) is None
