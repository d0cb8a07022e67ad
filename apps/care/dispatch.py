"""Send what is due: claim a chunk, send with no transaction open, record.

A killed worker leaves touches in `sending`; when their lease has run out the provider is asked what it knows of their
keys (`resolve.py`), and only what it never saw goes out again. Nothing durable lives in the broker.

Four chunks are under way at a time: this thread claims them, one writes messages, two post them by turns, one records what
came of them on a connection of its own: a receipt does not wait for the next claim.
"""

import gc
import random
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as finished
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, cycle, repeat
from typing import Literal, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Q

from apps.care import claims, gate, lanes, mailing, outcomes, reasons, resolve, routes, slots, subscribing, templates
from apps.care.claims import Taken
from apps.care.models import Channel, Touch, Version
from apps.care.outcomes import Claim, Verdict
from apps.community import queueing
from apps.core import brand, clock, prepared, runs
from apps.gateways import inbox, sms, wire
from apps.gateways.mail import Mail
from apps.gateways.messages import Kind, Outcome, Outgoing
from apps.members import selectors as members

CHUNK = 500
_FEW = 50  # of those that a worker died over
_FIRST_CHUNKS = (100, 200)  # small ones first: the threads behind have work sooner
# After this a chunk starts no further request: its last one is over (12 s) a minute before others ask about it.
SEND_WITHIN = 45.0
REVIEW_PAUSE = 600.0  # seconds until a text that a vendor has not approved is tried again
_AHEAD = 4  # chunks between claim and record
LOOK_EVERY = 0.05  # seconds between looks at whether what is claimed may still go out
MAILS_AT_ONCE = 5  # one connection; a slow server's ten seconds each leave the lease alone
_POSTERS = 2  # threads that post by turns: while one reads an answer, the provider works for the other
_LANES = 7_490_032  # advisory locks: one drain per channel at a time, whatever the number of workers
_PAUSED = """
    select v.id from care_version v join care_policy p on p.id = v.policy_id where v.id = any(%s::bigint[]) and p.status <> 'live'
"""
_M = TypeVar("_M")
_ORDER = (Channel.INBOX, Channel.SMS, Channel.WECHAT, Channel.EMAIL, Channel.WECOM)


class _Text(NamedTuple):
    """A published text, ready to be filled in."""

    choose: Callable[[Sequence[str | None]], tuple[str, ...] | None]
    pattern: str
    name: str = ""  # the provider's name of it; empty in the inbox
    placeholders: tuple[str, ...] = ()  # for vendors, who fill it in themselves
    is_ready: bool = True  # False: the vendor has not approved it yet
    kind: Kind = "marketing"
    onward: str = ""  # the next channel of its chain
    content: dict[str, str] = {}


@dataclass
class _Switch:
    """Whose messages may go out no more: versions under way whose policy was paused or stopped after they were claimed."""

    under_way: set[int] = field(default_factory=set)
    off: frozenset[int] = frozenset()
    looked: float = 0.0

    def look(self) -> None:
        """Asked by the thread that claims, which has a connection; those who post read `off`."""
        if time.monotonic() - self.looked >= LOOK_EVERY and self.under_way:
            paused = prepared.rows(_PAUSED, [list(self.under_way)])
            self.off, self.looked = frozenset(version_id for (version_id,) in paused), time.monotonic()


