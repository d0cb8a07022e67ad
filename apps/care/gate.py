"""What a message must pass: consent, address, stage, holdout, quiet hours, cap. Each refusal has a reason; the first wins.

The conditions are SQL over `members_member m`, `segments_memberstats s` and the consents `k1` (channel) and `k2` (any), with
the parameters of `as_of`, so that planning judges a million members and the preview judges one by the same words.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from apps.care import reasons, templates
from apps.care.models import Channel, Version
from apps.core import brand, clock
from apps.members import consents, minors
from apps.segments import language

GLOBAL = "global"
_DEFAULT = {"day_cap": 1, "week_cap": 3, "quiet": [22, 8], "global_holdout_percent": 0}


def _check(value: Any) -> None:
    if not isinstance(value, dict) or set(value) != set(_DEFAULT):
        raise ValueError(f"these four are expected: {', '.join(_DEFAULT)}")
    for name in ("day_cap", "week_cap"):
        if type(value[name]) is not int or not 1 <= value[name] <= 100:
            raise ValueError(f"{name} is a whole number from 1 to 100")
    quiet = value["quiet"]
    if quiet is not None and not (
        isinstance(quiet, list) and len(quiet) == 2 and all(type(hour) is int and 0 <= hour <= 23 for hour in quiet)
    ):
        raise ValueError("quiet is two hours from 0 to 23, or null")
    share = value["global_holdout_percent"]
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 50:
        raise ValueError("global_holdout_percent lies between 0 and 50")


brand.declare("care.gate", default=_DEFAULT, check=_check)


@dataclass(frozen=True)
class Gate:
    """The brand's limits. `quiet`: from the first hour until the second, shop time; None: never quiet."""

    day_cap: int
    week_cap: int
    quiet: tuple[int, int] | None
    global_holdout_percent: float

    def is_quiet(self, moment: datetime) -> bool:
        if self.quiet is None:
            return False
        start, end = self.quiet
        hour = clock.local(moment).hour
        return start <= hour < end if start <= end else hour >= start or hour < end

    def next_allowed(self, moment: datetime) -> datetime:
        """The moment itself outside quiet hours, else the end of them."""
        if self.quiet is None or not self.is_quiet(moment):
            return moment
        end = _at(clock.local_date(moment), self.quiet[1])
        return end if end > moment else end + timedelta(days=1)

    def send_at(self, moment: datetime, *, hour: int) -> datetime:
        """Today's `hour` if still ahead, else now; out of quiet hours, and then not before `hour` of that day."""
        wanted = max(_at(clock.local_date(moment), hour), moment)
        if not self.is_quiet(wanted):
            return wanted
        allowed = self.next_allowed(wanted)
        later = _at(clock.local_date(allowed), hour)
        return later if later > allowed and not self.is_quiet(later) else allowed


def load() -> Gate:
    value = brand.read("care.gate")
    quiet = value["quiet"]
    return Gate(
        day_cap=value["day_cap"],
        week_cap=value["week_cap"],
        quiet=(quiet[0], quiet[1]) if quiet and quiet[0] != quiet[1] else None,
        global_holdout_percent=value["global_holdout_percent"],
    )


def week_of(day: date) -> tuple[date, date]:
    """Monday and Sunday of the ISO week."""
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def is_held_out(key: str, *, member_id: int, percent: float | Decimal) -> bool:
    """The arm of a member: the first 4 bytes of sha256("key:member_id"), as a share of 2^32, lie below the percentage.

    The same member is always in the same arm of a key; `held_out_sql` says the same in SQL.
    """
    digest = hashlib.sha256(f"{key}:{member_id}".encode()).digest()
    return int.from_bytes(digest[:4]) < threshold(percent)


def threshold(percent: float | Decimal) -> int:
    return int(Decimal(str(percent)) * 2**32 / 100)


