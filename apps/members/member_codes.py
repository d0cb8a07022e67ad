"""The member code: 18 digits that a member shows and a counter reads, once, within a minute. See docs/member-code.md.

The digits are random and mean nothing; the database knows them by their keyed hash. Whoever guesses has to hit one of the codes
that are shown at that moment among 5 × 10^17.
"""

import hmac
import math
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from apps.core import ciphers, clock, ratelimits
from apps.core.ratelimits import Limit
from apps.members.errors import (
    MemberCodeExpired,
    MemberCodeInvalid,
    MemberCodeUsed,
    MemberNotActive,
    SeenOver,
    TooManyBadCodes,
    TooManyCodes,
)
from apps.members.models import Member, MemberCode

LIFE = timedelta(seconds=60)
REFRESH = timedelta(
    seconds=50
)  # the page shows the next one then, so that what is held to a scanner has ten seconds left
SKEW = timedelta(seconds=5)  # by which clocks of our servers may differ
GRANT = timedelta(minutes=10)  # in which a counter may act on whom it has read
DIGITS = 18
FIRST = "45789"  # codes of payment apps, also 18 digits, begin with 1, 2, 3 or 6
BITS = math.log2(len(FIRST)) + (DIGITS - 1) * math.log2(10)  # 58.8
GROUPS = (6, 4, 4, 4)
BAD, WINDOW = 30, 60  # unknown codes that one device may read in seconds
SHOWS = 30  # codes that one member may be shown in the same time


@dataclass(frozen=True)
class Shown:
    """`id` asks for its `result`. The next one is to be fetched at `refresh_at`; from `valid_until` on nobody reads this one."""

    id: int
    code: str
    issued_at: datetime
    valid_until: datetime
    refresh_at: datetime


@dataclass(frozen=True)
class Where:
    """Who reads: a bound device, with or without a clerk, or a clerk of a store on a screen of their own."""

    store_id: int
    device_id: int | None = None
    staff_id: int | None = None

    def __post_init__(self) -> None:
        if not (self.device_id or self.staff_id):
            raise ValueError("a reading has a device or a clerk")

    @property
    def guesser(self) -> str:
        return f"device:{self.device_id}" if self.device_id else f"staff:{self.staff_id}"


@dataclass(frozen=True)
class Seen:
    """A code that was read: whoever read it may act on the member until `until`; `member_of(seen_id=id, …)` says so.

    `wish`: what the member chose before they showed it, as `show` was told ("coupon:7"), or "". A wish is no right: check it.
    """

    id: int
    member_id: int
    at: datetime
    until: datetime
    wish: str = ""


@dataclass(frozen=True)
class Reading:
    """When and where one of the member's codes was read: for the page that shows it."""

    at: datetime
    store: str
    store_id: int


def show(*, member_id: int, wish: str = "", moment: datetime | None = None) -> Shown:
    """A new code; those before it stay good until their own end. Raises MemberNotActive, TooManyCodes."""
    moment = moment or clock.now()
    if refusal := ratelimits.ask([Limit("member-code-shown", str(member_id), SHOWS, WINDOW)]).refusal:
        raise TooManyCodes(retry_after=refusal.reset)
    code = secrets.choice(FIRST) + f"{secrets.randbelow(10 ** (DIGITS - 1)):0{DIGITS - 1}d}"
    row = MemberCode.objects.create(
        member_id=_active(member_id), digest=_digest(code), wish=wish[:40], issued_at=moment, expires_at=moment + LIFE
    )
    return Shown(id=row.pk, code=code, issued_at=moment, valid_until=row.expires_at, refresh_at=moment + REFRESH)