@dataclass
class _Chunk:
    """Claimed touches on their way: `ready` ones have their message; `verdicts` holds those that are decided already."""

    channel: str
    moment: datetime
    started: float
    house: "_House"
    taken: Sequence[Taken]
    texts: dict[int, _Text]  # by version
    skipped: int
    stopped: threading.Event  # the channel takes nothing now; one for all chunks of a drain
    switch: _Switch  # likewise
    verdicts: list[Verdict] = field(default_factory=list)
    ready: list[tuple[Claim, Outgoing]] = field(default_factory=list)
    letters: list[tuple[Claim, inbox.Letter]] = field(default_factory=list)
    notes: list[tuple[Claim, subscribing.Note]] = field(default_factory=list)
    for_staff: list[tuple[Claim, queueing.Note]] = field(default_factory=list)
    mails: list[tuple[Claim, Mail]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return self.skipped + len(self.taken)

    def going(self, messages: Sequence[tuple[Claim, _M]]) -> Sequence[tuple[Claim, _M]]:
        """Those that may still go out; the others are skipped."""
        if off := self.switch.off:
            self.verdicts += [outcomes.skip(c, reasons.PAUSED) for c, _ in messages if c.version_id in off]
            messages = [pair for pair in messages if pair[0].version_id not in off]
        return messages


class _House(NamedTuple):
    """The brand in its messages; read once a drain."""

    name: str
    signature: str
    price_cents: int  # of one SMS


def drain(*, seconds: float = 50.0) -> Counter[str]:
    """Send everything due, for at most `seconds`; the rest is for the next call. Returns how many reached which state."""
    deadline = time.monotonic() + seconds
    figures: Counter[str] = Counter()
    for channel in _ORDER:
        with _lane(channel) as is_free:
            if is_free and _has_work(channel, moment=clock.now()):
                figures += drain_channel(channel, deadline=deadline)
    return figures


def busy(*, moment: datetime) -> list[str]:
    """The channels on which something is due."""
    return [channel for channel in _ORDER if _has_work(channel, moment=moment)]


def drain_lane(channel: str, *, seconds: float = 50.0) -> None:
    """One channel, for the scheduler: a row in the job console only when something happened. Others go on beside it."""
    with _lane(channel) as is_free:
        if not is_free or not _has_work(channel, moment=clock.now()):
            return
        with runs.recorded("care.drain") as figures:
            figures.update(drain_channel(channel, deadline=time.monotonic() + seconds))


def drain_channel(channel: str, *, deadline: float) -> Counter[str]:
    """Settle what is open, then send chunk after chunk until nothing is due, everybody's hours are quiet, or the channel is down.

    Raises RuntimeError inside a transaction: its claims would be invisible to those who record the receipts.
    """
    if connection.in_atomic_block:
        raise RuntimeError("drain_channel() must not run inside a transaction")
    limits, moment = gate.load().on(channel), clock.now()
    most = lanes.enter(channel, moment=moment)
    if most == 0:
        return Counter()  # the circuit is open, or the minute is full
    figures = resolve.settle_open(channel)
    zones = [limits.at(zone) for zone in slots.zones_due(channel, moment=moment)]
    for here in zones:
        if here.is_quiet(moment):
            figures["postponed"] += slots.postpone(channel=channel, moment=moment, limits=here)
        else:
            slots.move_to_today(channel=channel, moment=moment, limits=here)
    if zones and all(here.is_quiet(moment) for here in zones):
        return figures
    for settled in _pipeline(channel, limits=limits, deadline=deadline, most=most):
        figures += settled
    for settled in _suspects(channel, limits=limits, deadline=deadline):
        figures += settled
    return figures


def _suspects(channel: str, *, limits: gate.Gate, deadline: float) -> Iterator[Counter[str]]:
    """Messages that a worker died over, when all others have gone: fifty at a time, then each alone. See `outcomes.MOST_DEATHS`."""
    if not Touch.objects.filter(settled_at=None, state="planned", channel=channel, deaths__gt=0).exists():
        return
    most = lanes.enter(channel, moment=clock.now())  # what those before have left
    for deaths, size in (f"between 1 and {outcomes.ALONE_FROM - 1}", _FEW), (f">= {outcomes.ALONE_FROM}", 1):
        desk, stopped, switch = claims.Desk(channel, deaths=deaths, limits=limits), threading.Event(), _Switch()
        house = _house()
        while time.monotonic() < deadline and not stopped.is_set():
            wanted = size if most is None else min(size, most)
            chunk = _claim(desk, limit=wanted, house=house, stopped=stopped, switch=switch) if wanted else None
            if chunk is None or not chunk.size:
                break
            if most is not None:
                most -= len(chunk.taken)
                lanes.spent(channel, len(chunk.taken), moment=chunk.moment)
            switch.look()
            yield _settle(_post(_write(chunk)))


def _pipeline(channel: str, *, limits: gate.Gate, deadline: float, most: int | None) -> Iterator[Counter[str]]:
    """Claims chunks and yields the figures of each, until nothing is due, everybody's hours are quiet, or the channel is down.

    `most` messages in all, then no more for now; None: as many as there are.
    """
    stopped, switch, house, desk = threading.Event(), _Switch(), _house(), claims.Desk(channel, limits=limits)
    under_way: deque[Future[Counter[str]]] = deque()
    with _quick_turns(), prepared.by_key(), ExitStack() as threads:
        writer, books = threads.enter_context(_thread()), threads.enter_context(_thread(prepared.by_key))
        lines = cycle([threads.enter_context(_thread()) for _ in range(_POSTERS)])
        for limit in chain(_FIRST_CHUNKS, repeat(CHUNK)):
            is_open = time.monotonic() < deadline and not stopped.is_set()
            wanted = min(limit, CHUNK) if most is None else min(limit, CHUNK, most)
            chunk = (
                _claim(desk, limit=wanted, house=house, stopped=stopped, switch=switch) if is_open and wanted else None
            )
            switch.look()
            if chunk and chunk.size:
                if most is not None:
                    most -= len(chunk.taken)
                    lanes.spent(channel, len(chunk.taken), moment=chunk.moment)
                written = writer.submit(copy_context().run, _write, chunk)
                posted = next(lines).submit(copy_context().run, _post_written, written)
                under_way.append(books.submit(copy_context().run, _settle_posted, posted))
                if len(under_way) < _AHEAD:
                    continue
            if not under_way:
                return
            while not finished([under_way[0]], timeout=LOOK_EVERY).done:
                switch.look()
            yield under_way.popleft().result()


def send_chunk(channel: str) -> Counter[str]:
    """Claim, send, record one chunk. Returns how many reached which state; empty: nothing was due."""
    return _settle(_post(_prepare(channel)))


def _prepare(channel: str) -> _Chunk:
    desk, stopped, switch = claims.Desk(channel), threading.Event(), _Switch()
    return _write(_claim(desk, limit=CHUNK, house=_house(), stopped=stopped, switch=switch))


def _claim(desk: claims.Desk, *, limit: int, house: _House, stopped: threading.Event, switch: _Switch) -> _Chunk:
    """The next chunk, claimed, with all that its messages need: what follows touches no database until `_settle`."""
    moment, started = clock.now(), time.monotonic()
    taken, skipped = desk.take(limit=limit, moment=moment, brand=house.name)
    texts = _texts({t.claim.version_id for t in taken}, desk=desk)
    switch.under_way |= texts.keys()
    return _Chunk(desk.channel, moment, started, house, taken, texts, skipped, stopped, switch)


def _write(chunk: _Chunk) -> _Chunk:
    """Fill in the texts and open the phones; who lacks a value or a phone is skipped."""
    for claim, sealed, wrapped, values in chunk.taken:
        words = chunk.texts[claim.version_id]
        chosen = words.choose(values)
        if chosen is None:
            chunk.verdicts.append(outcomes.skip(claim, reasons.MISSING_VALUE))
            continue
        if chunk.channel == Channel.WECHAT:  # a line is a field: no value may make one
            chosen = tuple(" ".join(value.split()) for value in chosen)
        if not words.is_ready:
            chunk.verdicts.append(outcomes.put_back(claim, after=REVIEW_PAUSE, moment=chunk.moment))
            continue
        text = templates.composed(
            words.pattern % chosen, channel=chunk.channel, signature=chunk.house.signature, kind=words.kind
        )
        _address(chunk, claim, text=text, words=words, chosen=chosen, sealed=sealed, wrapped=wrapped)
    return chunk


def _address(
    chunk: _Chunk,
    claim: Claim,
    *,
    text: str,
    words: _Text,
    chosen: tuple[str, ...],
    sealed: bytes | None,
    wrapped: bytes | None,
) -> None:
    """Put a text among those that are ready for its channel; who has no address there is skipped."""
    if chunk.channel == Channel.INBOX:
        chunk.letters.append((claim, inbox.Letter(claim.key, claim.member_id, chunk.house.name, text)))
        return
    if chunk.channel == Channel.WECOM:
        contact = (
            members.open_identity("external_userid", wrapped=wrapped, sealed=sealed) if wrapped and sealed else None
        )
        if contact is None:
            chunk.verdicts.append(outcomes.skip(claim, reasons.NO_ADDRESS))
        else:
            chunk.for_staff.append((claim, queueing.Note(claim.key, contact, text)))
        return
    if chunk.channel == Channel.WECHAT:
        note = subscribing.written(claim, text=text, content=words.content, wrapped=wrapped, sealed=sealed)
        if isinstance(note, Verdict):
            chunk.verdicts.append(outcomes.pass_on(note, onward=words.onward, moment=chunk.moment))
        else:
            chunk.notes.append((claim, note))
        return
    if chunk.channel == Channel.EMAIL:
        mail = mailing.written(
            claim, text=text, content=words.content, brand=chunk.house.name, wrapped=wrapped, sealed=sealed
        )
        if isinstance(mail, Verdict):
            chunk.verdicts.append(mail)
        else:
            chunk.mails.append((claim, mail))
        return
    phone = members.open_phone(wrapped=wrapped, sealed=sealed) if wrapped and sealed else None
    if phone is None:
        chunk.verdicts.append(outcomes.skip(claim, reasons.NO_ADDRESS))
        return
    told = tuple(zip(words.placeholders, chosen, strict=True)) if words.placeholders else ()
    chunk.ready.append((claim, Outgoing(claim.key, phone, text, words.kind, words.name, told)))


def _post_written(written: Future[_Chunk]) -> _Chunk:
    return _post(written.result())


def _post(chunk: _Chunk) -> _Chunk:
    """Hand the messages to the provider, a request at a time."""
    _post_mails(chunk)
    for pair in chunk.notes:
        for claim, note in chunk.going([pair]):
            _post_note(chunk, claim, note)
    size = sms.batch_size()
    for start in range(0, len(chunk.ready), size):
        part = chunk.going(chunk.ready[start : start + size])
        if not part:
            continue
        if chunk.stopped.is_set() or time.monotonic() - chunk.started > SEND_WITHIN:
            chunk.verdicts += [outcomes.put_back(c, after=_pause(), moment=chunk.moment) for c, _ in part]
            continue
        answers = sms.send_batch([message for _, message in part])
        for (claim, message), answer in zip(part, answers, strict=True):
            if answer.state == "retry":
                chunk.stopped.set()
            verdict = _judge(claim, message, answer=answer, moment=chunk.moment)
            chunk.verdicts.append(
                outcomes.pass_on(verdict, onward=chunk.texts[claim.version_id].onward, moment=chunk.moment)
            )
    return chunk


def _post_note(chunk: _Chunk, claim: Claim, note: subscribing.Note) -> None:
    if chunk.stopped.is_set() or time.monotonic() - chunk.started > SEND_WITHIN:
        chunk.verdicts.append(outcomes.put_back(claim, after=_pause(), moment=chunk.moment))
        return
    answer = subscribing.delivered(note)
    if answer.state == "retry":
        chunk.stopped.set()
    verdict = outcomes.judge(claim, answer, channel=Channel.WECHAT, moment=chunk.moment, text=note.text)
    onward = chunk.texts[claim.version_id].onward
    chunk.verdicts.append(outcomes.pass_on(verdict, onward=onward, moment=chunk.moment))


def _post_mails(chunk: _Chunk) -> None:
    for start in range(0, len(chunk.mails), MAILS_AT_ONCE):
        part = chunk.going(chunk.mails[start : start + MAILS_AT_ONCE])
        if not part:
            continue
        if chunk.stopped.is_set() or time.monotonic() - chunk.started > SEND_WITHIN:
            chunk.verdicts += [outcomes.put_back(c, after=_pause(), moment=chunk.moment) for c, _ in part]
            continue
        answers = mailing.delivered(part)
        if all(answer.state == "retry" for answer in answers):
            chunk.stopped.set()
        for (claim, mail), answer in zip(part, answers, strict=True):
            verdict = outcomes.judge(claim, answer, channel=Channel.EMAIL, moment=chunk.moment, text=mail.text)
            onward = chunk.texts[claim.version_id].onward
            chunk.verdicts.append(outcomes.pass_on(verdict, onward=onward, moment=chunk.moment))


def _judge(claim: Claim, message: Outgoing, *, answer: Outcome, moment: datetime) -> Verdict:
    if answer.state != "accepted":
        if answer.code in outcomes.UNREGISTERED:
            _registered.discard(message.template)
        if answer.code == "CIRCUIT_OPEN":
            return outcomes.put_back(claim, after=_pause(answer.retry_after), moment=moment)
    verdict = outcomes.judge(claim, answer, channel=Channel.SMS, moment=moment, text=message.text)
    verdict.units = sms.segments(message.text)
    return verdict


def _settle_posted(posted: Future[_Chunk]) -> Counter[str]:
    return _settle(posted.result())


def _settle(chunk: _Chunk) -> Counter[str]:
    """Record. The inbox is our own table: its letters are delivered here."""
    answers = inbox.deliver_batch([letter for _, letter in chunk.letters], moment=chunk.moment) if chunk.letters else []
    for (claim, letter), answer in zip(chunk.letters, answers, strict=True):
        chunk.verdicts.append(
            outcomes.judge(claim, answer, channel=Channel.INBOX, moment=chunk.moment, text=letter.body)
        )
    _queue_for_staff(chunk)
    moment = clock.now()
    figures = outcomes.record(chunk.verdicts, moment=moment, price_cents=chunk.house.price_cents)
    if chunk.channel != Channel.INBOX:
        lanes.note(chunk.channel, chunk.verdicts, moment=moment)
    figures["skipped"] += chunk.skipped
    return +figures


def _queue_for_staff(chunk: _Chunk) -> None:
    """WeCom's messages wait for a colleague in our own books, which is where they are handed over."""
    if not chunk.for_staff:
        return
    answers = queueing.queue([note for _, note in chunk.for_staff], moment=chunk.moment)
    for (claim, note), answer in zip(chunk.for_staff, answers, strict=True):
        verdict = outcomes.judge(claim, answer, channel=Channel.WECOM, moment=chunk.moment, text=note.text)
        onward = chunk.texts[claim.version_id].onward
        chunk.verdicts.append(outcomes.pass_on(verdict, onward=onward, moment=chunk.moment))


def _has_work(channel: str, *, moment: datetime) -> bool:
    due = Q(state="planned") | Q(state__in=["sending", "unknown"], lease_until__lte=moment)
    return Touch.objects.filter(due, settled_at=None, channel=channel, send_at__lte=moment).exists()


_registered: set[str] = set()  # templates that this process has had approved
_lock = threading.Lock()


def _texts(version_ids: set[int], *, desk: claims.Desk) -> dict[int, _Text]:
    """Called between claim and sending: a text that is new to the provider is approved here, on first use."""
    return {version_id: _text(version, desk=desk) for version_id, version in claims.versions(version_ids).items()}


def _text(version: Version, *, desk: claims.Desk) -> _Text:
    own = routes.on(version, channel=desk.channel)
    words = _Text(
        templates.chooser(own.template, missing=version.missing, names=desk.names),
        templates.pattern_of(own.template),
        kind="transactional" if version.is_transactional else "marketing",
        onward=routes.after(version, channel=desk.channel),
        content=own.content,
    )
    if desk.channel != Channel.SMS:
        return words
    name, is_ready = _register(own)
    if sms.is_simulated():
        return words._replace(name=name)
    return words._replace(name=name, is_ready=is_ready, placeholders=tuple(templates.parse(own.template)[1::2]))


def _house() -> _House:
    return _House(brand.name(), brand.signature(), brand.read("care.sms_price_cents"))


def _register(version: Version) -> tuple[str, bool]:
    """The provider's name of the text, and whether it has approved it."""
    name = f"{version.policy.key}-v{version.number}"
    kind: Literal["notice", "promo"] = "notice" if version.is_transactional else "promo"
    with _lock:
        if name not in _registered and sms.register(name=name, kind=kind, text=version.template).state == "accepted":
            _registered.add(name)
        return name, name in _registered


def _pause(seconds: float | None = None) -> float:
    return max(seconds or 0.0, random.uniform(5, 15))  # noqa: S311 - spreads load, protects nothing


@contextmanager
def _thread(around: Callable[[], AbstractContextManager[None]] = nullcontext) -> Iterator[ThreadPoolExecutor]:
    """A thread that does its work in order, within `around`; what it has opened ends with it."""
    with ThreadPoolExecutor(1) as thread:
        inside = ExitStack()
        thread.submit(inside.enter_context, around())
        try:
            yield thread
        finally:
            thread.submit(inside.close)
            thread.submit(_close_connections)


def _close_connections() -> None:
    """Those of the thread that runs this: a pool would wait for ever for one that merely fell away."""
    connection.close()
    wire.close()


@contextmanager
def _quick_turns() -> Iterator[None]:
    """An answer of the database is taken up within a millisecond, not five, though other threads compute.

    Nor does the collector of cycles walk the whole house every few hundred messages: they make none.
    """
    usual, was_collecting = sys.getswitchinterval(), gc.isenabled()
    sys.setswitchinterval(0.001)
    gc.disable()
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
        if was_collecting:
            gc.enable()


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
