"""What an agent should know of a member before promising anything: what was given back, made good or complained of before.

Facts, no score: whoever reads them decides.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

ORDERS_OF, TICKETS_OF = timedelta(days=365), timedelta(days=90)
_COUNT = """
select
    (select count(*) from orders_order where member_id = %(member)s and paid_at > %(year)s),
    (select count(*) from orders_order where member_id = %(member)s and paid_at > %(year)s and refunded_cents > 0),
    (select count(*) from tickets_amends a join tickets_ticket t on t.id = a.ticket_id
      where t.member_id = %(member)s and a.taken_back_at is null and a.at > %(quarter)s),
    (select count(*) from tickets_ticket
      where member_id = %(member)s and id <> %(ticket)s and kind = 'complaint' and ended_at is null),
    (select count(*) from tickets_vote v join tickets_ticket t on t.id = v.ticket_id
      where t.member_id = %(member)s and v.score <= 2 and v.at > %(quarter)s)
"""


@dataclass(frozen=True)
class Cautions:
    """Of the last year: orders that were paid, and those of them with money back. Of the last 90 days: tickets made good and low votes.
    Now: open complaints beside the ticket."""

    orders: int
    refunded: int
    made_good: int
    complaints: int
    low_votes: int


def of(*, member_id: int, ticket_id: int, moment: datetime) -> Cautions:
    """One statement, however much the member did."""
    asked: dict[str, Any] = {
        "member": member_id,
        "ticket": ticket_id,
        "year": moment - ORDERS_OF,
        "quarter": moment - TICKETS_OF,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, asked)
        return Cautions(*cursor.fetchone())
