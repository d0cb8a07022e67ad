"""Many lapsing members at once, set-based: for tests that send thousands."""

from datetime import datetime, timedelta

from django.db import connection

from apps.members import services as members
from apps.segments import refresh


def lapsing(count: int, *, moment: datetime) -> list[int]:
    """Members with a phone and consent who bought once, 32 days before `moment`; stats are fresh."""
    numbers = [(f"C{n}", f"138{n:08d}") for n in range(count)]
    found, errors = members.resolve_for_import(numbers, "test")
    assert not errors
    member_ids = sorted(found.values())
    for channel in ("sms", "inbox"):
        members.grant_consents(
            member_ids=member_ids, purpose="care", channel=channel, source="test", text_version="1", moment=moment
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into orders_order (source, order_no, member_id, channel, status, total_cents, refunded_cents,"
            " created_at, paid_at) select 'test', 'C' || id, id, '', 'paid', 10000, 0, %(at)s, %(at)s"
            " from unnest(%(ids)s::bigint[]) id",
            {"ids": member_ids, "at": moment - timedelta(days=32)},
        )
        cursor.execute(
            "insert into orders_change (member_id, due_at) select id, %s from unnest(%s::bigint[]) id",
            [moment - timedelta(days=32), member_ids],
        )
    refresh.refresh(moment)
    return member_ids
