"""Send what is due: claim a chunk, send with no transaction open, record.

A killed worker leaves touches in `sending`; when their lease has run out the provider is asked what it knows of their
keys (`resolve`), and only what it never saw goes out again. Nothing durable lives in the broker.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q

from apps.care import gate, outcomes, reasons, slots, templates
from apps.care.models import Channel, Touch, Version
from apps.care.outcomes import Claim, Verdict
from apps.core import clock, runs
from apps.gateways import inbox, sms
from apps.gateways.messages import Outgoing
from apps.members import selectors as members

CHUNK = 500
LEASE = timedelta(seconds=120)
# After this a chunk starts no further request: its last one is over (12 s) a minute before others ask about it.
SEND_WITHIN = 45.0
_LANES = 7_490_032  # advisory locks: one drain per channel at a time, whatever the number of workers
_ORDER = (Channel.INBOX, Channel.SMS)

# The gate once more, at the moment of sending, in the claim itself. Skipped ones give their slot back.
_CLAIM = f"""
    with picked as (
        select id from care_touch
        where settled_at is null and state = 'planned' and channel = %(channel)s and send_at <= %(moment)s and slot_on = %(day)s
        order by send_at, id limit %(chunk)s for update skip locked
    ),
    judged as (
        select t.id, case
            when p.status <> 'live' then '{reasons.PAUSED}'
            when t.decided_at <= %(moment)s - make_interval(days => (v.params ->> 'window_days')::int)
                then '{reasons.LATE}'
            when m.status <> 'active' then '{reasons.NOT_ACTIVE}'
            when not ({gate.CONSENTED}) then '{reasons.NO_CONSENT}'
            when v.trigger = 'stage_entered' and (
                coalesce(s.stage, 'prospect') <> v.params ->> 'stage'
                or v.params ->> 'stage' in ('lapsing', 'dormant', 'lost') and bought.since
            ) then '{reasons.STAGE_LEFT}'
            when v.trigger in ('days_since_order', 'second_purchase') and bought.since then '{reasons.BOUGHT}'
            else '' end as verdict
        from picked
        join care_touch t on t.id = picked.id
        join care_version v on v.id = t.version_id
        join care_policy p on p.id = t.policy_id
        join members_member m on m.id = t.member_id
        {gate.joins(purpose="v.purpose", channel="t.channel")}
        cross join lateral (
            select exists (
                select from orders_order o
                where o.member_id = t.member_id and o.paid_at > t.decided_at and o.paid_at <= %(moment)s
                  and o.status <> 'cancelled' and o.total_cents > o.refunded_cents
            ) as since
        ) bought
    )
    update care_touch t set
        state = case when verdict = '' then 'sending' else 'skipped' end, reason = verdict,
        fence = t.fence + 1, tries = case when verdict = '' then t.tries + 1 else t.tries end,
        lease_until = case when verdict = '' then %(lease)s::timestamptz end,
        settled_at = case when verdict <> '' then %(moment)s::timestamptz end,
        slot_on = case when verdict = '' then t.slot_on end
    from judged where t.id = judged.id
    returning t.id, t.member_id, t.version_id, t.fence, t.tries, t.state
