"""Who gets a code: limits per phone and network, countries, and a guard against floods of codes that nobody uses.

Everything is counted in PostgreSQL, in one statement under locks of the phone and the network: without the database there is
no code, without Valkey there is. The statement and the answer are the same for known and unknown phones.

The conversion guard watches *newcomers*: phone unknown, no code used on the network today, device never seen. When fewer than a
fifth of the codes sent to them in 15 minutes are used, an alarm opens and newcomers are held back: they get the same answer in
the same time, but no message (an honest refusal would tell an attacker who is a member). Five in 15 minutes still go out; once half
are used, or nobody had to be held back for a while, the alarm closes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import Q

from apps.core import addresses, ciphers
from apps.gateways import sandbox
from apps.members.errors import PhoneNotServed, TooManyCodes
from apps.members.proofs import CodeAlarm, CodeRequest

log = structlog.get_logger("siyu.codes")
MINUTE, HOUR, DAY = 60, 3600, 86_400
PER_PHONE = {MINUTE: 1, HOUR: 5, DAY: 10}
PER_PHONE_FOR_STRANGERS = {HOUR: 3, DAY: 6}  # unused codes asked for on devices where the phone never proved itself
PER_NETWORK = {HOUR: 30}
WINDOW = timedelta(minutes=15)
LEAST_SAMPLE = 50  # codes to newcomers before their share says anything
LEAST_SHARE = 0.2
PROBES = 5  # newcomers let through in a window while the alarm is open
CLOSING_SHARE = 0.5
_LOCK_PHONE, _LOCK_NETWORK = 7_490_051, 7_490_052

_FACTS = """
with own as (
    select created_at, is_at_home, used_at from members_coderequest
     where phone_digest = %(phone)s and state <> 'failed' and created_at > %(now)s - interval '1 day'
), near as (
    select created_at, state, used_at from members_coderequest
     where network_digest = %(network)s and state <> 'failed' and created_at > %(now)s - interval '1 day'
), newcomers as (
    select created_at, state, used_at from members_coderequest
     where is_newcomer and state <> 'failed' and created_at > %(now)s - %(window)s
)
select
    (select array_agg(created_at order by created_at desc) from own),
    (select array_agg(created_at order by created_at desc) from own where not is_at_home and used_at is null),
    (select array_agg(created_at order by created_at desc) from near where created_at > %(now)s - interval '1 hour'),
    exists (select from members_identity where kind = 'phone' and namespace = '' and digest = %(phone)s),
    (select count(used_at) > 0 and count(used_at) >= %(share)s * count(*) from near where state <> 'held'),
    exists (select from members_knowndevice where phone_digest = %(phone)s and device_digest = %(device)s),
    (select count(*) from newcomers where state <> 'held'),
    (select count(used_at) from newcomers),
    (select count(*) from newcomers where state = 'held'),
    (select count(*) from newcomers where state = 'probe'),
    (select opened_at from members_codealarm where closed_at is null)
