"""Consent: append-only, the newest statement counts, whatever the order in which they arrive."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from apps.core.errors import ValidationFailed
from apps.members import selectors, services
from apps.members.models import Consent, ConsentNow

DAY = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)


@pytest.fixture
def member_id(db: None) -> int:
    return services.register(source="portal")


def _say(member_id: int, is_granted: bool, **changes: str) -> int:
    given = {"purpose": "care", "channel": "sms", "source": "portal", "text_version": "v1"} | changes
    return services.give_consent(member_id=member_id, is_granted=is_granted, **given)


def test_the_newest_statement_counts_and_the_earlier_ones_stay(member_id, clock):
    clock(DAY)
    _say(member_id, True)
    clock(DAY + timedelta(days=1))
    _say(member_id, False, source="sms:R")

    assert [(line.is_granted, line.source, line.is_newest) for line in selectors.consents(member_id)] == [
        (False, "sms:R", True),
        (True, "portal", False),
    ]
    now = ConsentNow.objects.get(member_id=member_id)
    assert (now.purpose, now.channel, now.is_granted, now.at) == ("care", "sms", False, DAY + timedelta(days=1))


def test_an_older_statement_that_arrives_late_does_not_bring_consent_back(member_id, clock):
    clock(DAY + timedelta(days=1))
    _say(member_id, False)
    clock(DAY)
    _say(member_id, True)

    assert ConsentNow.objects.get(member_id=member_id).is_granted is False
    assert [line.is_granted for line in selectors.consents(member_id) if line.is_newest] == [False]


def test_purposes_and_channels_are_apart(member_id):
    _say(member_id, True)
    _say(member_id, False, purpose="marketing")
    _say(member_id, True, channel="inbox")

    now = ConsentNow.objects.filter(member_id=member_id).values_list("purpose", "channel", "is_granted")
    assert set(now) == {("care", "sms", True), ("marketing", "sms", False), ("care", "inbox", True)}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [({"purpose": "fun"}, "/purpose"), ({"channel": "pigeon"}, "/channel"), ({"source": ""}, "/source")],
)
def test_a_statement_that_says_nothing_clear_is_refused(member_id, changes, pointer):
    with pytest.raises(ValidationFailed) as refusal:
        _say(member_id, True, **changes)

    assert [error["pointer"] for error in refusal.value.facts["errors"]] == [pointer]
    assert Consent.objects.count() == 0
    assert ConsentNow.objects.count() == 0


@pytest.mark.parametrize("statement", ["update members_consent set is_granted = true", "delete from members_consent"])
def test_the_application_cannot_rewrite_history(member_id, statement):
    _say(member_id, False)

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert list(Consent.objects.values_list("is_granted", flat=True)) == [False]


@pytest.mark.django_db(transaction=True)
def test_even_the_tables_owner_cannot(owner_cursor):
    _say(services.register(source="portal"), False)

    for statement in ("update members_consent set is_granted = true", "delete from members_consent"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            owner_cursor.execute(statement)


def test_many_members_agree_in_one_statement(db, django_assert_num_queries):
    ids, _ = services.resolve_for_import([(f"N{n}", "") for n in range(500)], "import")

    with django_assert_num_queries(1):
        count = services.grant_consents(
            member_ids=list(ids.values()), purpose="care", channel="sms", source="import", text_version="v1", moment=DAY
        )

    assert count == 500
    assert ConsentNow.objects.filter(is_granted=True, at=DAY).count() == 500
