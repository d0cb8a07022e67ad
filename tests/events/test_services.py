"""The outbox: a fact is stored with its change or not at all, and once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from apps.events import selectors, services
from apps.events.models import Event

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def fact(number: int, **fields: object) -> Event:
    return Event.objects.create(name=fields.pop("name", "test.done"), key=f"k{number}", **fields)


@pytest.mark.django_db(transaction=True)
def test_a_fact_outside_a_transaction_is_refused():
    with pytest.raises(RuntimeError):
        services.publish("test.done", key="1")
    with pytest.raises(RuntimeError):
        services.publish_many("test.done", query="select '1' as key, '' as lane, '{}'::jsonb as payload")

    assert Event.objects.exists() is False


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_undone_takes_its_fact_along():
    @transaction.atomic
    def change() -> None:
        services.publish("test.done", key="1")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change()

    assert Event.objects.exists() is False


def test_the_same_key_is_the_same_fact():
    first = services.publish("test.done", key="1", lane="member:1", number=1)
    again = services.publish("test.done", key="1", lane="member:1", number=2)

    assert first.pk == again.pk
    assert (Event.objects.get().key, Event.objects.get().payload) == ("test.done:1", {"number": 1})


def test_many_facts_are_stored_by_one_statement_and_once(clock):
    clock(NOON)
    query = "select n::text as key, 'member:' || n as lane, jsonb_build_object('n', n) as payload from generate_series(1, 3) n"

    assert (services.publish_many("test.done", query=query), services.publish_many("test.done", query=query)) == (3, 0)
    assert list(Event.objects.order_by("pk").values_list("key", "lane", "payload", "created_at", "next_try_at")) == [
        (f"test.done:{n}", f"member:{n}", {"n": n}, NOON, NOON) for n in (1, 2, 3)
    ]


def test_the_backlog_counts_open_facts_by_name(clock):
    clock(NOON)
    fact(1, created_at=NOON - timedelta(minutes=5))
    fact(2, error="a.b: KeyError", attempts=2, next_try_at=NOON + timedelta(minutes=1))
    fact(3, name="test.other", created_at=NOON - timedelta(hours=1), parked_at=NOON, error="a.b: KeyError", attempts=8)
    fact(4, created_at=NOON - timedelta(hours=2), finished_at=NOON)

    assert selectors.backlog() == (
        selectors.Backlog(name="test.done", waiting=2, parked=0, failing=1, oldest_at=NOON - timedelta(minutes=5)),
        selectors.Backlog(name="test.other", waiting=0, parked=1, failing=0, oldest_at=None),
    )
    assert selectors.lag_seconds() == 300
    assert [(row.key, row.attempts) for row in selectors.parked()] == [("k3", 8)]
    assert [(row.key, row.error) for row in selectors.last_errors()] == [("k2", "a.b: KeyError")]


def test_an_empty_outbox_has_no_lag():
    assert (selectors.lag_seconds(), selectors.backlog(), selectors.parked()) == (0.0, (), ())
