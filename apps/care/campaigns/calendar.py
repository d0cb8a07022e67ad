"""What goes out on which day: campaigns and journeys with a schedule, how many members each means, and who would get too much.

Counted by today's audiences, those held out too: the gate decides on the day itself, and lets nobody have more than the cap.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection

from apps.care import gate
from apps.care.campaigns import plans
from apps.care.journeys import entering
from apps.care.models import Campaign, Channel, Journey, JourneyVersion
from apps.core import brand, clock
from apps.members import consents
from apps.segments import language

_NAME = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True)
class Entry:
    """One sending. `members` fit and have agreed; `campaign_id` None: a journey. `is_draft`: not started, may be moved."""

    name: str
    at: datetime
    campaign_id: int | None
    journey_key: str
    is_draft: bool
    channels: tuple[str, ...]
    members: int

    @property
    def day(self) -> date:
        return clock.local_date(self.at)


@dataclass
class Day:
    """`load`: messages per channel at most. `often`: {messages: members who would get so many}, of two and more."""

    entries: list[Entry] = field(default_factory=list)
    load: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    often: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Sending:
    """A schedule before it is counted. `share`: of the channel's messages, by hundredths of the audience."""

    name: str
    campaign_id: int | None
    journey_key: str
    is_draft: bool
    audience: Any
    purpose: str
    shares: tuple[tuple[str, int], ...]
    times: tuple[datetime, ...]


def days(*, first: date, last: date) -> dict[date, Day]:
    """Every day from `first` to `last` on which something goes out."""
    after, until = clock.day_start(first), clock.day_end(last)
    found = [*_campaigns(after, until), *_journeys(after, until)]
    counted = _members(found)
    made: dict[date, Day] = defaultdict(Day)
    for sending, members in zip(found, counted, strict=True):
        for at in sending.times:
            day = made[clock.local_date(at)]
            channels = tuple(channel for channel, _share in sending.shares)
            day.entries.append(
                Entry(sending.name, at, sending.campaign_id, sending.journey_key, sending.is_draft, channels, members)
            )
            for channel, share in sending.shares:
                day.load[channel] += members * share // 100
    for day_of, often in _often(found).items():
        made[day_of].often = often
    for day in made.values():
        day.entries.sort(key=lambda entry: (entry.at, entry.name))
    return dict(sorted(made.items()))


@dataclass(frozen=True)
class Occasion:
    """A sending without its audience, which takes long to count."""

    at: datetime
    name: str
    campaign_id: int | None
    is_draft: bool


def occasions(*, first: date, last: date) -> list[Occasion]:
    """What goes out from `first` to `last`, in order of time."""
    after, until = clock.day_start(first), clock.day_end(last)
    found = [
        Occasion(at, sending.name, sending.campaign_id, sending.is_draft)
        for sending in (*_campaigns(after, until), *_journeys(after, until))
        for at in sending.times
    ]
    return sorted(found, key=lambda one: (one.at, one.name))


def limits() -> dict[str, int]:
    """Messages that a channel takes on a day: its throttle, outside quiet hours. Channels without a throttle are missing."""
    found = gate.load()
    return {
        channel: most * 60 * _loud_hours(found.on(channel)) for channel, most in brand.read("care.throttle").items()
    }


def _loud_hours(limits: gate.Gate) -> int:
    return 24 if limits.quiet is None else 24 - (limits.quiet[1] - limits.quiet[0]) % 24


def _campaigns(after: datetime, until: datetime) -> list[_Sending]:
    found = []
    rows = Campaign.objects.select_related("journey").filter(journey__status__in=["draft", "live"])
    for row in rows.order_by("pk"):
        plan = plans.DEFAULTS | row.plan
        at = row.starts_at.isoformat() if row.starts_at else plan["at"]
        if not at or not plan["variants"]:
            continue
        times = _times({"at": at} | {name: plan[name] for name in ("every", "until") if plan[name]}, after, until)
        shares: dict[str, int] = defaultdict(int)
        for said, share in zip(plan["variants"], plans.shares_of_all(plan), strict=True):
            shares[said["channel"]] += round(share)
        found.append(
            _Sending(row.journey.name, row.pk, row.journey.key, row.started_at is None, plan["audience"], plan["purpose"],
                     tuple(shares.items()), times)
        )  # fmt: skip
    return [one for one in found if one.times]


