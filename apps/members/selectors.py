"""Reads on members. Phones leave here decrypted only through `phones` and `open_phone` (for sending) and `unmask` (logged)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NoReturn

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.core import alerts, audit, ciphers, clock, ids, logs, prepared, reasons
from apps.core.errors import BadCipher, NotFound, ValidationFailed
from apps.core.models import AuditEntry
from apps.members import identities, minors
from apps.members import phones as phone_numbers
from apps.members.errors import PhoneInvalid
from apps.members.models import Attribute, CodeRequest, Consent, ConsentNow, Identity, Member
from apps.stores.access import Access

PREFIX = "mem"
LONGEST_CARD = 200
LOOKS_PER_HOUR = 30  # at whole phone numbers; more by one person raise an alert
_PHONES = """
select distinct on (i.member_id) i.member_id, k.wrapped, i.sealed
  from members_identity i join members_memberkey k on k.member_id = i.member_id
 where i.kind = 'phone' and i.member_id = any(%s)
 order by i.member_id, i.verified_at is not null desc, i.id desc
"""
# The phone of member m to write to, still sealed, for a statement of many members; `open_phone` reads it: a proven one before
# a claimed one (a merge may bring several), then the newest. No index has this order, so the planner cannot walk all identities
# of the house from the newest back until it meets the member's.
_SEALED = """
    select i.sealed, k.wrapped from members_identity i join members_memberkey k on k.member_id = i.member_id
    where i.member_id = m.id and i.kind = {kind} order by i.verified_at is not null desc, i.id desc limit 1
"""
SEALED_PHONE = _SEALED.format(kind="'phone'")
_CARD = f"""
    select m.member_no, m.nickname, m.gender, m.birth_year, m.birth_month, m.birth_day, m.status, m.joined_at,
           m.avatar_id, p.sealed, p.wrapped
    from members_member m left join lateral ({SEALED_PHONE}) p on true where m.id = %s
"""
_STANDINGS = """
    select n.purpose, n.channel, n.is_granted, n.text_version, n.at, coalesce(n.valid_until <= %(moment)s, false)
      from members_consentnow n
     where n.member_id = %(member)s and %(purpose)s::text in ('', n.purpose) and %(channel)s::text in ('', n.channel)
     order by n.at desc, n.id desc
"""
_PHONE_CONTEXT = identities.context(Identity.Kind.PHONE)


@dataclass(frozen=True)
class Profile:
    """What staff pages show of a member. The phone is masked."""

    member_id: int
    public_id: str
    member_no: str
    nickname: str
    gender: str
    birthday: tuple[int | None, int | None, int | None]  # year, month, day
    status: str
    home_store_id: int | None
    source: str
    tags: tuple[str, ...]
    attributes: dict[str, Any]
    joined_at: datetime
    masked_phone: str
    identity_kinds: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """One line of the consent history."""

    purpose: str
    channel: str
    is_granted: bool
    source: str
    text_version: str
    at: datetime
    is_newest: bool  # the one that counts
    has_ended: bool  # a yes that expired, or whose text was replaced: as if nothing had been said


@dataclass(frozen=True)
class Standing:
    """What counts now for one purpose on one channel."""

    purpose: str
    channel: str
    is_granted: bool
    text_version: str
    at: datetime
    has_ended: bool  # a yes that expired, or whose text was replaced: as if nothing had been said


@dataclass(frozen=True)
class Found:
    """One page of a search, ordered by id; `next_after` asks for the following page, None at the end."""

    member_ids: list[int] = field(default_factory=list)
    next_after: int | None = None


def current_id(member_id: int) -> int:
    """The record that counts: an alias leads to the member it was merged into, anybody else to themselves. Raises NotFound."""
    row = prepared.row("select coalesce(merged_into_id, id) from members_member where id = %s", [member_id])
    return int(row[0]) if row else _missing()


def current_ids(member_ids: Sequence[int]) -> dict[int, int]:
    """The same for many, in one statement; ids that do not exist are absent."""
    rows = Member.objects.filter(pk__in=set(member_ids)).values_list("pk", "merged_into_id")
    return {member_id: into or member_id for member_id, into in rows}


def family(member_id: int) -> list[int]:
    """The member's id and those of all records merged into it, ascending: whose history a page of the member shows."""
    return sorted({member_id, *Member.objects.filter(merged_into_id=member_id).values_list("pk", flat=True)})


