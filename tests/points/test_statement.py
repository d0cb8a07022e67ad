"""The member's own view: lines with a running balance, what runs out, and the fact that tells of it."""

from datetime import date, timedelta

import pytest
from django.utils.translation import gettext as _

from apps.events.models import Event
from apps.members.models import Member
from apps.points import expiring, selectors, tasks, telling
from apps.points import services as points
from apps.points.models import Hold
from tests.points.accounts import MONDAY, earn, hold, join, spend, totals


def test_a_statement_is_read_page_by_page_newest_first(member: Member, django_assert_max_num_queries):
    for number in range(1, 6):
        earn(member, 10, f"order:{number}")
    spend(member, 15, "make_up:2026-11-29", by=points.By(note="2 cups"))

    with django_assert_max_num_queries(2):
        lines, more = telling.statement(member_id=member.pk, limit=4)
        told = telling.tell(lines)
    rest, end = telling.statement(member_id=member.pk, limit=4, before=more)

    assert [(line.source, line.amount, line.balance_after) for line in lines] == [
        ("make_up:2026-11-29", -15, 35), ("order:5", 10, 50), ("order:4", 10, 40), ("order:3", 10, 30),
    ]  # fmt: skip
    assert (told[0].entry.note, told[0].about, told[0].order_id) == ("2 cups", _("Made-up sign-in"), None)
    assert [line.source for line in rest] == ["order:2", "order:1"]
    assert end is None


def test_all_kinds_of_points_are_one_statement_newest_first(member: Member, friend: Member):
    for number in range(3):
        earn(member, 10, f"order:{number}")
        earn(member, 20, f"order:{number}", currency="growth")
        earn(friend, 10, f"order:{number}")

    first, more = telling.statement(member_id=member.pk, limit=4)
    rest, end = telling.statement(member_id=member.pk, limit=4, before=more)
    newer, _end = telling.statement(member_id=member.pk, after=first[1].pk)

    told = [(line.source, line.account.currency.key) for line in [*first, *rest]]
    assert told == [(f"order:{number}", key) for number in (2, 1, 0) for key in ("growth", "points")]
    assert (end, [line.pk for line in newer]) == (None, [first[0].pk])


def test_what_runs_out_is_told_by_last_valid_day(member: Member):
    day = points.clock.day_end(date(2026, 12, 31))
    earn(member, 10, "a", terms=points.Terms(expires_at=day))
    earn(member, 20, "b", terms=points.Terms(expires_at=day))
    earn(member, 30, "c", terms=points.Terms(expires_at=day + timedelta(days=1)))
    earn(member, 40, "d", terms=points.Terms(expiry={"kind": "never"}))

    assert selectors.expiring(member_id=member.pk, moment=MONDAY) == [(date(2026, 12, 31), 30), (date(2027, 1, 1), 30)]
    assert selectors.expiring(member_id=member.pk, moment=MONDAY, until=day) == [(date(2026, 12, 31), 30)]
    assert selectors.expiring(member_id=member.pk, moment=day) == [(date(2027, 1, 1), 30)]


def test_running_out_is_told_once_for_each_member_and_day(member: Member, friend: Member, clock, settings):
    settings.POINTS_WARN_DAYS = 30
    clock(MONDAY)
    within, beyond = points.clock.day_end(date(2026, 12, 30)), points.clock.day_end(date(2026, 12, 31))
    earn(member, 10, "a", terms=points.Terms(expires_at=within))
    earn(member, 5, "b", terms=points.Terms(expires_at=within))
    earn(member, 7, "c", terms=points.Terms(expires_at=beyond))
    earn(friend, 1, "a", terms=points.Terms(expires_at=beyond))
    earn(friend, 9, "g", currency="growth", terms=points.Terms(expires_at=within))

    assert (expiring.publish_expiring(), expiring.publish_expiring()) == (1, 0)
    fact = Event.objects.get(name=expiring.FACT)
    assert fact.payload == {
        "member_id": member.pk, "currency": "points", "points": 15, "last_day": "2026-12-30",
    }  # fmt: skip
    clock(MONDAY + timedelta(days=1))
    tasks.warn_expiring()
    assert Event.objects.filter(name=expiring.FACT).count() == 3


@pytest.mark.django_db(transaction=True)
def test_the_tasks_settle_and_release_by_themselves(member: Member, friend: Member, clock):
    earn(member, 10, "a", terms=points.Terms(expires_at=MONDAY + timedelta(hours=1)))
    earn(friend, 10, "a", terms=points.Terms(is_pending=True, due_at=MONDAY + timedelta(hours=1)))
    earn(friend, 5, "b")
    hold(friend, 5, "basket:1")
    clock(MONDAY + timedelta(hours=1))

    tasks.settle()
    tasks.release_holds()

    assert (totals(member), totals(friend)) == ((0, 0, 0, 0), (15, 0, 0, 0))
    assert Hold.objects.get().state == "expired"


def test_after_a_merge_the_statement_shows_what_came(member: Member, friend: Member):
    earn(member, 10, "a")
    join(member, friend)

    (line,), _following = telling.statement(member_id=friend.pk)
    assert (line.kind, line.amount, line.balance_after) == ("merge_in", 10, 10)
