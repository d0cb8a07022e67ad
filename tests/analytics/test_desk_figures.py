"""Figures of the service desk, against what was planted."""

from datetime import timedelta

import pytest

from apps.analytics import desk as figures
from apps.tickets import assigning, upkeep
from apps.tickets import services as tickets
from apps.tickets.models import Ticket, Vote
from tests.tickets import desk as of
from tests.tickets.desk import NOON, move, opened, say

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_what_was_planted_is_what_the_desk_reads():
    desk = of.build()
    old, fast, slow, open_one, far = (
        opened(desk, "question", lines=0, number=number, at=NOON - ago)
        for number, ago in enumerate((10 * DAY, DAY, 2 * DAY, HOUR, 5 * DAY), start=10)
    )
    Ticket.objects.exclude(pk=far.pk).update(store=desk.store)
    for row in (old, fast, slow):
        assigning.take(ticket_id=row.pk, staff_id=desk.staff.pk, moment=row.created_at)
    say(old, desk.agent, 1, move="resolve", moment=NOON - 9 * DAY)
    say(fast, desk.agent, 1, moment=NOON - DAY + timedelta(minutes=10))
    say(slow, desk.agent, 1, move="resolve", moment=NOON - 2 * DAY + timedelta(minutes=30))
    for row, score in ((old, 1), (slow, 5)):
        Vote.objects.create(ticket=row, score=score, channel="portal", at=row.ended_at)
    twin = opened(desk, "question", lines=0, number=20, at=NOON - HOUR)
    tickets.merge(ticket_id=twin.pk, into_id=open_one.pk, by=desk.agent, moment=NOON)  # counts nowhere
    upkeep.miss(moment=NOON - HOUR)

    def one(kind: str, back: int = 0, stores: list[int] | None = None) -> dict[int, figures.Figures]:
        rows = figures.figures(of=kind, stores=stores, days=7, moment=NOON, back=back)
        return {row.key: row for row in rows}

    now, before = one("all")[0], one("all", back=1)[0]
    assert (now.opened, now.ended, now.first_minutes, now.end_minutes, now.open, now.late, now.votes, now.score) == (
        4, 1, 20, 30, 3, 1, 1, 5.0,
    )  # fmt: skip
    assert (before.opened, before.ended, before.end_minutes, before.score) == (1, 1, 24 * 60, 1.0)
    assert {key: (row.open, row.ended) for key, row in one("people").items()} == {desk.staff.pk: (1, 1), 0: (2, 0)}
    assert {key: row.open for key, row in one("stores").items()} == {desk.store.pk: 2, 0: 1}
    assert set(one("stores", stores=[desk.store.pk])) == {desk.store.pk}
    assert now.missed == 1
    assert figures.backlog(stores=None, moment=NOON) == [("new", 3, [1, 1, 1, 0])]
    assert figures.backlog(stores=[desk.store.pk + 1], moment=NOON) == []
    move(open_one, "ask", desk.agent)  # nothing of it is due
    ahead = figures.forecast(stores=None, moment=NOON - DAY)
    assert (
        ahead.late + ahead.hour + ahead.four_hours + ahead.today + ahead.tomorrow
        == Ticket.objects.filter(due_at__lte=NOON - DAY + 2 * DAY, ended_at=None).count()
    )