def phones(member_ids: Sequence[int]) -> dict[int, str]:
    """Each member's phone in E.164, the one to write to (see SEALED_PHONE). Without one, or with a destroyed key, they are absent."""
    with connection.cursor() as cursor:
        cursor.execute(_PHONES, [list(member_ids)])
        rows = cursor.fetchall()
    opened = ((member_id, open_phone(wrapped=wrapped, sealed=sealed)) for member_id, wrapped, sealed in rows)
    return {member_id: phone for member_id, phone in opened if phone is not None}


def network_of(member_id: int) -> bytes | None:
    """From where a phone of the member proved itself last, as a keyed hash; None where none did within the two days that is known."""
    theirs = Identity.objects.filter(member_id=member_id, kind=Identity.Kind.PHONE).values("digest")
    proofs = CodeRequest.objects.filter(phone_digest__in=theirs, used_at__isnull=False).order_by("-used_at")
    found = proofs.values_list("network_digest", flat=True).first()
    return None if found is None else bytes(found)


def sealed(kind: str) -> str:
    """`SEALED_PHONE` for another kind of identity, an SQL expression; `open_identity` reads it."""
    return _SEALED.format(kind=kind)


def open_identity(kind: str, *, wrapped: bytes, sealed: bytes) -> str | None:
    """An identity of a row of `sealed`, for sending; None when its key is gone."""
    try:
        return ciphers.decrypt(person_key=ciphers.unwrap(wrapped), blob=sealed, context=identities.context(kind))
    except BadCipher:
        return None


def open_phone(*, wrapped: bytes, sealed: bytes) -> str | None:
    """The phone of a row of `SEALED_PHONE`, for sending; None when its key is gone."""
    try:
        return ciphers.decrypt(person_key=ciphers.unwrap(wrapped), blob=sealed, context=_PHONE_CONTEXT)
    except BadCipher:
        return None


@dataclass(frozen=True)
class Card:
    """What a member's own first screen shows of them. The phone is masked."""

    public_id: str
    member_no: str
    nickname: str
    gender: str
    birthday: tuple[int | None, int | None, int | None]
    status: str
    joined_at: datetime
    masked_phone: str
    avatar_id: int | None = None


def card(member_id: int) -> Card:
    """In one statement. Raises NotFound."""
    row = prepared.row(_CARD, [member_id])
    if row is None:
        raise NotFound
    member_no, nickname, gender, year, month, day, status, joined_at, avatar_id, sealed, wrapped = row
    phone = open_phone(wrapped=wrapped, sealed=sealed) if sealed is not None else None
    return Card(
        public_id=ids.encode(PREFIX, member_id),
        member_no=member_no,
        nickname=nickname,
        gender=gender,
        birthday=(year, month, day),
        status=status,
        joined_at=joined_at,
        masked_phone=phone_numbers.masked(phone or ""),
        avatar_id=avatar_id,
    )


def openid(*, member_id: int, app_id: str) -> str | None:
    """The member's newest open id in a mini-program; None without one, or when the key is destroyed."""
    kind = Identity.Kind.OPENID
    rows = Identity.objects.filter(member_id=member_id, kind=kind, namespace=app_id).order_by("-pk")
    found = rows.values_list("member__key__wrapped", "sealed").first()
    if found is None or found[0] is None:
        return None
    try:
        person_key = ciphers.unwrap(bytes(found[0]))
        return ciphers.decrypt(person_key=person_key, blob=bytes(found[1]), context=identities.context(kind))
    except BadCipher:
        return None


