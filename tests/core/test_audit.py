"""The audit trail: written by acts and by the database itself, with before and after, hidden columns hidden, never changed."""

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from apps.core import audit, brand, requests
from apps.core.models import AuditEntry, BrandSetting, User
from apps.stores.models import Region


@pytest.mark.django_db
def test_a_changed_row_leaves_a_line_with_before_and_after_and_who_did_it():
    brand.write("core.demo", False)
    with requests.acting(actor="user:7", request_id="r-1", address="192.0.2.1"):
        audit.sign()
        brand.write("core.demo", True)

    line = AuditEntry.objects.filter(action="core_brandsetting.update").get()
    assert (line.actor, line.request_id, line.address) == ("user:7", "r-1", "192.0.2.1")
    assert line.before["value"] is False
    assert line.after["value"] is True
    assert "key" not in line.after  # only what changed
    assert line.object_id == str(BrandSetting.objects.get().pk)


@pytest.mark.django_db
def test_bulk_and_raw_changes_are_recorded_too_and_a_change_of_nothing_is_not():
    BrandSetting.objects.create(key="a", value=1)
    BrandSetting.objects.filter(key="a").update(value=2)
    BrandSetting.objects.filter(key="a").update(value=2)
    with connection.cursor() as cursor:
        cursor.execute("delete from core_brandsetting")

    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["core_brandsetting.insert", "core_brandsetting.update", "core_brandsetting.delete"]
    assert AuditEntry.objects.get(action="core_brandsetting.delete").before["value"] == 2


@pytest.mark.django_db
def test_password_hashes_never_enter_the_trail():
    user = User.objects.create_user("lin", "Correct-horse-7")
    stored = user.password
    user.set_password("Battery-staple-8")
    user.save()

    lines = AuditEntry.objects.filter(object_type="core_user").order_by("id")
    assert [line.after["password"] for line in lines] == ["***", "***"]
    assert lines[1].before["password"] == "***"
    texts = str([(line.before, line.after) for line in lines])
    assert stored not in texts
    assert user.password not in texts


@pytest.mark.django_db
def test_an_undone_change_leaves_no_line():
    with transaction.atomic():
        BrandSetting.objects.create(key="a", value=1)
        transaction.set_rollback(True)

    assert AuditEntry.objects.count() == 0


@pytest.mark.django_db
def test_an_act_is_recorded_with_its_actor():
    with requests.acting(actor="user:9"):
        audit.record("member.unmasked", object_type="member", object_id=12, after={"reason": "call back"})

    line = AuditEntry.objects.get()
    assert (line.actor, line.action, line.object_id, line.after) == (
        "user:9", "member.unmasked", "12", {"reason": "call back"},
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    ["update core_auditentry set action = 'x'", "delete from core_auditentry", "truncate core_auditentry"],
)
def test_the_application_cannot_change_or_remove_a_line(statement):
    audit.record("a.thing")

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert AuditEntry.objects.filter(action="a.thing").count() == 1


@pytest.mark.django_db(transaction=True)
def test_even_the_tables_owner_is_stopped_by_the_trigger(owner_cursor):
    audit.record("a.thing")

    for statement in ("update core_auditentry set action = 'x'", "delete from core_auditentry"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            owner_cursor.execute(statement)

    assert AuditEntry.objects.filter(action="a.thing").count() == 1


@pytest.mark.django_db
def test_tables_without_the_trigger_stay_quiet():
    Region.objects.create(name="临汀")

    assert AuditEntry.objects.filter(object_type="stores_region").count() == 0
