"""Many lapsing members at once, set-based: for tests that send thousands."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from apps.members import services as members
from apps.segments import refresh


def lapsing(count: int, *, moment: datetime, later: int = 0) -> list[int]:
    """Members with a phone and consent who bought once, 32 days before `moment`; stats are fresh.

    The last `later` of them bought so that they are lapsing five days after `moment`, two and a half hours earlier in the day.
    """
    numbers = [(f"C{n}", f"138{n:08d}") for n in range(count)]
    found, errors = members.resolve_for_import(numbers, "test")
    assert not errors
    member_ids = sorted(found.values())
    for channel in ("sms", "inbox"):
        members.grant_consents(
            member_ids=member_ids, purpose="care", channel=channel, source="test", text_version="1", moment=moment
        )
    soon = member_ids[count - later :]
    buy(sorted(set(member_ids) - set(soon)), at=moment - timedelta(days=32))
    buy(soon, at=moment - timedelta(days=25, hours=2, minutes=30))
    refresh.refresh(moment)
    return member_ids


def buy(member_ids: Sequence[int], *, at: datetime, name: str = "C") -> None:
    """One paid order each, with the note that the stats are to be refreshed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into orders_order (source, order_no, member_id, channel, status, total_cents, refunded_cents,"
            " created_at, paid_at) select 'test', %(name)s || id, id, '', 'paid', 10000, 0, %(at)s, %(at)s"
            " from unnest(%(ids)s::bigint[]) id",
            {"ids": list(member_ids), "at": at, "name": name},
        )
        cursor.execute(
            "insert into orders_change (member_id, due_at) select id, %s from unnest(%s::bigint[]) id",
            [at, list(member_ids)],
        )
