"""How the house does, for people who write clients: each part now, and what the last seven days were like."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.care.models import Channel, Lane
from apps.core import clock, health
from apps.core.health import CHECKS
from apps.webhooks import selectors as webhooks

DAYS = 7
KEPT_SECONDS = 300  # counting a week's calls reads every one of them
_KEY = "api.status.days"
_DAYS = """
    select (at at time zone 'Asia/Shanghai')::date, count(*), count(*) filter (where status >= 500)
    from core_requestline where at >= %s group by 1 order by 1 desc
"""
PARTS: dict[str, Promise] = {
    "api": _("Calls of the API"), "database": _("Database"), "broker": _("Cache and queues"), "worker": _("Background work"),
    "outbox": _("Messages that wait"),
    "sms": _("SMS"), "wechat": _("WeChat messages"), "wecom": _("WeCom messages"), "email": _("Mail"), "webhooks": _("Webhooks"),
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    key: str
    name: Promise | str
    is_well: bool


@dataclass(frozen=True)
class Day:
    """`failed`: answers 5xx, which are our fault. `share` of the others, in percent; 100 without any."""

    day: date
    calls: int
    failed: int

    @property
    def share(self) -> float:
        return 100.0 if not self.calls else 100 * (self.calls - self.failed) / self.calls


def parts(*, moment: datetime) -> list[Part]:
    """Never raises: a part that cannot be asked is not well."""
    well = {"api": not settings.API_MAINTENANCE} | {name: health.holds(check) for name, check in CHECKS.items()}
    well |= {name: health.holds(check) for name, check in _lanes().items()}
    well["webhooks"] = health.holds(lambda: not webhooks.is_behind(moment=moment))
    return [Part(key, PARTS.get(key, key), is_well) for key, is_well in well.items()]


def days(*, moment: datetime) -> tuple[datetime, list[Day]]:
    """The last days, today first, and when they were counted: five minutes ago at the most."""
    kept = cache.get(_KEY)
    if kept is None:
        first = clock.local_date(moment) - timedelta(days=DAYS - 1)
        with connection.cursor() as cursor:
            cursor.execute(_DAYS, [clock.day_start(first)])
            counted = {day: (calls, failed) for day, calls, failed in cursor.fetchall()}
        kept = (
            moment,
            [(first + timedelta(days=n), *counted.get(first + timedelta(days=n), (0, 0))) for n in range(DAYS)],
        )
        cache.set(_KEY, kept, KEPT_SECONDS)
    return kept[0], [Day(*row) for row in reversed(kept[1])]


def _lanes() -> dict[str, health.Check]:
    """A channel that stopped by itself is not well; one that nothing was ever sent by is."""

    def flows(channel: str) -> bool:
        return not Lane.objects.filter(channel=channel, circuit=Lane.Circuit.OPEN).exists()

    named = [channel for channel in Channel.values if channel in PARTS]
    return {channel: lambda channel=channel: flows(channel) for channel in named}  # type: ignore[misc]
