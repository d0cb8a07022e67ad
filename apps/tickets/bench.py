"""The queue page, and one ticket with all that stands beside it, over many open tickets and over fifty.

Runs on an empty scratch database whose tables the connection owns; each run makes a desk, members and tickets of its own.
"""

import time
from collections.abc import Iterator
from statistics import median
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connection
from django.test import Client, override_settings

from apps.core import ids
from apps.core.models import User
from apps.members import services as members
from apps.stores.models import Role, Staff
from apps.tickets.models import Ticket

OPEN = {"S": 5_000, "M": 50_000, "L": 500_000}
FEW, CALLS, ROUNDS, MEMBERS = 50, 5, 5, 60
PAGES = {f"queue page, {queue}": f"/console/tickets/?show={queue}" for queue in ("all", "mine", "late")}
ORDERS = 200  # of the member whose ticket is opened
_ORDERS = """
insert into orders_order (source, order_no, member_id, channel, status, total_cents, refunded_cents, paid_at, created_at)
select 'bench', %(run)s || n, %(member)s, '', 'paid', 10000, case when n %% 5 = 0 then 100 else 0 end, now() - n * interval '1 day',
    now() - n * interval '1 day'
from generate_series(1, %(count)s) n
"""
_PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
_CLEAR = "truncate tickets_ticket, tickets_entry cascade"
_FILL = """
insert into tickets_ticket (
    member_id, kind, state, priority, title, channel, source, skill, tags, attributes, tier_rank, version, created_at, due_at,
    end_due_at, assignee_id
)
select (%(members)s::bigint[])[1 + (n - 1) %% cardinality(%(members)s::bigint[])], 'question', 'working', 1 + n %% 3,
    'ticket ' || n, 'portal', %(run)s || n, '', '{}', '{}', n %% 4, 1, now() - n * interval '1 second',
    now() + (n - 20) * interval '1 minute', now() + (n - 20) * interval '1 minute', case when n %% 3 = 0 then %(staff)s::bigint end
from generate_series(1, %(count)s) n
"""
Line = dict[str, Any]


def bench_tickets(size: str) -> Iterator[Line]:
    """Milliseconds of each queue's page over the open tickets of the size, and the ratio to the page over fifty."""
    run = uuid4().hex[:8]
    client, staff_id, member_ids = _desk(run)
    with override_settings(
        STORAGES=settings.STORAGES | {"staticfiles": {"BACKEND": _PLAIN}}
    ):  # no files were collected
        few = _measured(client, run=f"{run}few", count=FEW, staff_id=staff_id, member_ids=member_ids)
        many = _measured(client, run=f"{run}many", count=OPEN[size], staff_id=staff_id, member_ids=member_ids)
    for name, figure in many.items():
        yield {
            "name": f"{name}, ms", "size": size, "figure": round(figure, 1), "baseline": round(few[name], 1),
            "ratio": round(figure / few[name], 2), "open": OPEN[size],
        }  # fmt: skip


def _desk(run: str) -> tuple[Client, int, list[int]]:
    """Who asks, as whom, and the members; the first of them bought."""
    user = User.objects.create_user(username=f"bench-{run}")
    staff = Staff.objects.create(user=user, code=f"bench-{run}", name="Bench", role=Role.AGENT)
    keys = [members.register(source="bench", nickname=f"Bench {number}", phone="") for number in range(MEMBERS)]
    with connection.cursor() as cursor:
        cursor.execute(_ORDERS, {"run": run, "member": keys[0], "count": ORDERS})
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    return client, staff.pk, keys


def _measured(client: Client, *, run: str, count: int, staff_id: int, member_ids: list[int]) -> dict[str, float]:
    with connection.cursor() as cursor:
        cursor.execute(_CLEAR)
        cursor.execute(_FILL, {"run": run, "count": count, "staff": staff_id, "members": member_ids})
        cursor.execute("vacuum analyze tickets_ticket")
    opened = Ticket.objects.filter(member_id=member_ids[0]).order_by("pk").values_list("pk", flat=True)[0]
    pages = PAGES | {"one ticket with its member": f"/console/tickets/{ids.encode('tkt', opened)}/"}
    found: dict[str, list[float]] = {name: [] for name in pages}
    for _round in range(ROUNDS):
        for name, path in pages.items():
            found[name].append(_milliseconds(client, path))
    return {name: median(times) for name, times in found.items()}


def _milliseconds(client: Client, path: str) -> float:
    began = time.monotonic()
    for _call in range(CALLS):
        answer = client.get(path)
        assert answer.status_code == 200, answer.status_code  # noqa: S101 - a bench that did other work measures nothing
    return (time.monotonic() - began) * 1000 / CALLS
