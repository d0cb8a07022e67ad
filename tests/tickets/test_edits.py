"""Many people write to one ticket at once: no reply is lost, and of those who saw the same ticket one changes it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from apps.tickets import services as tickets
from apps.tickets.errors import TicketChanged
from apps.tickets.models import Entry, Message, Ticket
from tests.tickets import desk as of
from tests.tickets.desk import NOON, opened

pytestmark = pytest.mark.django_db(transaction=True)


PEOPLE = 8


def edited(times: int) -> None:
    desk = of.build()
    row = opened(desk, "question", lines=0)
    looked = Barrier(PEOPLE)

    def work(number: int) -> bool:
        """Words, and a change of what the page showed a moment ago: to all eight the same."""
        try:
            seen = Ticket.objects.values_list("version", flat=True).get(pk=row.pk)
            looked.wait(timeout=60)
            tickets.say(ticket_id=row.pk, by=desk.agent, text=f"{number}", source=f"edit:{number}", moment=NOON)
            values = {"attributes": {"n": str(number)}}
            tickets.change(ticket_id=row.pk, values=values, by=desk.agent, version=seen, moment=NOON)
        except TicketChanged:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(PEOPLE) as pool:
        changed = sum(pool.map(work, range(times)))
    row.refresh_from_db()
    assert sorted(
        int(text) for text in Message.objects.exclude(text="第二颗扣子掉了。").values_list("text", flat=True)
    ) == list(range(times))
    assert changed == row.version - 1 == Entry.objects.filter(ticket=row, act="changed").count() == times // PEOPLE


def test_forty_edits_at_once_lose_no_reply():
    edited(40)


@pytest.mark.nightly
def test_a_thousand_edits_at_once_lose_no_reply():
    edited(1_000)
