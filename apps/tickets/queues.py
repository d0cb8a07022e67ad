"""The queues of the desk: what is in each, the most pressing first, and how many. Counts stop at `MOST`: nobody works through more."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, F, Q, QuerySet

from apps.core import brand
from apps.stores.models import Staff
from apps.tickets import life
from apps.tickets.models import Ticket
from apps.tickets.settings import VIP

_NUMBER = re.compile(r"(?:#|(?P<day>[0-9]{8})-)(?P<key>[0-9]{1,18})", re.ASCII)
SOON = timedelta(minutes=30)
MOST, SHOWN = 100, 50
ALL = ("mine", "team", "pool", "waiting", "late", "vip", "all", "done")


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Who looks: their stores (None: all), their staff card. `kind`, `tag`: only those."""

    stores: Sequence[int] | None
    staff_id: int | None
    moment: datetime
    kind: str = ""
    tag: str = ""


def rows(desk: Desk, queue: str, *, after: Sequence[Any] | None = None, limit: int = SHOWN) -> list[Ticket]:
    """`after`: `place` of the last row that was shown. One more than `limit`, where there is more."""
    found = _within(desk, queue)
    if queue == "done":
        if after:
            found = found.filter(Q(ended_at__lt=after[0]) | Q(ended_at=after[0], pk__lt=after[1]))
        return list(_dressed(found.order_by("-ended_at", "-pk"))[: limit + 1])
    if queue == "waiting":
        if after:
            found = found.filter(pk__gt=after[1])
        return list(_dressed(found.order_by("pk"))[: limit + 1])
    if after:
        found = found.filter(_later(after))
    return list(_dressed(found.order_by(F("due_at").asc(nulls_last=True), "pk"))[: limit + 1])


def place(row: Ticket, queue: str) -> list[Any]:
    """Where a row stands in its queue, for the next page."""
    return [row.ended_at if queue == "done" else row.due_at, row.pk]


def counts(desk: Desk) -> dict[str, int]:
    """By queue, all but the ended, in one statement; `MOST` stands for as many or more."""
    asked = [(queue, _within(desk, queue).order_by().values("pk")[:MOST]) for queue in ALL if queue != "done"]
    parts: list[str] = []
    values: list[Any] = []
    for queue, query in asked:
        statement, given = query.query.sql_with_params()
        parts.append(f"(select count(*) from ({statement}) x) as {queue}")
        values += given
    with connection.cursor() as cursor:
        cursor.execute(f"select {', '.join(parts)}", values)
        return dict(zip((queue for queue, _query in asked), cursor.fetchone(), strict=True))


def seen_by(stores: Sequence[int] | None) -> QuerySet[Ticket]:
    """Tickets that somebody of these stores may see (None: every one)."""
    return Ticket.objects.all() if stores is None else Ticket.objects.filter(store_id__in=stores)


def by_number(text: str, stores: Sequence[int] | None) -> list[Ticket]:
    """The ticket that is called so ("20261119-0382", "#382"), where the reader may see it; one at the most."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return []
    rows = seen_by(stores).filter(pk=int(found["key"])).select_related("member")
    return [row for row in rows if not found["day"] or str(row).startswith(found["day"])]


def team(staff_id: int | None) -> list[int]:
    """Colleagues of the same store, or of head office, who can log in; with the person."""
    card = Staff.objects.filter(pk=staff_id).first() if staff_id else None
    if card is None:
        return []
    there = Staff.objects.filter(is_active=True, user__isnull=False)
    there = there.filter(store=None, role=card.role) if card.store_id is None else there.filter(store_id=card.store_id)
    return list(there.values_list("pk", flat=True))


def left(due_at: datetime | None, moment: datetime) -> str:
    """missed, soon or ok; "" where nothing is promised now."""
    if due_at is None:
        return ""
    if due_at <= moment:
        return "missed"
    return "soon" if due_at <= moment + SOON else "ok"


def _within(desk: Desk, queue: str) -> QuerySet[Ticket]:
    found = seen_by(desk.stores)
    if desk.kind:
        found = found.filter(kind=desk.kind)
    if desk.tag:
        found = found.filter(tags__contains=[desk.tag])
    return found.filter(ended_at__isnull=False) if queue == "done" else _open(found.filter(ended_at=None), desk, queue)


def _open(found: QuerySet[Ticket], desk: Desk, queue: str) -> QuerySet[Ticket]:
    if queue == "mine":
        return found.filter(assignee_id=desk.staff_id or 0)
    if queue == "team":
        return found.filter(assignee_id__in=team(desk.staff_id) or [0])
    if queue == "pool":
        return found.filter(assignee=None)
    if queue == "waiting":
        return found.filter(state__in=sorted(life.PAUSED))
    if queue == "late":
        return found.filter(due_at__lte=desk.moment + SOON)
    if queue == "vip":
        return found.filter(tier_rank__gte=brand.read(VIP))
    return found


def _later(after: Sequence[Any]) -> Q:
    due_at, key = after
    if due_at is None:
        return Q(due_at=None, pk__gt=key)
    return Q(due_at__gt=due_at) | Q(due_at=due_at, pk__gt=key) | Q(due_at=None)


def _dressed(found: QuerySet[Ticket]) -> QuerySet[Ticket]:
    return found.select_related("member", "store", "assignee")


def loads(staff_ids: Sequence[int], *, moment: datetime) -> dict[int, dict[str, int]]:
    """By person: `open`, and of those what waits for the member and what is late."""
    found = Ticket.objects.filter(ended_at=None, assignee_id__in=staff_ids).values("assignee_id").order_by()
    counted = found.annotate(
        open=Count("pk"), waiting=Count("pk", filter=Q(state__in=sorted(life.PAUSED))),
        late=Count("pk", filter=Q(due_at__lte=moment)),
    )  # fmt: skip
    return {row["assignee_id"]: {name: row[name] for name in ("open", "waiting", "late")} for row in counted}
