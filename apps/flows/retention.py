"""Rows whose time is over: the declared ages of all apps, counted or carried out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db.models import Model, QuerySet

from apps.core import clock, holdings
from apps.core.holdings import Purge

TASK = "flows.purge_expired"
CHUNK = 5_000


@dataclass(frozen=True)
class Due:
    """One age limit and how many rows are over it."""

    model: str
    days: int
    since: str
    rows: int


def due() -> Iterator[Due]:
    """What a run would remove now."""
    moment = clock.now()
    for purge in holdings.purges():
        rows = _over(purge, moment).count()
        yield Due(model=purge.model, days=purge.days, since=purge.since, rows=rows)


def run() -> dict[str, int]:
    """Remove what is over its age, in chunks that commit on their own. Returns rows per table; a table without any is left out."""
    moment = clock.now()
    gone: dict[str, int] = {}
    for purge in holdings.purges():
        while keys := list(_over(purge, moment).values_list("pk", flat=True)[:CHUNK]):
            holdings.model_of(purge.model)._default_manager.filter(pk__in=keys).delete()
            gone[purge.model] = gone.get(purge.model, 0) + len(keys)
    if sessions := Session.objects.filter(expire_date__lt=moment).delete()[0]:
        gone["sessions.Session"] = sessions
    return gone


def _over(purge: Purge, moment: datetime) -> QuerySet[Model]:
    edge = moment - timedelta(days=purge.days)
    return holdings.model_of(purge.model)._default_manager.filter(**purge.only, **{f"{purge.since}__lt": edge})
