"""Callbacks of WeCom: taken in by one insert, answered at once, handled later by whoever knows what they mean.

WeCom repeats what is not answered within five seconds, three times in all, in no order; its times have whole seconds, so only the
plain XML itself tells a repeat from another customer of the same second.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, ParseError, fromstring

import structlog
from django.conf import settings
from django.db import connection

from apps.core import clock
from apps.gateways import wecom_crypto
from apps.gateways.wecom_crypto import EnvelopeRefused

KEPT = timedelta(days=30)  # digests; WeCom repeats within seconds
LEASE = timedelta(seconds=60)
LAST_TRY = 12
LONGEST = 64 * 1024  # bytes of one callback
BODY_INVALID = -40002
_TAKE = """
insert into gateways_wecomcallback (digest, body, taken_at, next_try_at, tries, outcome)
values (%s, %s, %s, %s, 0, '') on conflict (digest) do nothing
"""
_CLAIM = """
update gateways_wecomcallback c set next_try_at = %(lease)s, tries = tries + 1 from (
    select id from gateways_wecomcallback where handled_at is null and next_try_at <= %(moment)s
    order by next_try_at, id limit %(limit)s for update skip locked
) open where c.id = open.id returning c.id, c.body, c.taken_at, c.tries
"""

log = structlog.get_logger("siyu.wecom")


class Told(NamedTuple):
    """A callback on its way: `fields` are the elements of its XML."""

    id: int
    fields: Mapping[str, str]
    taken_at: datetime
    tries: int


def echo(query: Mapping[str, str]) -> str:
    """What the address is verified with, bare. Raises EnvelopeRefused."""
    return _opened(query, query.get("echostr", "")).decode("utf-8", "replace")


def take(query: Mapping[str, str], body: bytes) -> tuple[bool, bool]:
    """Keep one callback → (is it new, does a customer wait for us). Raises EnvelopeRefused; then nothing is kept."""
    envelope = _parsed(body)
    plain = _opened(query, envelope.findtext("Encrypt", ""))
    moment = clock.now()
    text = plain.decode("utf-8", "replace").replace("\x00", "")
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [hashlib.sha256(plain).digest(), text, moment, moment])
        return cursor.rowcount == 1, b"<WelcomeCode>" in plain or b"kf_msg_or_event" in plain


def claim(*, limit: int, moment: datetime) -> list[Told]:
    """The oldest that wait, each for this caller alone for a minute. One that cannot be read is set aside."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"moment": moment, "lease": moment + LEASE, "limit": limit})
        rows = sorted(cursor.fetchall())
    found = []
    for number, body, taken_at, tries in rows:
        try:
            fields = {element.tag: (element.text or "").strip() for element in _parsed(body.encode())}
        except EnvelopeRefused:
            settle(number, outcome="unreadable", moment=moment)
            continue
        found.append(Told(number, fields, taken_at, tries))
    return found


def settle(callback_id: int, *, outcome: str, moment: datetime) -> None:
    """Done with: the words go."""
    _update("set handled_at = %s, outcome = %s, body = ''", [moment, outcome[:40]], callback_id)


def put_back(told: Told, *, after: float, moment: datetime, outcome: str = "") -> None:
    """Try again after so many seconds; after the twelfth try it is given up, and the next full sync mends what it told of."""
    if told.tries >= LAST_TRY:
        log.error("wecom callback given up", callback=told.id, trouble=outcome)
        settle(told.id, outcome=f"gave_up {outcome}", moment=moment)
        return
    _update("set next_try_at = %s, outcome = %s", [moment + timedelta(seconds=after), outcome[:40]], told.id)


def purge(*, moment: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("delete from gateways_wecomcallback where handled_at < %s", [moment - KEPT])
        return cursor.rowcount


def _update(change: str, values: list[Any], callback_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"update gateways_wecomcallback {change} where id = %s", [*values, callback_id])


def _opened(query: Mapping[str, str], encrypted: str) -> bytes:
    if settings.WECOM_PROVIDER == "none":
        raise EnvelopeRefused(-40001)
    return wecom_crypto.opened(
        token=settings.WECOM_CALLBACK_TOKEN,
        key=settings.WECOM_CALLBACK_KEY,
        corp_id=settings.WECOM_CORP_ID,
        given=query.get("msg_signature", ""),
        timestamp=query.get("timestamp", ""),
        nonce=query.get("nonce", ""),
        encrypted=encrypted,
    )


def _parsed(body: bytes) -> Element:
    """Flat XML without a document type: so there are no entities that could grow or fetch."""
    if len(body) > LONGEST or b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise EnvelopeRefused(BODY_INVALID)
    try:
        return fromstring(body)  # noqa: S314 - no document type, see above
    except (ParseError, ValueError) as trouble:
        raise EnvelopeRefused(BODY_INVALID) from trouble
