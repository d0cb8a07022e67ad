"""Months of events: Shanghai's calendar decides, nothing is lost without a month, old months go whole."""

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import DataError, ProgrammingError

from apps.activity import partitions
from apps.activity.models import Event
from apps.activity.settings import MONTHS_KEPT
from apps.core import brand
from tests.activity.made import event, send

pytestmark = pytest.mark.django_db
LAST_OF_JULY = datetime(2024, 7, 31, 15, 59, 59, 999_999, tzinfo=UTC)  # 23:59:59.999999 in Shanghai
FIRST_OF_AUGUST = LAST_OF_JULY + timedelta(microseconds=1)


def homes() -> dict[datetime, str]:
    with connection.cursor() as cursor:
        cursor.execute("select occurred_at, tableoid::regclass::text from activity_event")
        return dict(cursor.fetchall())


def test_the_month_ends_at_midnight_in_shanghai_not_in_greenwich(clock):
    clock(FIRST_OF_AUGUST)
    partitions.keep(FIRST_OF_AUGUST)

    send(event(at=LAST_OF_JULY), event(at=FIRST_OF_AUGUST))

    assert homes() == {LAST_OF_JULY: "activity_event_2024_07", FIRST_OF_AUGUST: "activity_event_2024_08"}


def test_three_months_ahead_and_the_last_one_stand_ready_and_making_them_again_changes_nothing(clock):
    clock(FIRST_OF_AUGUST)

    assert partitions.keep(FIRST_OF_AUGUST)[0] == 5
    assert partitions.keep(FIRST_OF_AUGUST)[0] == 0

    assert [month for month in partitions.months() if month.year == 2024] == [date(2024, n, 1) for n in range(7, 12)]
    assert partitions.months_ahead() == 3


def test_an_event_without_a_month_is_kept_and_moves_into_its_month_when_that_is_made(clock):
    clock(FIRST_OF_AUGUST)
    assert send(event(at=LAST_OF_JULY), event(at=FIRST_OF_AUGUST)).accepted == 2
    assert partitions.strayed() == 2

    partitions.keep(FIRST_OF_AUGUST)

    assert partitions.strayed() == 0
    assert homes() == {LAST_OF_JULY: "activity_event_2024_07", FIRST_OF_AUGUST: "activity_event_2024_08"}


def test_months_older_than_the_brand_keeps_are_dropped_whole(clock):
    long_ago = datetime(2025, 3, 10, tzinfo=UTC)
    for month in range(1, 7):
        clock(long_ago.replace(month=month))
        partitions.keep(long_ago.replace(month=month))
        send(event())
    brand.write(MONTHS_KEPT, 2)

    made, dropped = partitions.keep(datetime(2025, 6, 15, tzinfo=UTC))

    assert (made, dropped) == (0, 4)
    assert Event.objects.count() == 3
    assert partitions.months()[0] == date(2025, 4, 1)


@pytest.mark.parametrize("months", [0, 37, "13", True])
def test_how_many_months_are_kept_is_checked(months):
    with pytest.raises(ValueError, match="months"):
        brand.write(MONTHS_KEPT, months)


def test_the_running_role_can_drop_nothing_but_old_months():
    with connection.cursor() as cursor:
        with pytest.raises(ProgrammingError, match="must be owner"), transaction.atomic():
            cursor.execute("drop table activity_event_default")
        with pytest.raises(DataError, match="not dropped"), transaction.atomic():
            cursor.execute("select activity_drop_months('2999-01-01')")


def test_nobody_else_may_call_the_two_functions(owner_cursor: psycopg.Cursor):
    owner_cursor.execute("select has_function_privilege('public', 'activity_drop_months(date)', 'execute')")

    assert owner_cursor.fetchone() == (False,)