def masked_phones(member_ids: Sequence[int]) -> dict[int, str]:
    """`138****1234` by member, for lists; members without a readable phone are absent."""
    return {member_id: phone_numbers.masked(phone) for member_id, phone in phones(member_ids).items()}


def masked_phone(member_id: int) -> str:
    """`138****1234`, or empty."""
    return masked_phones([member_id]).get(member_id, "")


@transaction.atomic
def unmask(*, member_id: int, reason: str, access: Access) -> str:
    """The full phone for a stated reason; the look is written to the audit trail first. Empty when there is none.

    Raises Forbidden, NotFound (other stores' members), ValidationFailed without a reason.
    """
    store_ids = access.store_ids("members.unmask")
    reason = reasons.said(reason)
    if not reason:
        sentence = _("Say in a few words why you need the number.")
        raise ValidationFailed(errors=[{"pointer": "/reason", "code": "required", "message": sentence}])
    if not within(Member.objects.filter(pk=member_id), store_ids).exists():
        raise NotFound
    clean = logs.scrub(None, "", {"reason": reason})
    line = audit.record("member.unmasked", object_type="member", object_id=member_id, after=dict(clean))
    _watch_looks(line.actor)
    return phones([member_id]).get(member_id, "")


def _watch_looks(actor: str) -> None:
    """More than 30 looks at whole numbers within an hour by one person raise an alert, once an hour."""
    moment = clock.now()
    looks = AuditEntry.objects.filter(action="member.unmasked", actor=actor).order_by("-id")
    earliest = looks.values_list("at", flat=True)[LOOKS_PER_HOUR : LOOKS_PER_HOUR + 1]
    if earliest and earliest[0] > moment - timedelta(hours=1):
        hour = clock.local(moment).strftime("%Y-%m-%dT%H")
        alerts.raise_once("members.unmasked_often", key=f"members.unmasked_often:{actor}:{hour}", actor=actor)


def find_by_phone(phone: str) -> int | None:
    """The member who has this phone, written in any usual way; None also for what is no phone."""
    try:
        value = phone_numbers.normal(phone)
    except PhoneInvalid:
        return None
    return _owner(Identity.Kind.PHONE, "", value)


def find_by_identity(*, kind: str, value: str, namespace: str = "") -> int | None:
    return _owner(kind, namespace, identities.normal(kind=kind, value=value))


def find_by_card(text: str) -> int | None:
    """The member with this card, typed with blanks or scanned without; None also for what is no card's number."""
    bare, written = "".join(text.split()), text.strip()
    if not 0 < len(written) <= LONGEST_CARD:
        return None
    return _owner(Identity.Kind.CARD, "", bare) or _owner(Identity.Kind.CARD, "", written)


def find_by_phone_tail(digits: str) -> list[int]:
    """Members one of whose phones ends in these four digits, by id."""
    owners = Identity.objects.filter(tail_digest=identities.tail_digest(digits))
    return sorted(set(owners.values_list("member_id", flat=True)))


def search(*, text: str, store_ids: Sequence[int] | None = None, after: int = 0, limit: int = 50) -> Found:
    """Members by what staff type: four digits of a phone's end, a full phone, a member or card number, part of a nickname (one
    letter: its first; two: its first or last), or the whole text of a searchable field of the brand's own.

    `store_ids` None means every store (see `Access.store_ids`). Newest pages follow by `after`.
    """
    text = " ".join(text.split())[:60]
    if not text:
        return Found()
    rows = within(Member.objects.filter(_matching(text), pk__gt=after, merged_into=None), store_ids).order_by("pk")
    member_ids = list(rows.values_list("pk", flat=True)[: limit + 1])
    more = len(member_ids) > limit
    return Found(member_ids=member_ids[:limit], next_after=member_ids[limit - 1] if more else None)


def within(members: Any, store_ids: Sequence[int] | None) -> Any:
    """Narrow a Member queryset to the home stores that a person may see; None is all."""
    return members if store_ids is None else members.filter(home_store_id__in=store_ids)