def held_out_sql(key: str, limit: str) -> str:
    """`key` and `limit` name parameters, the limit from `threshold_bytes`; see `is_held_out`."""
    digest = f"sha256(convert_to(%({key})s || ':' || m.id, 'UTF8'))"
    return (
        f"(%({limit})s::bytea <> '' and {digest} < %({limit})s::bytea)"  # without a holdout nobody pays for the digest
    )


def threshold_bytes(percent: float | Decimal) -> bytes:
    """`threshold` as bytes that compare with a digest as the number does with its first four; empty: nobody."""
    limit = threshold(percent)
    return limit.to_bytes(5)[1:] if 0 < limit < 2**32 else b"\xff" * 33 * bool(limit)


UNDER_14, as_of = minors.UNGUARDED, minors.as_of
CONSENTED = consents.agreed("k1", "k2")
HAS_PHONE = "exists (select from members_identity i where i.member_id = m.id and i.kind = 'phone')"
_CAPPED = """(select count(*) filter (where t.slot_on = %(day)s) >= %(day_cap)s or count(*) >= %(week_cap)s
    from care_touch t where t.member_id = m.id and t.channel = %(channel)s
    and t.slot_on between %(monday)s and %(sunday)s)"""


def joins(*, purpose: str = "%(purpose)s", channel: str = "%(channel)s") -> str:
    """The stats and the consents that the conditions stand on; purpose and channel are SQL."""
    return " ".join(
        (
            "left join segments_memberstats s on s.member_id = m.id",
            consents.joined("k1", purpose=purpose, channel=channel),
            consents.joined("k2", purpose=purpose, channel="'any'"),
        )
    )


def is_profiling(version: Version) -> bool:
    """Whether it goes by what the house works out of a member's purchases: who gets it, when, or what it says."""
    return (
        version.trigger != Version.Trigger.BIRTHDAY
        or language.is_profiling(version.audience)
        or bool(set(templates.variables(version.template)) & templates.WORKED_OUT)
    )


def refusals(version: Version) -> list[tuple[str, str]]:
    """(reason, SQL condition) in the order in which they are judged; parameters from `parameters`."""
    needed = [
        name
        for name in templates.variables(version.template)
        if version.missing.get(name, {}).get("policy", "skip") == "skip" and name != "brand"
    ]
    checks = [
        (reasons.NOT_ACTIVE, "m.status <> 'active'"),
        (reasons.UNDER_14, UNDER_14),
        (reasons.NO_CONSENT, f"not ({CONSENTED})"),
    ]
    if is_profiling(version):
        checks.append((reasons.NO_PROFILING, consents.OBJECTED))
    if version.channel == Channel.SMS:
        checks.append((reasons.NO_ADDRESS, f"not {HAS_PHONE}"))
    if version.trigger == Version.Trigger.STAGE_ENTERED:
        checks.append((reasons.STAGE_LEFT, "coalesce(s.stage, 'prospect') <> %(stage)s"))
    if needed:
        present = " and ".join(templates.PRESENT[name] for name in needed)
        checks.append((reasons.MISSING_VALUE, f"not coalesce({present}, false)"))
    checks.append((reasons.GLOBAL_HOLDOUT, held_out_sql("global_key", "global_limit")))
    checks.append((reasons.CAP, _CAPPED))
    return checks


def parameters(version: Version, *, gate: Gate, moment: datetime, send_at: datetime) -> dict[str, Any]:
    day = clock.local_date(send_at)
    monday, sunday = week_of(day)
    return as_of(moment) | {
        "moment": moment,
        "purpose": version.purpose,
        "channel": version.channel,
        "stage": version.params.get("stage", ""),
        "global_key": GLOBAL,
        "global_limit": threshold_bytes(gate.global_holdout_percent),
        "day": day,
        "monday": monday,
        "sunday": sunday,
        "day_cap": gate.day_cap,
        "week_cap": gate.week_cap,
    }


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=clock.SHOP_ZONE)
