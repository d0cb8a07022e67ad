"""What lies before a member on the ladder: what is missing, until when, and what comes otherwise; warnings of ends that draw near."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.core import clock
from apps.events import services as events
from apps.points import tier_sql, tiers
from apps.points.models import Ladder, Standing, Tier
from apps.points.tiers import Course

WARN_CHUNK = 5_000


@dataclass(frozen=True)
class Outlook:
    """`value`, `missing_*` count as the ladder does. `counts_until`: through this moment (exclusive) all of `value` still counts.

    Without anything further the member falls to `falls_to` at `falls_at`; `missing_to_keep` more by `valid_until` would keep the tier.
    `coming` is a tier reached that counts from `coming_at` on.
    """

    tier: Tier
    value: int
    is_locked: bool
    since: datetime | None = None
    counts_until: datetime | None = None
    next_tier: Tier | None = None
    missing_to_next: int = 0
    valid_until: datetime | None = None
    kept_value: int = 0
    missing_to_keep: int = 0
    falls_at: datetime | None = None
    falls_to: Tier | None = None
    coming: Tier | None = None
    coming_at: datetime | None = None


def outlook(*, member_id: int, moment: datetime | None = None) -> Outlook | None:
    """As things stand at `moment`; gated tiers are no aim, for nobody reaches them by value alone. None: there is no ladder."""
    moment = moment or clock.now()
    rungs = tiers.steps()
    if not rungs:
        return None
    course, ladder = tiers.course_on(rungs, moment=moment), rungs[0].ladder
    known = {rung.pk: rung for rung in rungs}
    standing = Standing.objects.filter(member_id=member_id).first()
    tier = known[standing.tier_id] if standing else rungs[0]
    end = standing.valid_until if standing and not standing.is_locked else None
    value, kept, leaves = _values(course, member_id=member_id, end=end)
    follows = ladder.validity.get("kind") == "none" and tier.rank > 0 and not (standing and standing.is_locked)
    is_kept = tier.is_for_life or ladder.downgrade == Ladder.Downgrade.NEVER
    if follows and not is_kept:
        end, kept = _falls_by_itself(course, tier=tier, member_id=member_id)
    missing = max(tier.threshold - kept, 0) if end else 0
    above = next((rung for rung in rungs if rung.rank > tier.rank and not rung.segment_key), None)
    return Outlook(
        tier=tier,
        value=value,
        is_locked=bool(standing and standing.is_locked),
        since=standing.since if standing else None,
        counts_until=leaves,
        next_tier=above,
        missing_to_next=max(above.threshold - value, 0) if above else 0,
        valid_until=end,
        kept_value=kept,
        missing_to_keep=missing,
        falls_at=_after_grace(ladder, end, follows=follows) if missing else None,
        falls_to=_lower(ladder, rungs, tier, kept=kept, follows=follows) if missing else None,
        coming=known[standing.coming_id] if standing and standing.coming_id else None,
        coming_at=standing.coming_at if standing else None,
    )


def warn(*, moment: datetime | None = None) -> int:
    """Tell (`member.tier_falling`) of those whose tier ends within the ladder's `warn_days` and would not be kept, once per end.

    Returns how many were told of. Who is safe today is looked at again tomorrow.
    """
    moment = moment or clock.now()
    course = tiers.current_course(moment=moment)
    ladder = Ladder.objects.order_by("pk").first()
    if course is None or ladder is None or not ladder.warn_days:
        return 0
    values = course.values | {"edge": moment + timedelta(days=ladder.warn_days), "chunk": WARN_CHUNK}
    told, after = 0, 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            tiers.prepare(cursor, course)
            cursor.execute(tier_sql.FALLING_TABLE)
            cursor.execute(tier_sql.name_ending(), values | {"after": after})
            if not cursor.rowcount:
                return told
            after = tiers.last_named(cursor)
            cursor.execute(tier_sql.mark_falling(course.basis), values)
            told += events.publish_many("member.tier_falling", query=tier_sql.FALLING)


def _values(course: Course, *, member_id: int, end: datetime | None) -> tuple[int, int, datetime | None]:
    """(value now, what of it would count at `end`, when the oldest part stops counting)."""
    with connection.cursor() as cursor:
        cursor.execute(tier_sql.of_one(course.basis), course.values | {"member": member_id, "end": end})
        value, kept, leaves = cursor.fetchone()
    return int(value), int(kept), leaves


def _falls_by_itself(course: Course, *, tier: Tier, member_id: int) -> tuple[datetime | None, int]:
    """Without a validity: when so much has left the period that the tier is no longer covered, and what is left then."""
    if course.basis == Ladder.Basis.BALANCE:
        return None, 0
    given: dict[str, Any] = course.values | {"member": member_id, "threshold": tier.threshold}
    with connection.cursor() as cursor:
        cursor.execute(tier_sql.leaving(course.basis), given)
        row = cursor.fetchone()
    return (row[0], int(row[1])) if row else (None, 0)


def _after_grace(ladder: Ladder, end: datetime | None, *, follows: bool) -> datetime | None:
    return end if end is None or follows else end + timedelta(days=ladder.grace_days)


def _lower(ladder: Ladder, rungs: list[Tier], tier: Tier, *, kept: int, follows: bool) -> Tier:
    below = [rung for rung in rungs if rung.rank < tier.rank and not rung.segment_key]
    if ladder.downgrade == Ladder.Downgrade.ONE_DOWN and not follows:
        return below[-1]
    return [rung for rung in below if rung.threshold <= kept][-1]
