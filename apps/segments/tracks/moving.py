"""Time moves members from step to step: by the index of next dates, in chunks, each step told once."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.events import services as events
from apps.segments.models import Track
from apps.segments.tracks import sql

CHUNK = 20_000


@dataclass
class Figures:
    """`moved` placements over one border or more; `entered`: steps entered for the first time."""

    moved: int = 0
    entered: int = 0

    def counts(self) -> dict[str, Any]:
        return dict(self.__dict__)


def tick(moment: datetime, *, chunk: int = CHUNK) -> Figures:
    """Move everybody whose next step has begun by `moment`. Safe to repeat and to run twice at once.

    One fact `track.step_entered` a chunk, track and step: {"track", "step", "entered"}.
    """
    figures, keys = Figures(), dict(Track.objects.values_list("id", "key"))
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("set local jit = off")
            cursor.execute(sql.TICK, {"moment": moment, "limit": chunk})
            moved, entered = cursor.fetchone()
            for track_id, step, count in json.loads(entered) if isinstance(entered, str) else entered or ():
                _tell(keys[track_id], step, count)
                figures.entered += count
        figures.moved += moved
        if moved < chunk:
            return figures


def _tell(track: str, step: str, count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select currval(pg_get_serial_sequence('segments_trackmove', 'id'))")
        newest = cursor.fetchone()[0]
    events.publish("track.step_entered", key=f"{track}:{step}:{newest}", track=track, step=step, entered=count)
