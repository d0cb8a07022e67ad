"""The honeypot of short links: a link that no person sees, in the body of the answer that leads on.

Browsers never show that body. A scanner that calls itself a phone and follows every link it finds follows this one too; then the
opening that it made just before moves from the people's figures to the robots', and for an hour its network and browser, together,
count as a robot's. Kept in Valkey under a keyed digest: no address, no browser's name.
"""

from datetime import timedelta
from uuid import UUID

import structlog
from django.core import signing
from django.core.cache import cache
from django.db import connection
from redis.exceptions import RedisError

from apps.activity.robots import Look
from apps.core import clock, ratelimits

LIFE = timedelta(hours=1)
_SALT = "activity.traps"
log = structlog.get_logger("siyu.activity")


def bait(*, code_id: int, event_id: UUID, anonymous_id: str) -> str:
    """The secret part of the address: names one opening and cannot be guessed."""
    return signing.dumps([code_id, str(event_id), anonymous_id], salt=_SALT)


def spring(*, secret: str, look: Look) -> bool:
    """Somebody followed the link. True when an opening of the last hour was taken back; a forged address does nothing at all."""
    try:
        code_id, event_id, anonymous_id = signing.loads(secret, salt=_SALT)
    except signing.BadSignature:
        return False
    _remember(look)
    with connection.cursor() as cursor:
        given = {"code": code_id, "event": event_id, "anonymous": anonymous_id, "since": clock.now() - LIFE}
        cursor.execute(_TAKE_BACK, given)
        return cursor.fetchone() == (1,)


def is_known(look: Look) -> bool:
    """Whether who asks has followed the hidden link within the hour."""
    try:
        return cache.get(_key(look)) is not None
    except (RedisError, OSError):
        return False


def _remember(look: Look) -> None:
    try:
        cache.set(_key(look), 1, LIFE.total_seconds())
    except (RedisError, OSError):
        log.warning("valkey does not answer: a scanner is not remembered")


def _key(look: Look) -> str:
    return "trap:" + ratelimits.subject_of(f"{look.address}\0{look.agent}")


# Once: whoever deletes the event moves the figures. What has become a member's is a person's and stays.
_TAKE_BACK = """
with event as (
    delete from activity_event where event_id = %(event)s and name = 'code_opened' and occurred_at > %(since)s
        and member_id is null
    returning (occurred_at at time zone 'Asia/Shanghai')::date as day
), visit as (
    select p.id, p.opens, event.day
      from event, activity_codevisitor p join activity_visitor v on v.id = p.visitor_id
     where p.code_id = %(code)s and v.anonymous_id = %(anonymous)s for update of p
), fewer as (
    update activity_codevisitor p set opens = p.opens - 1 from visit where p.id = visit.id and visit.opens > 1
), gone as (
    delete from activity_codevisitor p using visit where p.id = visit.id and visit.opens = 1
), moved as (
    update activity_codeday d
       set scans = d.scans - 1, people = d.people - (visit.opens = 1)::int, bots = d.bots + 1
      from visit where d.code_id = %(code)s and d."on" = visit.day
    returning 1
)
select count(*) from moved
"""
