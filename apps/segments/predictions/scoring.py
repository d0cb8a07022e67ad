"""What the active version says of every buyer, in chunks: columns out of PostgreSQL, vectors in numpy, columns back.

scipy is behind it: import from commands only.
"""

import time
from collections.abc import Iterator
from datetime import datetime

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.errors import DomainError
from apps.segments.models import PredictionModel, PredictionRun
from apps.segments.predictions import columns, cycles, forecast, history, signs, sufficiency
from apps.segments.predictions.forecast import Fitted
from apps.segments.predictions.sufficiency import Sufficiency

CHUNK = 100_000  # member ids at a time: memory stays flat whatever the number of members
LOCK = 7_490_206
NOW = "segments_now"
LOW, HIGH = 0.33, 0.66  # bands of the chance of lapsing
# Even places speak for lapsing, odd ones for staying.
CODES = [reason + sign for reason in signs.REASONS for sign in "+-"]

_SCORED = (
    "member_id", "p_alive", "p_lapse", "expected_orders", "clv_cents", "next_days",
    "reason_1", "reason_2", "reason_3", "value_1", "value_2", "value_3",
)  # fmt: skip
_TABLE = f"create temp table segments_scored ({', '.join(f'{name} float8' for name in _SCORED)})"
_VALUES = [
    "p_alive",
    "p_lapse",
    "band",
    "expected_orders",
    "clv_cents",
    "next_order_on",
    "reasons",
    "reason_values",
    "model_id",
]
_WRITE = f"""
with eligible as materialized (
    select m.id from members_member m where m.id between %(first)s and %(last)s and {history.ELIGIBLE}
)
insert into segments_prediction as p (member_id, {", ".join(_VALUES)}, scored_at)
select s.member_id::bigint, p_alive, p_lapse,
       case when p_lapse < {LOW} then 'low' when p_lapse > {HIGH} then 'high' else 'middle' end,
       expected_orders, clv_cents::bigint, case when next_days >= 0 then %(today)s::date + next_days::int end,
       case when reason_1 >= 0 then array[(%(codes)s::text[])[reason_1 + 1], (%(codes)s::text[])[reason_2 + 1],
           (%(codes)s::text[])[reason_3 + 1]] else '{{}}' end,
       case when reason_1 >= 0 then array[value_1, value_2, value_3] else '{{}}' end, %(model)s, %(moment)s
from segments_scored s join eligible e on e.id = s.member_id::bigint
order by s.member_id
on conflict (member_id) do update
set ({", ".join(_VALUES)}, scored_at) = ({", ".join(f"excluded.{name}" for name in _VALUES)}, excluded.scored_at)
where ({", ".join(f"p.{name}" for name in _VALUES)}) is distinct from ({", ".join(f"excluded.{name}" for name in _VALUES)})
"""
# Who is no buyer any more, or may not be looked at (any more): also who said so while this was at work.
_REMOVE = f"""
with eligible as materialized (select m.id from members_member m where {history.ELIGIBLE}),
kept as materialized (select e.id from eligible e join {NOW} h on h.member_id = e.id)
delete from segments_prediction p where not exists (select from kept k where k.id = p.member_id)
"""
_REMOVE_ALL = "delete from segments_prediction"


class AlreadyScoring(DomainError):
    code = "already_scoring"
    title = _("Members are being scored already")


def score(moment: datetime) -> PredictionRun:
    """Bring predictions and cycles of all members up to the moment. Without enough data, or a version, nobody keeps a row.

    Repeatable; a killed run leaves whole chunks. Raises AlreadyScoring.
    """
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [LOCK])
        if cursor.fetchone() != (True,):
            raise AlreadyScoring
        try:
            return _score(cursor, moment)
        finally:
            cursor.execute("select pg_advisory_unlock(%s)", [LOCK])


def _score(cursor: CursorWrapper, moment: datetime) -> PredictionRun:
    begun = time.perf_counter()
    with transaction.atomic():
        history.settings(cursor)
        history.take(cursor, NOW, moment)
        enough = sufficiency.counted(cursor, NOW)
        cursor.execute(f"create index on {NOW} (member_id)")
    active = PredictionModel.objects.filter(is_active=True).first()
    scored = changed = 0
    if active and enough.is_enough:
        for first in _chunks(cursor):
            with transaction.atomic():
                done, written = _chunk(cursor, active, moment, first=first)
            scored, changed = scored + done, changed + written
    with transaction.atomic():
        cursor.execute(_REMOVE if scored else _REMOVE_ALL, history.at(moment))
        removed = int(cursor.rowcount)
        history.settings(cursor)
        cycles.refresh(cursor, moment)
        cursor.execute(f"drop table {NOW}")
    return _noted(moment, active, enough, scored=scored, changed=changed, removed=removed, begun=begun)


def _noted(
    moment: datetime,
    active: PredictionModel | None,
    enough: Sufficiency,
    *,
    scored: int,
    changed: int,
    removed: int,
    begun: float,
) -> PredictionRun:
    return PredictionRun.objects.create(
        as_of=moment,
        model=active if scored else None,
        sufficiency=enough.counts(),
        is_sufficient=enough.is_enough,
        scored=scored,
        changed=changed,
        removed=removed,
        seconds=time.perf_counter() - begun,
        finished_at=clock.now(),
    )


def _chunks(cursor: CursorWrapper) -> Iterator[int]:
    """The first member id of each chunk that has anybody in it."""
    cursor.execute(f"select distinct member_id / %(chunk)s * %(chunk)s from {NOW} order by 1", {"chunk": CHUNK})
    return iter([row[0] for row in cursor.fetchall()])


def _chunk(cursor: CursorWrapper, active: PredictionModel, moment: datetime, *, first: int) -> tuple[int, int]:
    """(members scored, rows that differ from before)."""
    last = first + CHUNK - 1
    rows = history.read(cursor, NOW, first=first, last=last)
    said = forecast.predicted(Fitted.of(active.parameters), rows)
    cursor.execute("drop table if exists segments_scored")
    cursor.execute(_TABLE)
    done = columns.write(cursor, "segments_scored", {name: said[name] for name in _SCORED})
    cursor.execute("analyze segments_scored")
    cursor.execute(_WRITE, history.at(moment) | {"codes": CODES, "model": active.pk, "first": first, "last": last})
    written = int(cursor.rowcount)
    cursor.execute("drop table segments_scored")
    return done, written
