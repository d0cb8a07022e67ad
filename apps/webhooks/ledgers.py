"""Facts that a ledger tells by itself: lines of points, coupons, stages and consents are read behind their writers' backs.

What an endpoint asked for is read from where the reading before the last five minutes stood, so that a slow transaction's line is not
passed over; the message's name lets none be told twice. Nobody is told what happened before the first reading after they asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.core import clock
from apps.webhooks import catalogue, telling
from apps.webhooks.models import Endpoint, LedgerMark, Message

BEHIND = timedelta(minutes=5)  # the longest that a writer's transaction stays open
MOST = 2_000  # messages of a fact in one reading


@dataclass(frozen=True)
class Ledger:
    """`rows`: SQL over rows `x` of the table, with the columns id, at and those that the fact is made of; a start is put to it."""

    table: str
    rows: str


LEDGERS: dict[str, Ledger] = {
    "points.changed": Ledger(
        "points_entry",
        """select x.id, x.at, a.member_id, c.key as currency, x.kind, x.amount, x.balance_after as balance
        from points_entry x join points_account a on a.id = x.account_id join points_currency c on c.id = a.currency_id
        where x.amount <> 0""",
    ),
    "coupon.issued": Ledger(
        "coupons_coupon",
        """select x.id, x.issued_at as at, x.member_id, x.id as coupon_id, t.key as template, x.channel, x.ends_at
        from coupons_coupon x join coupons_template t on t.id = x.template_id where x.member_id is not null and x.batch_id is null""",
    ),
    "member.stage_changed": Ledger(
        "segments_stagechange",
        """select x.id, x.recorded_at as at, x.member_id, nullif(x.before, '') as before, x.after, x.cause
        from segments_stagechange x where true""",
    ),
    "member.consent_changed": Ledger(
        "members_consent",
        """select x.id, x.at, x.member_id, x.purpose, x.channel, x.is_granted, x.source
        from members_consent x where true""",
    ),
}


def read() -> int:
    """Tell what the ledgers have gained. Returns how many messages are new. Two at once: the second waits, and finds nothing."""
    asked = Endpoint.objects.filter(off="", retired_at=None, facts__overlap=list(LEDGERS))
    wanted = {fact for facts in asked.values_list("facts", flat=True) for fact in facts} & LEDGERS.keys()
    LedgerMark.objects.exclude(fact__in=wanted).delete()  # whoever asks again hears what happens from then on
    return sum(_read(fact) for fact in sorted(wanted))


@transaction.atomic
def _read(fact: str) -> int:
    ledger, moment = LEDGERS[fact], clock.now()
    newest = _newest(ledger.table)
    LedgerMark.objects.get_or_create(fact=fact, defaults={"stood": newest, "newest": newest, "newest_at": moment})
    mark = LedgerMark.objects.select_for_update().get(fact=fact)
    found = _rows(ledger, fact, mark)
    if found:
        telling.tell_many(fact=fact, rows=found)
    if len(found) < MOST and moment - mark.newest_at >= BEHIND:
        mark.stood, mark.newest, mark.newest_at = mark.newest, newest, moment
        mark.save(update_fields=["stood", "newest", "newest_at"])
    return len(found)


def _newest(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"select coalesce(max(id), 0) from {table}")
        return int(cursor.fetchone()[0])


def _rows(ledger: Ledger, fact: str, mark: LedgerMark) -> list[tuple[str, datetime, dict[str, Any]]]:
    """(name of the message, when, data) of those that are not told yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select r.* from ({ledger.rows} and x.id > %(stood)s) r"
            f" where not exists (select from {Message._meta.db_table} m where m.source = %(fact)s || r.id)"
            f" order by r.id limit {MOST}",
            {"stood": mark.stood, "fact": _source(fact, "")},
        )
        names = [column.name for column in cursor.description or ()]
        rows: Iterable[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    made = catalogue.FACTS[fact].made
    return [(_source(fact, row["id"]), row["at"], made(row)) for row in rows]


def _source(fact: str, number: object) -> str:
    return f"ledger:{fact}:{number}"