def typed(text: str) -> str:
    """What a scanner or a person gave, without blanks and dashes, wide digits made plain."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", text[:60]) if letter.isalnum())


def is_shaped(text: str) -> bool:
    """Whether it could be a member code at all; what cannot is perhaps a coupon, or a code of a payment app."""
    code = typed(text)
    return len(code) == DIGITS and code.isascii() and code.isdigit() and code[0] in FIRST


def grouped(code: str) -> list[str]:
    """In pieces that can be read aloud."""
    ends = [sum(GROUPS[: place + 1]) for place in range(len(GROUPS))]
    return [code[end - size : end] for end, size in zip(ends, GROUPS, strict=True)]


def read(*, code: str, at: Where, moment: datetime | None = None) -> Seen:
    """Use the code up, now or at the `moment` of a scan that the caller believes. Two at once: one gets it.

    The answer is the grant: within ten minutes the same device (or, without one, the same clerk) may act on the member by its id.
    Raises TooManyBadCodes after 30 unknown codes a minute, else MemberCodeInvalid, MemberCodeExpired, MemberCodeUsed,
    MemberNotActive; nothing is written then. Call it outside a transaction when it may fail: the count must stay.
    """
    limit = Limit("member-code", at.guesser, BAD, WINDOW, closed=True)
    if refusal := ratelimits.ask([limit]).refusal:
        raise TooManyBadCodes(retry_after=refusal.reset)
    is_unknown = False
    try:
        return _read(code=typed(code), at=at, moment=moment or clock.now())
    except MemberCodeInvalid:
        is_unknown = True
        raise
    finally:
        if not is_unknown:
            ratelimits.take_back(limit)


def member_of(*, seen_id: int, at: Where, moment: datetime | None = None) -> int:
    """Whom this device read within the last ten minutes. Raises SeenOver, MemberNotActive."""
    moment = moment or clock.now()
    row = MemberCode.objects.filter(pk=seen_id, used_at__isnull=False).first()
    if row is None or row.used_at is None or not _is_same(row, at) or row.used_at + GRANT < moment:
        raise SeenOver
    return _active(row.member_id)


def result(*, shown_id: int, member_id: int) -> Reading | None:
    """Whether this code, or one that followed it, was read; the newest reading. For the page that is still open."""
    row = (
        MemberCode.objects.filter(member_id=member_id, pk__gte=shown_id, used_at__isnull=False)
        .select_related("store")
        .order_by("-pk")
        .first()
    )
    if row is None or row.used_at is None or row.store is None:
        return None
    return Reading(at=row.used_at, store=row.store.name, store_id=row.store.pk)


@transaction.atomic
def _read(*, code: str, at: Where, moment: datetime) -> Seen:
    if not is_shaped(code):
        raise MemberCodeInvalid
    digest = _digest(code)
    row = (
        MemberCode.objects.select_for_update().filter(digest=digest).first()
    )  # joined rows would be of before the wait
    if row is None or not hmac.compare_digest(bytes(row.digest), digest):
        raise MemberCodeInvalid
    check(row, at=at, moment=moment)
    member_id = _active(row.member_id)
    row.used_at, row.store_id, row.device_id, row.staff_id = moment, at.store_id, at.device_id, at.staff_id
    row.save(update_fields=["used_at", "store", "device", "staff"])
    return Seen(id=row.pk, member_id=member_id, at=moment, until=moment + GRANT, wish=row.wish)


def check(row: MemberCode, *, at: Where, moment: datetime) -> None:
    """Whether a known code may be used at that moment. Raises MemberCodeInvalid before its time, MemberCodeUsed, MemberCodeExpired."""
    if row.used_at is not None:
        when, store = f"{clock.local(row.used_at):%H:%M:%S}", row.store.name if row.store else ""
        raise MemberCodeUsed(used_at=row.used_at.isoformat(), time=when, store=store, is_here=_is_same(row, at))
    if moment < row.issued_at - SKEW:
        raise MemberCodeInvalid
    if moment > row.expires_at + SKEW:
        raise MemberCodeExpired


def _is_same(row: MemberCode, at: Where) -> bool:
    """A device's grant outlasts a change of clerks."""
    if row.device_id or at.device_id:
        return row.device_id == at.device_id
    return row.staff_id == at.staff_id


def _active(member_id: int) -> int:
    """The record that counts, when its membership does. Raises MemberNotActive."""
    found = Member.objects.filter(pk=member_id).values_list("pk", "status", "merged_into_id").first()
    if found is not None and found[2] is not None:
        found = Member.objects.filter(pk=found[2]).values_list("pk", "status", "merged_into_id").first()
    if found is None or found[1] != Member.Status.ACTIVE:
        raise MemberNotActive
    return found[0]


def _digest(code: str) -> bytes:
    """Keyed, so a copy of the table shows no code, and one of another installation finds nothing here."""
    return ciphers.blind_index(kind="member-code", value=code)
