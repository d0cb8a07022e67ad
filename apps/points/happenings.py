"""What nobody reports one by one: birthdays and behaviour events, rewarded by a job in one go. Both may run as often as they like."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from apps.core import clock
from apps.points import awards, facts, reckoning
from apps.points.earning import EventMark
from apps.points.reckoning import Occasion

CAUGHT_UP = 3  # days of birthdays that a job which did not run makes good
OVERLAP = timedelta(minutes=15)  # a transaction that took in events may commit that late
OLDEST = timedelta(days=8)  # of an event when it comes in
AT_ONCE = 1000


def birthdays(*, moment: datetime | None = None) -> int:
    """Birthday points of today and of the days that were missed: once a year per member and rule. Returns grants."""
    moment = moment or clock.now()
    if not facts.live_rules("birthday"):
        return 0
    made = 0
    for back in range(CAUGHT_UP):
        day = clock.local_date(moment) - timedelta(days=back)
        for chunk in _celebrating(reckoning.birthdays_on(day)):
            occasions = [
                Occasion("birthday", member_id, f"birthday:{day.year}", clock.day_start(day)) for member_id in chunk
            ]
            made += sum(one.points > 0 for one in awards.reward(occasions=occasions, moment=moment))
    return made


_CELEBRATING = """
select m.id from members_member m where m.status = any(%(here)s) and m.id > %(after)s
   and (m.birth_month, m.birth_day) in (select * from unnest(%(months)s::int[], %(days)s::int[]))
 order by m.id limit %(most)s
"""


def _celebrating(days: list[tuple[int, int]]) -> Iterator[list[int]]:
    months, numbers = zip(*days, strict=True)
    after = 0
    while True:
        values: dict[str, Any] = {
            "here": facts.HERE,
            "after": after,
            "months": list(months),
            "days": list(numbers),
            "most": AT_ONCE,
        }
        with connection.cursor() as cursor:
            cursor.execute(_CELEBRATING, values)
            found = [member_id for (member_id,) in cursor.fetchall()]
        if not found:
            return
        after = found[-1]
        yield found


def events(*, moment: datetime | None = None) -> int:
    """Behaviour events that came in since the last look and that a rule names. Each event counts once, by its id. Returns grants.

    An event of somebody who was not known then, and became known later, is not rewarded.
    """
    moment = moment or clock.now()
    names = sorted({rule.definition["event"]["name"] for rule in facts.live_rules("event")})
    with transaction.atomic():
        mark, _is_new = EventMark.objects.select_for_update().get_or_create(pk=1, defaults={"upto": moment})
        made = sum(_reward(chunk, moment) for chunk in _came_in(names, mark.upto - OVERLAP, moment)) if names else 0
        EventMark.objects.filter(pk=mark.pk).update(upto=moment)
    return made


_CAME_IN = """
select e.event_id, e.name, e.member_id, e.occurred_at, e.properties from activity_event e
where e.received_at > %(after)s and e.received_at <= %(moment)s and e.occurred_at > %(oldest)s and e.name = any(%(names)s)
  and e.member_id is not null and not e.is_stitched
order by e.occurred_at, e.event_id
"""
Row = tuple[UUID, str, int, datetime, str]


def _came_in(names: list[str], after: datetime, moment: datetime) -> Iterator[list[Row]]:
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"after": after, "moment": moment, "oldest": after - OLDEST, "names": names}
        cursor.execute(_CAME_IN, values)
        rows: list[Row] = cursor.fetchall()
    for first in range(0, len(rows), AT_ONCE):
        yield rows[first : first + AT_ONCE]


def _reward(rows: list[Row], moment: datetime) -> int:
    occasions = [
        Occasion("event", member_id, f"event:{event_id}", at, name=name, properties=json.loads(properties))
        for event_id, name, member_id, at, properties in rows
    ]
    return sum(one.points > 0 for one in awards.reward(occasions=occasions, moment=moment))
