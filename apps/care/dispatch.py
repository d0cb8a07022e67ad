"""Send what is due: claim a chunk, send with no transaction open, record.

A killed worker leaves touches in `sending`; when their lease has run out the provider is asked what it knows of their
keys (`resolve.py`), and only what it never saw goes out again. Nothing durable lives in the broker.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q

from apps.care import gate, outcomes, reasons, resolve, slots, templates
from apps.care.models import Channel, Touch, Version
from apps.care.outcomes import Claim, Verdict
from apps.core import brand, clock, runs
from apps.gateways import inbox, sms
from apps.gateways.messages import Outcome, Outgoing
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
    judged as materialized (
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
    """Claimed touches on their way: `ready` ones have their message; `verdicts` holds those that are decided already."""

    moment: datetime
    started: float
    skipped: int = 0
    verdicts: list[Verdict] = field(default_factory=list)
    ready: list[tuple[Claim, Outgoing]] = field(default_factory=list)
    is_stopped: bool = False  # the channel takes nothing now

    @property
    def size(self) -> int:
        return self.skipped + len(self.verdicts) + len(self.ready)


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
    figures = resolve.settle_open(channel)
    limits, moment = gate.load(), clock.now()
    if limits.is_quiet(moment):
        figures["postponed"] += slots.postpone(channel=channel, moment=moment, limits=limits)
        return figures
    slots.move_to_today(channel=channel, moment=moment, limits=limits)
    with ThreadPoolExecutor(1) as line:
        on_its_way: tuple[_Chunk, Future[None]] | None = None
        while not (on_its_way and on_its_way[0].is_stopped):
            is_open = time.monotonic() < deadline and not limits.is_quiet(clock.now())
            chunk = _prepare(channel) if is_open else None
            earlier, on_its_way = on_its_way, None
            if earlier:
                earlier[1].result()
            if chunk and chunk.size:
                chunk.is_stopped = bool(earlier and earlier[0].is_stopped)
                on_its_way = chunk, line.submit(copy_context().run, _post, chunk)
            if earlier:
                figures += _settle(earlier[0])
            if on_its_way is None:
                break
        if on_its_way:
            on_its_way[1].result()
            figures += _settle(on_its_way[0])
    return figures


def send_chunk(channel: str) -> Counter[str]:
    """Claim, send, record up to 500 touches. Returns how many reached which state; empty: nothing was due."""
    chunk = _prepare(channel)
    _post(chunk)
    return _settle(chunk)


def _prepare(channel: str) -> _Chunk:
    """Claim a chunk and write its messages. The inbox is our own table: its letters are delivered here."""
    moment = clock.now()
    chunk = _Chunk(moment=moment, started=time.monotonic())
    params: dict[str, Any] = {
        "channel": channel, "moment": moment, "day": clock.local_date(moment), "chunk": CHUNK, "lease": moment + LEASE,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, params)
        rows = sorted(cursor.fetchall())
    claims = [Claim(*row[:5]) for row in rows if row[5] == "sending"]
    chunk.skipped = len(rows) - len(claims)
    if not claims:
        return chunk
    versions = _versions(claims)
    texts = _texts(chunk, claims, versions=versions, channel=channel)
    claims = [c for c in claims if c.touch_id in texts]
    if channel == Channel.INBOX:
        _deliver(chunk, claims, texts=texts)
        return chunk
    phones = members.phones([c.member_id for c in claims])
    names = {version_id: _register(version) for version_id, version in versions.items()}
    for c in claims:
        phone = phones.get(c.member_id)
        if phone is None:
            chunk.verdicts.append(outcomes.skip(c, reasons.NO_ADDRESS))
        else:
            chunk.ready.append((c, Outgoing(c.key, phone, texts[c.touch_id], "marketing", names[c.version_id])))
    return chunk


def _post(chunk: _Chunk) -> None:
    """Hand the messages to the provider, a request at a time; touches no database, so it may run beside."""
    for start in range(0, len(chunk.ready), sms.BATCH_SIZE):
        part = chunk.ready[start : start + sms.BATCH_SIZE]
        if chunk.is_stopped or time.monotonic() - chunk.started > SEND_WITHIN:
            chunk.verdicts += [outcomes.put_back(c, after=_pause(), moment=chunk.moment) for c, _ in part]
            continue
        answers = sms.send_batch([message for _, message in part])
        for (claim, message), answer in zip(part, answers, strict=True):
            chunk.is_stopped = chunk.is_stopped or answer.state == "retry"
            chunk.verdicts.append(_judge(claim, message, answer=answer, moment=chunk.moment))


def _judge(claim: Claim, message: Outgoing, *, answer: Outcome, moment: datetime) -> Verdict:
    if answer.code in outcomes.UNREGISTERED:
        _registered.discard(message.template)
    if answer.code == "CIRCUIT_OPEN":
        return outcomes.put_back(claim, after=_pause(answer.retry_after), moment=moment)
    return outcomes.judge(claim, answer, channel=Channel.SMS, moment=moment, text=message.text)


def _settle(chunk: _Chunk) -> Counter[str]:
    figures = outcomes.record(chunk.verdicts, moment=clock.now())
    figures["skipped"] += chunk.skipped
    return +figures


def _deliver(chunk: _Chunk, claims: Sequence[Claim], *, texts: dict[int, str]) -> None:
    letters = [inbox.Letter(c.key, c.member_id, brand.name(), texts[c.touch_id]) for c in claims]
    answers = inbox.deliver_batch(letters, moment=chunk.moment) if letters else []
    for claim, letter, answer in zip(claims, letters, answers, strict=True):
        chunk.verdicts.append(
            outcomes.judge(claim, answer, channel=Channel.INBOX, moment=chunk.moment, text=letter.body)
        )


def _texts(chunk: _Chunk, claims: Sequence[Claim], *, versions: dict[int, Version], channel: str) -> dict[int, str]:
    """The texts by touch; who misses a value is skipped."""
    names = {name for version in versions.values() for name in templates.variables(version.template)}
    values = templates.values_of([c.member_id for c in claims], names=names, moment=chunk.moment)
    texts, signature = {}, brand.signature()
    for claim in claims:
        version = versions[claim.version_id]
        rendered = templates.render(version.template, values=values[claim.member_id], missing=version.missing)
        if rendered.is_complete:
            texts[claim.touch_id] = templates.composed(rendered.text, channel=channel, signature=signature)
        else:
            chunk.verdicts.append(outcomes.skip(claim, reasons.MISSING_VALUE))
    return texts


def _has_work(*, moment: datetime) -> bool:
    due = Q(state="planned") | Q(state__in=["sending", "unknown"], lease_until__lte=moment)
    return Touch.objects.filter(due, settled_at=None, channel__in=_ORDER, send_at__lte=moment).exists()


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