def _journeys(after: datetime, until: datetime) -> list[_Sending]:
    """Journeys of their own that run on a schedule; each counts with its first message."""
    running = Journey.objects.filter(status=Journey.Status.LIVE, campaign=None)
    found = []
    for version in JourneyVersion.objects.filter(journey__in=running).select_related("journey"):
        entry = version.graph["entry"]
        sends = [node for node in version.graph["nodes"] if node["kind"] == "send"]
        if version.number != version.journey.version or entry["kind"] != "schedule" or not sends:
            continue
        found.append(
            _Sending(version.journey.name, None, version.journey.key, False, version.graph["audience"],
                     sends[0].get("purpose", "care"), ((sends[0]["channel"], 100),), _times(entry, after, until))
        )  # fmt: skip
    return [one for one in found if one.times]


def _times(entry: dict[str, Any], after: datetime, until: datetime) -> tuple[datetime, ...]:
    try:
        return tuple(at for _occurrence, at in entering.occasions(entry, after=after, until=until))
    except (ValueError, OverflowError):
        return ()  # a draft may say a day that there is not


def _audience(sending: _Sending, number: int) -> tuple[str, dict[str, Any]] | None:
    """A SELECT of the members who fit and have agreed on a channel of it; parameters under names of their own."""
    try:
        rule = language.compiled(sending.audience, moment=clock.now())
    except language.BadRule:
        return None
    asked, joins = [], [consents.joined("k_whole", purpose="%(purpose)s", channel="'any'")]
    for channel in [name for name in Channel.values if name in dict(sending.shares)]:
        alias = f"k_of_{channel}"
        joins.append(consents.joined(alias, purpose="%(purpose)s", channel=f"'{channel}'"))
        said = gate.NOT_REFUSED if channel == Channel.WECHAT else gate.CONSENTED
        asked.append(f"({said.replace('k1.', f'{alias}.').replace('k2.', 'k_whole.')})")
    sql = (
        f"select m.id from members_member m {rule.joins} {' '.join(joins)}"
        f" where {rule.base} and {rule.condition} and ({' or '.join(asked)})"
    )
    params = rule.params | {"purpose": sending.purpose}
    return _NAME.sub(rf"%(s{number}_\1)s", sql), {f"s{number}_{name}": value for name, value in params.items()}


def _members(found: Sequence[_Sending]) -> list[int]:
    parts, params = _parts(found)
    if not parts:
        return [0] * len(found)
    sql = " union all ".join(f"select {number} as number, count(*) from ({part}) m" for number, part in parts.items())
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        counted = dict(cursor.fetchall())
    return [counted.get(number, 0) for number in range(len(found))]


def _often(found: Sequence[_Sending]) -> dict[date, dict[int, int]]:
    """Day → messages → members, of days with several sendings: one statement over all audiences."""
    per_day: dict[date, int] = defaultdict(int)
    for sending in found:
        for at in sending.times:
            per_day[clock.local_date(at)] += 1
    busy = {day for day, sendings in per_day.items() if sendings > 1}
    parts, params = _parts(found)
    selects = []
    for number, part in parts.items():
        params[f"days_{number}"] = [clock.local_date(at) for at in found[number].times if clock.local_date(at) in busy]
        if params[f"days_{number}"]:
            selects.append(f"select a.id, u.day from ({part}) a cross join unnest(%(days_{number})s::date[]) u(day)")
    if not selects:
        return {}
    sql = f"""
        select day, messages, count(*) from (
            select id, day, count(*) as messages from ({" union all ".join(selects)}) all_of group by 1, 2 having count(*) > 1
        ) m group by 1, 2 order by 1, 2 desc
    """
    often: dict[date, dict[int, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        for day, messages, members in cursor.fetchall():
            often[day][messages] = members
    return dict(often)


def _parts(found: Sequence[_Sending]) -> tuple[dict[int, str], dict[str, Any]]:
    parts: dict[int, str] = {}
    params: dict[str, Any] = {}
    for number, sending in enumerate(found):
        made = _audience(sending, number)
        if made:
            parts[number] = made[0]
            params |= made[1]
    return parts, params
