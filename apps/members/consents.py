"""Statements of will: added, never changed. The newest one per member, purpose and channel counts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.errors import ValidationFailed
from apps.events import services as events
from apps.members import minors
from apps.members.models import Consent

# Member m has switched personalisation off.
OBJECTED = """exists (select from members_consentnow p where p.member_id = m.id and p.purpose = 'profiling'
    and p.channel = 'any' and not p.is_granted)"""
# What member m does may be kept and worked with: no objection, no child without a guardian. Values: `minors.as_of`.
PROFILED = f"(not {OBJECTED} and not {minors.UNGUARDED})"


def joined(alias: str, *, purpose: str, channel: str, moment: str = "%(valid_at)s") -> str:
    """A left join of what member m last said for a purpose and channel; all four are SQL. A yes that expired, or whose text was
    replaced, is as if nothing had been said: it does not join."""
    return (
        f"left join members_consentnow {alias} on {alias}.member_id = m.id and {alias}.purpose = {purpose}"
        f" and {alias}.channel = {channel} and ({alias}.valid_until is null or {alias}.valid_until > {moment})"
    )


def agreed(one: str, whole: str) -> str:
    """The condition that a message may go out, by the joins of its channel and of `any`: one says yes, and none says no."""
    return (
        f"coalesce({one}.is_granted, {whole}.is_granted, false)"
        f" and coalesce({one}.is_granted, true) and coalesce({whole}.is_granted, true)"
    )


@transaction.atomic
def give_consent(
    *,
    member_id: int,
    purpose: str,
    channel: str,
    is_granted: bool,
    source: str,
    text_version: str,
    expires_at: datetime | None = None,
) -> int:
    """Record one statement, given or withdrawn; a yes counts until `expires_at`. Returns its id.

    Personalisation switched off publishes `member.personalisation_off`.
    """
    _check(purpose, channel, source)
    statement = Consent.objects.create(
        member_id=member_id,
        purpose=purpose,
        channel=channel,
        is_granted=is_granted,
        source=source,
        text_version=text_version,
        at=clock.now(),
        expires_at=expires_at,
    )
    if purpose == Consent.Purpose.PROFILING and not is_granted:
        lane = f"member:{member_id}"
        events.publish("member.personalisation_off", key=str(statement.pk), lane=lane, member_id=member_id)
    return statement.pk


def give_guardian_consent(*, member_id: int, is_granted: bool, source: str, text_version: str) -> int:
    """Record what a guardian of a child under 14 says; without a yes no message goes to the child. Returns the statement's id.

    The caller has made sure that it is the guardian who speaks; a member cannot say it for themselves.
    """
    statement = Consent.objects.create(
        member_id=member_id,
        purpose=Consent.Purpose.GUARDIAN,
        channel=Consent.Channel.ANY,
        is_granted=is_granted,
        source=source,
        text_version=text_version,
        at=clock.now(),
    )
    return statement.pk


def grant_consents(
    *,
    member_ids: Sequence[int],
    purpose: str,
    channel: str,
    source: str,
    text_version: str,
    is_granted: bool = True,
    moment: datetime | None = None,
) -> int:
    """The same statement for many members at once, as of `moment` (now). Returns how many."""
    _check(purpose, channel, source)
    values = [purpose, channel, is_granted, source, text_version, moment or clock.now(), list(member_ids)]
    if purpose != Consent.Purpose.PROFILING or is_granted:
        return _grant(values)
    with transaction.atomic():
        newest = newest_id()
        count = _grant(values)
        tell_objections(after=newest)
    return count


def _grant(values: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into members_consent (member_id, purpose, channel, is_granted, source, text_version, at)"
            " select member_id, %s, %s, %s, %s, %s, %s from unnest(%s::bigint[]) member_id order by member_id",
            values,
        )
        return int(cursor.rowcount)


def newest_id() -> int:
    return Consent.objects.aggregate(newest=Max("pk"))["newest"] or 0


def tell_objections(*, after: int) -> int:
    """For set-based writers: publish `member.personalisation_off` for such statements with an id above `after`. Returns how many."""
    return events.publish_many(
        "member.personalisation_off",
        query=f"""select c.id::text as key, 'member:' || c.member_id as lane,
                         jsonb_build_object('member_id', c.member_id) as payload
                    from members_consent c
                   where c.id > {after:d} and c.purpose = 'profiling' and not c.is_granted order by c.id""",
    )


def _check(purpose: str, channel: str, source: str) -> None:
    wrong = []
    if purpose not in Consent.Purpose.values or purpose == Consent.Purpose.GUARDIAN:
        wrong.append("/purpose")
    if channel not in Consent.Channel.values:
        wrong.append("/channel")
    if not source:
        wrong.append("/source")
    if wrong:
        message = _("This value cannot be used.")
        raise ValidationFailed(errors=[{"pointer": at, "code": "invalid", "message": message} for at in wrong])