"""


@dataclass(frozen=True)
class Decision:
    """What the guard says of one ask that is within its limits."""

    state: CodeRequest.State
    is_newcomer: bool
    is_at_home: bool
    is_alarm: bool  # newcomers are held back now: all answers are to take the same time


@dataclass(frozen=True)
class Places:
    """Where an ask comes from, and for which phone: keyed hashes."""

    phone: bytes
    network: bytes
    device: bytes | None


@dataclass(frozen=True)
class _Facts:
    own: list[datetime]  # asks for this phone, newest first
    own_by_strangers: list[datetime]
    near: list[datetime]  # asks from this network
    knows_phone: bool
    is_good_network: bool
    is_at_home: bool
    sent: int  # to newcomers in the window
    used: int
    held: int
    probes: int
    alarm_since: datetime | None


def check_served(phone: str) -> None:
    """Raises PhoneNotServed for countries that are not allowed and for ranges of virtual operators."""
    if sandbox.is_magic(phone):
        return
    if not phone.startswith(tuple(settings.CODE_COUNTRIES)):
        raise PhoneNotServed
    if phone.startswith(tuple(f"+86{prefix}" for prefix in settings.CODE_VIRTUAL_RANGES)):
        raise PhoneNotServed


def network_of(address: str) -> str:
    """The /24 of an IPv4 address, the /64 of an IPv6 one; anything else stands for itself."""
    return addresses.network_of(address, v4=24)


def places(*, phone: str, network: str, device: str) -> Places:
    return Places(
        phone=ciphers.blind_index(kind="phone", value=phone),
        network=ciphers.blind_index(kind="network", value=network_of(network)),
        device=ciphers.blind_index(kind="device", value=device) if device else None,
    )


def decide(where: Places, *, moment: datetime) -> Decision:
    """Inside the transaction that stores the ask. Raises TooManyCodes with the seconds to wait."""
    _lock(where)
    facts = _read(where, moment)
    wait = max(
        _wait(facts.own, PER_PHONE, moment),
        0 if facts.is_at_home else _wait(facts.own_by_strangers, PER_PHONE_FOR_STRANGERS, moment),
        _wait(facts.near, PER_NETWORK, moment),
    )
    if wait:
        raise TooManyCodes(retry_after=wait)
    is_newcomer = not (facts.knows_phone or facts.is_good_network or facts.is_at_home)
    state = CodeRequest.State.SENT
    is_alarm = _keep_alarm(facts, moment)
    if is_alarm and is_newcomer:
        state = CodeRequest.State.PROBE if facts.probes < PROBES else CodeRequest.State.HELD
    return Decision(state=state, is_newcomer=is_newcomer, is_at_home=facts.is_at_home, is_alarm=is_alarm)


def alarms(*, since: datetime) -> list[CodeAlarm]:
    """Alarms that were open after `since`, newest first: staff look at them."""
    return list(CodeAlarm.objects.filter(Q(closed_at=None) | Q(closed_at__gt=since)).order_by("-opened_at"))


def _lock(where: Places) -> None:
    """One ask at a time per phone and per network; always in this order, so nobody waits in a circle."""
    with connection.cursor() as cursor:
        for kind, digest in ((_LOCK_PHONE, where.phone), (_LOCK_NETWORK, where.network)):
            cursor.execute("select pg_advisory_xact_lock(%s, %s)", [kind, int.from_bytes(digest[:4], signed=True)])


def _read(where: Places, moment: datetime) -> _Facts:
    values: dict[str, Any] = {
        "phone": where.phone,
        "network": where.network,
        "device": where.device,
        "now": moment,
        "window": WINDOW,
        "share": LEAST_SHARE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, values)
        own, strangers, near, *rest = cursor.fetchone()
    return _Facts(own or [], strangers or [], near or [], *rest)


def _wait(asks: list[datetime], limits: dict[int, int], moment: datetime) -> int:
    """Whole seconds until one more ask fits all windows; 0 when it does now."""
    longest = 0
    for seconds, allowed in limits.items():
        edge = moment - timedelta(seconds=seconds)
        inside = [at for at in asks if at > edge]
        if len(inside) >= allowed:
            longest = max(longest, int((inside[allowed - 1] - edge).total_seconds()) + 1)
    return longest


def _keep_alarm(facts: _Facts, moment: datetime) -> bool:
    """Open or close the alarm as the figures say. Returns whether newcomers are held back now."""
    if facts.alarm_since is None:
        if facts.sent < LEAST_SAMPLE or facts.used >= LEAST_SHARE * facts.sent:
            return False
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into members_codealarm (opened_at, sent, used) values (%s, %s, %s) on conflict do nothing",
                [moment, facts.sent, facts.used],
            )
            if cursor.rowcount:
                log.warning("codes to newcomers are held back", sent=facts.sent, used=facts.used)
        return True
    is_quiet = facts.held == 0 and facts.alarm_since <= moment - WINDOW
    has_proved = facts.sent >= PROBES and facts.used >= CLOSING_SHARE * facts.sent
    if not (is_quiet or has_proved):
        return True
    if CodeAlarm.objects.filter(closed_at=None).update(closed_at=moment):
        log.warning("codes to newcomers go out again", sent=facts.sent, used=facts.used)
    return False
