"""Personal values at rest and in sight: sealed in the tables, absent from logs, masked on pages, unmasked for a reason only."""

import base64
import logging

import pytest
from django.db import connection

from apps.core import audit, requests
from apps.core.errors import Forbidden, NotFound, ValidationFailed
from apps.core.models import AuditEntry
from apps.members import phones, selectors, services
from apps.members.errors import PhoneTaken
from apps.members.models import Identity, MemberKey
from apps.stores.access import Access
from apps.stores.models import Store

CANARY = "13900270451"
AGENT = Access(user_id=1, staff_id=1, role="agent")
SPELLINGS = (CANARY, CANARY.encode().hex(), base64.b64encode(CANARY.encode()).decode().rstrip("=")[:-1])


def _whole_database() -> str:
    """Every row of every table as text, the way a dump would show it."""
    with connection.cursor() as cursor:
        cursor.execute("select table_name from information_schema.tables where table_schema = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        rows = []
        for table in tables:
            cursor.execute(f'select t::text from "{table}" t')
            rows += [row for (row,) in cursor.fetchall()]
    return "\n".join(rows)


@pytest.mark.django_db
def test_a_phone_stands_in_no_table_and_no_log_line(caplog):
    caplog.set_level(logging.DEBUG)
    member_id = services.register(source="portal", nickname="林小溪", phone=CANARY)
    services.resolve_for_import([("A1", CANARY), ("A2", "13900270452")], "import")
    with pytest.raises(PhoneTaken):
        services.register(source="portal", phone=CANARY)
    selectors.search(text=CANARY)
    selectors.unmask(member_id=member_id, reason=f"rief an von {CANARY}", access=AGENT)

    dump = _whole_database()
    assert "林小溪" in dump  # the scan sees what is there
    for spelling in SPELLINGS:
        assert spelling not in dump
    lines = "\n".join(
        f"{record.getMessage()} {record.__dict__}" for record in caplog.records if record.name[:6] != "django"
    )
    assert CANARY not in lines


@pytest.mark.django_db
def test_without_its_key_a_members_phone_is_gone_and_nobody_elses():
    erased = services.register(source="portal", phone=CANARY)
    other = services.register(source="portal", phone="13900270452")
    MemberKey.objects.filter(pk=erased).delete()

    assert selectors.phones([erased, other]) == {other: "+8613900270452"}
    assert selectors.masked_phone(erased) == ""


@pytest.mark.django_db
def test_a_sealed_value_copied_to_another_member_does_not_open():
    owner = services.register(source="portal", phone=CANARY)
    thief = services.register(source="portal", phone="13900270452")
    Identity.objects.filter(member_id=thief).update(sealed=Identity.objects.get(member_id=owner).sealed)

    assert selectors.phones([owner, thief]) == {owner: "+86" + CANARY}


@pytest.mark.parametrize(
    ("phone", "masked"),
    [("+8613812341234", "138****1234"), ("+85251234567", "+85****4567"), ("", ""), ("+861", "*")],
)
def test_a_masked_phone_shows_seven_digits_at_most(phone, masked):
    assert phones.masked(phone) == masked


@pytest.mark.django_db
def test_lists_and_profiles_carry_masked_phones_only():
    member_id = services.register(source="portal", member_no="A1", phone=CANARY)

    assert selectors.masked_phones([member_id]) == {member_id: "139****0451"}
    assert selectors.profile(member_id).masked_phone == "139****0451"
    assert CANARY not in repr(selectors.profile(member_id))


@pytest.mark.django_db
def test_unmasking_is_written_down_with_its_reason_before_the_number_is_shown():
    member_id = services.register(source="portal", phone=CANARY)

    with requests.acting(actor="user:7"):
        shown = selectors.unmask(member_id=member_id, reason="  parcel came   back ", access=AGENT)

    line = AuditEntry.objects.get(action="member.unmasked")
    assert shown == "+86" + CANARY
    assert (line.actor, line.object_id, line.after) == ("user:7", str(member_id), {"reason": "parcel came back"})


@pytest.mark.django_db
def test_without_reason_role_or_reach_nothing_is_shown_and_nothing_written(monkeypatch):
    near, far = (Store.objects.create(code=code, name=code) for code in ("N", "F"))
    member_id = services.register(source="portal", phone=CANARY, home_store_id=far.pk)
    manager = Access(user_id=2, staff_id=2, role="manager", store_id=near.pk)
    clerk = Access(user_id=3, staff_id=3, role="clerk", store_id=far.pk)

    for access, reason, refusal in (
        (AGENT, " ", ValidationFailed),
        (manager, "call back", NotFound),
        (clerk, "call back", Forbidden),
        (Access(), "call back", Forbidden),
    ):
        with pytest.raises(refusal):
            selectors.unmask(member_id=member_id, reason=reason, access=access)

    assert AuditEntry.objects.filter(action="member.unmasked").count() == 0


@pytest.mark.django_db
def test_when_the_trail_cannot_be_written_the_number_stays_hidden(monkeypatch):
    member_id = services.register(source="portal", phone=CANARY)

    def full(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(audit, "record", full)
    with pytest.raises(OSError, match="disk full"):
        selectors.unmask(member_id=member_id, reason="call back", access=AGENT)


@pytest.mark.django_db
def test_a_thousand_phones_take_one_query(django_assert_num_queries):
    ids, _ = services.resolve_for_import([(f"N{n}", f"1390000{n:04d}") for n in range(1000)], "import")

    with django_assert_num_queries(1):
        found = selectors.phones(list(ids.values()))

    assert len(found) == 1000
    assert found[ids["N7"]] == "+8613900000007"