def profile(member_id: int) -> Profile:
    """An alias shows the member it was merged into. Raises NotFound."""
    member_id = current_id(member_id)
    member = Member.objects.get(pk=member_id)
    kinds = Identity.objects.filter(member_id=member_id).order_by("kind").values_list("kind", flat=True).distinct()
    return Profile(
        member_id=member.pk,
        public_id=ids.encode(PREFIX, member.pk),
        member_no=member.member_no,
        nickname=member.nickname,
        gender=member.gender,
        birthday=(member.birth_year, member.birth_month, member.birth_day),
        status=member.status,
        home_store_id=member.home_store_id,
        source=member.source,
        tags=tuple(member.tags),
        attributes=member.attributes,
        joined_at=member.joined_at,
        masked_phone=masked_phone(member_id),
        identity_kinds=tuple(kinds),
    )


def consents(member_id: int) -> list[Statement]:
    """The member's whole consent history, newest first, that of merged records too (`merging.py` says which counts then)."""
    moment = clock.now()
    now = {(row.purpose, row.channel): row for row in ConsentNow.objects.filter(member_id=member_id)}
    history = []
    for row in Consent.objects.filter(member_id__in=family(member_id)).order_by("-at", "-id"):
        counting = now.get((row.purpose, row.channel))
        is_counting = counting is not None and (counting.at, counting.is_granted) == (row.at, row.is_granted)
        if is_counting:
            del now[row.purpose, row.channel]
        history.append(
            Statement(
                purpose=row.purpose,
                channel=row.channel,
                is_granted=row.is_granted,
                source=row.source,
                text_version=row.text_version,
                at=row.at,
                is_newest=is_counting,
                has_ended=bool(is_counting and counting and counting.valid_until and counting.valid_until <= moment),
            )
        )
    return history


def standings(member_id: int, *, purpose: str = "", channel: str = "") -> list[Standing]:
    """The consents that count now, newest first, perhaps of one purpose or channel; reads none of the history."""
    asked = {"member": member_id, "purpose": purpose, "channel": channel, "moment": clock.now()}
    return [Standing(*row) for row in prepared.rows(_STANDINGS, asked)]


def may_be_profiled(member_id: int) -> bool:
    """Whether what the house works out about this member may be used for and shown beside them. Raises NotFound.

    Not of a child whom no guardian answers for, nor of somebody who has switched personalisation off.
    """
    objected = ConsentNow.objects.filter(
        member_id=member_id, purpose=Consent.Purpose.PROFILING, channel=Consent.Channel.ANY, is_granted=False
    )
    return not minors.standing(member_id).is_unguarded and not objected.exists()


def _matching(text: str) -> Q:
    owned: list[int] = []
    if len(text) == phone_numbers.TAIL and text.isascii() and text.isdigit():
        owned = find_by_phone_tail(text)
    elif (owner := find_by_phone(text)) or (owner := find_by_card(text)):
        owned = [owner]
    aliases = Member.objects.filter(member_no=text).exclude(merged_into=None)
    owned += [into for into in aliases.values_list("merged_into_id", flat=True) if into]
    found = Q(pk__in=owned) | Q(member_no=text) | _called(text)
    searchable = Attribute.objects.filter(type=Attribute.Type.TEXT, is_searchable=True)
    for key in searchable.values_list("key", flat=True):
        found |= ~Q(attributes={}) & Q(attributes__contains={key: text})  # in the words of the partial index
    return found


def _called(text: str) -> Q:
    """Three letters anywhere in a nickname; fewer where the trigram index knows them, which is not in the middle."""
    if len(text) > 2:
        return Q(nickname__icontains=text)
    beginning = Q(nickname__istartswith=text)
    return beginning | Q(nickname__iendswith=text) if len(text) == 2 else beginning


def _missing() -> NoReturn:
    raise NotFound


def _owner(kind: str, namespace: str, value: str) -> int | None:
    rows = Identity.objects.filter(kind=kind, namespace=namespace, digest=identities.digest(kind=kind, value=value))
    return rows.values_list("member_id", flat=True).first()