"""


@dataclass
class _Chunk:
    """What one claim brought, and the texts that can be sent."""

    claims: list[Claim]
    skipped: int
    is_stopped: bool = False  # the channel takes nothing now


def drain(*, seconds: float = 50.0) -> Counter[str]:
    """Send everything due, for at most `seconds`; the rest is for the next call. Returns how many reached which state."""
    deadline = time.monotonic() + seconds
    figures: Counter[str] = Counter()
    for channel in _ORDER:
        with _lane(channel) as is_free:
            if is_free:
                figures += drain_channel(channel, deadline=deadline)
    return figures


def drain_recorded() -> None:
    """`drain` for the scheduler: a row in the job console only when something happened."""
    if not _has_work(moment=clock.now()):
        return
    with runs.recorded("care.drain") as figures:
        figures.update(drain())


def drain_channel(channel: str, *, deadline: float) -> Counter[str]:
    """Settle what is open, then send chunk after chunk until nothing is due, the hour is quiet, or the channel is down."""
    figures = resolve(channel)
    limits, moment = gate.load(), clock.now()
    if limits.is_quiet(moment):
        figures["postponed"] += slots.postpone(channel=channel, moment=moment, limits=limits)
        return figures
    slots.move_to_today(channel=channel, moment=moment, limits=limits)
    while time.monotonic() < deadline and not limits.is_quiet(clock.now()):
        taken, is_stopped = send_chunk(channel)
        figures += taken
        if not taken or is_stopped:
            break
    return figures


def send_chunk(channel: str) -> tuple[Counter[str], bool]:
    """Claim, send, record up to 500 touches. Returns figures (empty: nothing was due) and whether the channel is down."""
    moment, started = clock.now(), time.monotonic()
    chunk = _claim(channel, moment=moment)
    verdicts = _send(chunk, channel=channel, moment=moment, started=started)
    figures = outcomes.record(verdicts, moment=clock.now())
    figures["skipped"] += chunk.skipped
    return +figures, chunk.is_stopped


def resolve(channel: str) -> Counter[str]:
    """Touches whose worker died or whose answer got lost: ask the provider before anything else happens to them."""
    figures: Counter[str] = Counter()
    while claims := _claim_open(channel, moment=clock.now()):
        moment = clock.now()
        known = sms.query([_key(c) for c, _ in claims]) if channel == Channel.SMS else {}
        verdicts = []
        for claim, send_at in claims:
            answer = known.get(_key(claim))
            if answer is None:
                verdicts.append(outcomes.never_seen(claim, moment=moment))
            elif answer.state == "unknown":
                verdicts.append(_still_unknown(claim, send_at=send_at, moment=moment))
            else:
                verdicts.append(outcomes.judge(claim, answer, channel=channel, moment=moment))
        figures += outcomes.record(verdicts, moment=moment)
    return figures


def _has_work(*, moment: datetime) -> bool:
    due = Q(state="planned") | Q(state__in=["sending", "unknown"], lease_until__lte=moment)
    return Touch.objects.filter(due, settled_at=None, channel__in=_ORDER, send_at__lte=moment).exists()


def _claim(channel: str, *, moment: datetime) -> _Chunk:
    params: dict[str, Any] = {
        "channel": channel, "moment": moment, "day": clock.local_date(moment), "chunk": CHUNK, "lease": moment + LEASE,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, params)
        rows = sorted(cursor.fetchall())
    claims = [Claim(*row[:5]) for row in rows if row[5] == "sending"]
    return _Chunk(claims=claims, skipped=len(rows) - len(claims))


def _send(chunk: _Chunk, *, channel: str, moment: datetime, started: float) -> list[Verdict]:
    versions = _versions(chunk.claims)
    texts, verdicts = _texts(chunk.claims, versions=versions, channel=channel, moment=moment)
    if channel == Channel.INBOX:
        return verdicts + _send_inbox(chunk.claims, texts=texts, moment=moment)
    phones = members.phones([c.member_id for c in chunk.claims if c.touch_id in texts])
    ready = [c for c in chunk.claims if c.touch_id in texts and c.member_id in phones]
    verdicts += [
        outcomes.skip(c, reasons.NO_ADDRESS) for c in chunk.claims if c.touch_id in texts and c.member_id not in phones
    ]
    for start in range(0, len(ready), sms.BATCH_SIZE):
        part = ready[start : start + sms.BATCH_SIZE]
        if chunk.is_stopped or time.monotonic() - started > SEND_WITHIN:
            verdicts += [outcomes.put_back(c, after=_pause(), moment=moment) for c in part]
            continue
        batch = [
            Outgoing(_key(c), phones[c.member_id], texts[c.touch_id], "marketing", _register(versions[c.version_id]))
            for c in part
        ]
        verdicts += _send_sms(chunk, part, batch=batch, moment=moment)
    return verdicts


def _send_sms(chunk: _Chunk, part: Sequence[Claim], *, batch: list[Outgoing], moment: datetime) -> list[Verdict]:
    verdicts = []
    for claim, message, answer in zip(part, batch, sms.send_batch(batch), strict=True):
        chunk.is_stopped = chunk.is_stopped or answer.state == "retry"
        if answer.code in outcomes.UNREGISTERED:
            _registered.discard(message.template)
        if answer.code == "CIRCUIT_OPEN":
            verdicts.append(outcomes.put_back(claim, after=_pause(answer.retry_after), moment=moment))
        else:
            verdicts.append(outcomes.judge(claim, answer, channel=Channel.SMS, moment=moment, text=message.text))
    return verdicts


def _send_inbox(claims: Sequence[Claim], *, texts: dict[int, str], moment: datetime) -> list[Verdict]:
    ready = [c for c in claims if c.touch_id in texts]
    if not ready:
        return []
    letters = [inbox.Letter(_key(c), c.member_id, settings.BRAND_NAME, texts[c.touch_id]) for c in ready]
    answers = inbox.deliver_batch(letters, moment=moment)
    return [
        outcomes.judge(c, answer, channel=Channel.INBOX, moment=moment, text=letter.body)
        for c, answer, letter in zip(ready, answers, letters, strict=True)
    ]


def _texts(
    claims: Sequence[Claim], *, versions: dict[int, Version], channel: str, moment: datetime
) -> tuple[dict[int, str], list[Verdict]]:
    """The texts by touch, and verdicts for those that miss a value."""
    if not claims:
        return {}, []
    names = {name for version in versions.values() for name in templates.variables(version.template)}
    values = templates.values_of([c.member_id for c in claims], names=names, moment=moment)
    texts, incomplete = {}, []
    for claim in claims:
        version = versions[claim.version_id]
        rendered = templates.render(version.template, values=values[claim.member_id], missing=version.missing)
        if rendered.is_complete:
            texts[claim.touch_id] = templates.composed(rendered.text, channel=channel)
        else:
            incomplete.append(outcomes.skip(claim, reasons.MISSING_VALUE))
    return texts, incomplete


def _claim_open(channel: str, *, moment: datetime) -> list[tuple[Claim, datetime]]:
    """Open touches whose lease has run out, leased anew for asking."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            update care_touch t set state = 'unknown', fence = t.fence + 1, lease_until = %(lease)s
            where id in (
                select id from care_touch
                where settled_at is null and channel = %(channel)s and send_at <= %(moment)s
                  and state in ('sending', 'unknown') and lease_until <= %(moment)s
                order by send_at, id limit %(chunk)s for update skip locked
            )
            returning t.id, t.member_id, t.version_id, t.fence, t.tries, t.send_at
            """,
            {"channel": channel, "moment": moment, "lease": moment + LEASE, "chunk": CHUNK},
        )
        return [(Claim(*row[:5]), row[5]) for row in cursor.fetchall()]


ASK_AGAIN = timedelta(minutes=5)
ASK_FOR = timedelta(hours=24)


def _still_unknown(claim: Claim, *, send_at: datetime, moment: datetime) -> Verdict:
    """Never resend what may have arrived: after a day without an answer it stays unknown for good."""
    if moment - send_at > ASK_FOR:
        return Verdict(claim, "unknown", reason=reasons.NO_ANSWER, outcome="unknown")
    return Verdict(claim, "unknown", lease_until=moment + ASK_AGAIN, outcome="unknown")


_versions_seen: dict[int, Version] = {}  # published versions never change
_registered: set[str] = set()  # templates that this process has had approved
_lock = threading.Lock()


def _versions(claims: Sequence[Claim]) -> dict[int, Version]:
    wanted = {c.version_id for c in claims}
    if missing := wanted - _versions_seen.keys():
        _versions_seen.update(Version.objects.select_related("policy").in_bulk(missing))
    return {version_id: _versions_seen[version_id] for version_id in wanted}


def _register(version: Version) -> str:
    """The provider's name of the text; approved on first use."""
    name = f"{version.policy.key}-v{version.number}"
    with _lock:
        if name not in _registered and sms.register(name=name, kind="promo", text=version.template).state == "accepted":
            _registered.add(name)
    return name


def _key(claim: Claim) -> str:
    return f"touch:{claim.touch_id}"


def _pause(seconds: float | None = None) -> float:
    return max(seconds or 0.0, random.uniform(5, 15))  # noqa: S311 - spreads load, protects nothing


@contextmanager
def _lane(channel: str) -> Iterator[bool]:
    """True for the one drain of this channel; the lock ends with this block, or with the process."""
    lane = [_LANES, list(_ORDER).index(Channel(channel))]
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s, %s)", lane)
        is_free = bool(cursor.fetchone()[0])
    try:
        yield is_free
    finally:
        if is_free:
            with connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(%s, %s)", lane)
