"""How a member comes in: by a code to their phone or by WeChat; what more proof a grave act asks for; changing the phone.

The answers tell nobody whether a phone belongs to a member. Call these functions with no transaction open: tries that fail are
written, and messages are sent in between. The face opens the token family (`tokens.open_family`) for who came in.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from django.db import transaction

from apps.core import audit, clock, prepared, tokens
from apps.core.errors import NotFound
from apps.core.models import User
from apps.events.services import publish
from apps.gateways import wechat
from apps.members import codes, departures, identities, phones, selectors, services, states
from apps.members.codes import CodeSent
from apps.members.errors import (
    CodeWrong,
    CoolOffOver,
    IdentityTaken,
    MemberFrozen,
    MemberLeaving,
    PhoneBarred,
    PhoneTaken,
    StepUpRequired,
)
from apps.members.models import Identity, Member
from apps.members.proofs import CodeRequest

FRESH = timedelta(minutes=5)
T = TypeVar("T")
# Who is behind a log-in: asked on every request, so written out. Closed, blocked and frozen ones are nobody.
_LIVE = """
    select m.id, f.user_id, f.id, f.client, f.stepped_up_at
      from core_tokenfamily f join core_user u on u.id = f.user_id join members_member m on m.user_id = u.id
     where f.revoked_at is null and u.is_active and m.status = 'active'
"""
_BY_ACCESS = f"""{_LIVE} and f.id = (
    select p.family_id from core_tokenpair p where p.access_digest = %s and p.access_expires_at > %s)"""
_BY_FAMILY = f"{_LIVE} and f.id = %s and f.expires_at > %s"
_PHONE, _OPENID, _UNIONID = Identity.Kind.PHONE, Identity.Kind.OPENID, Identity.Kind.UNIONID


@dataclass(frozen=True)
class LoggedIn:
    """Who came in. `is_new`: registered just now, no consent given yet."""

    member_id: int
    user_id: int
    is_new: bool


@dataclass(frozen=True)
class Principal:
    """The member behind a valid token or session."""

    member_id: int
    user_id: int
    family_id: int
    client: str
    stepped_up_at: datetime | None


def request_code(*, phone: str, network: str, purpose: str = "login", device: str = "") -> CodeSent:
    """Send a code. `network` is the caller's address, `device` a random id that the client keeps.

    Raises PhoneInvalid, PhoneNotServed, TooManyCodes, CodeNotSent: none of them depends on who has the phone.
    """
    return codes.request(phone=phone, network=network, purpose=purpose, device=device)


def request_step_up_code(*, member_id: int, network: str, device: str = "") -> CodeSent:
    """Send a code to the member's own phone. Raises NotFound without one; else as `request_code`."""
    phone = selectors.phones([member_id]).get(member_id)
    if phone is None:
        raise NotFound
    return request_code(phone=phone, network=network, purpose=CodeRequest.Purpose.STEP_UP, device=device)


def log_in_by_code(*, request_id: str, code: str, source: str, come_back: bool = False) -> LoggedIn:
    """The member whose phone it is; a phone that nobody has becomes a member with that `source`.

    Raises CodeWrong, CodeSpent; with the right code MemberFrozen, MemberLeaving (come_back undoes the leaving), PhoneBarred.
    """

    def enter(phone: str) -> LoggedIn:
        owner = selectors.find_by_phone(phone)
        member_id = selectors.current_id(owner) if owner else _join(phone, source)
        _mark_proved(phone)
        return _admit(member_id, is_new=owner is None, come_back=come_back)

    try:
        return _prove(request_id, code, CodeRequest.Purpose.LOGIN, enter)
    except PhoneTaken:  # somebody else registered this phone at the same time; now it has an owner
        return _prove(request_id, code, CodeRequest.Purpose.LOGIN, enter)


def log_in_by_wechat(*, app_id: str, js_code: str, source: str = "", come_back: bool = False) -> LoggedIn:
    """The member with this open id, else with this union id, else a new one, with that `source` or the mini-program's. Ids that
    come later are added.

    Where open id and union id lead to two members, the one with the open id comes in and `member.unionid_conflict` is published:
    nobody is merged here. Raises what `wechat.session_of` does, MemberFrozen, MemberLeaving.
    """
    session = wechat.session_of(app_id=app_id, js_code=js_code)
    source = source or f"wechat:{app_id}"
    try:
        return _enter_by_wechat(app_id, session, source, come_back)
    except IdentityTaken:  # the same person's first log-in on another device won; now the ids have an owner
        return _enter_by_wechat(app_id, session, source, come_back)


def bind_wechat_phone(*, member_id: int, family_id: int, app_id: str, code: str) -> Literal["bound", "merging"]:
    """Give a member the number that WeChat proves. A number of another member publishes `member.phone_conflict` and binds nothing.

    The number of any WeChat account will do, so one beside the member's own needs a fresh proof: else a stolen token would be
    enough to come in by the thief's phone for good. Raises what `wechat.phone_of` does, PhoneInvalid, PhoneBarred, StepUpRequired.
    """
    phone = phones.normal(wechat.phone_of(app_id=app_id, code=code))
    if selectors.find_by_phone(phone) != member_id and _has_phone(member_id):
        require_step_up(family_id=family_id)
    try:
        return _bind(member_id, phone)
    except PhoneTaken:  # taken between our look and our write
        return _bind(member_id, phone)


def step_up(*, family_id: int, request_id: str, code: str) -> None:
    """A code to a phone of the member proves that it is them; good for five minutes. Raises CodeWrong, CodeSpent, StepUpRequired."""

    def confirm(phone: str) -> None:
        member_id = _member_of_family(family_id)
        if not member_id or selectors.find_by_phone(phone) != member_id:
            raise CodeWrong(tries_left=0)
        tokens.step_up(family_id=family_id)

    _prove(request_id, code, CodeRequest.Purpose.STEP_UP, confirm)


def require_step_up(*, family_id: int) -> None:
    """Raises StepUpRequired unless this log-in was confirmed within five minutes."""
    grant = tokens.of_family(family_id)
    if grant is None or grant.stepped_up_at is None or grant.stepped_up_at <= clock.now() - FRESH:
        raise StepUpRequired


def change_phone(*, member_id: int, family_id: int, request_id: str, code: str) -> None:
    """Put the phone that the code proves in place of all earlier ones; other log-ins end. Publishes `member.phone_changed`.

    Raises StepUpRequired, CodeWrong, CodeSpent, PhoneTaken.
    """
    require_step_up(family_id=family_id)

    def replace(phone: str) -> None:
        if _member_of_family(family_id) != member_id:
            raise StepUpRequired
        new = services.add_identity(member_id=member_id, kind=_PHONE, value=phone, is_verified=True)
        Identity.objects.filter(member_id=member_id, kind=_PHONE).exclude(pk=new).delete()
        user_id = Member.objects.values_list("user_id", flat=True).get(pk=member_id)
        if user_id:
            tokens.revoke_user(user_id=user_id, but=family_id, because="changed_phone")
        audit.record("member.phone_changed", object_type="member", object_id=member_id)
        publish("member.phone_changed", key=f"{member_id}:{new}", lane=f"member:{member_id}", member_id=member_id)

    _prove(request_id, code, CodeRequest.Purpose.CHANGE_PHONE, replace)


def step_up_by_wechat(*, family_id: int, app_id: str, js_code: str) -> None:
    """For members without a phone: WeChat says anew who sits there. Raises what `wechat.session_of` does, StepUpRequired.

    Whoever has a phone proves themselves by it: their WeChat alone must not be enough to take the phone away from them.
    """
    member_id = _member_of_family(family_id)
    if member_id is None or _has_phone(member_id):
        raise StepUpRequired
    session = wechat.session_of(app_id=app_id, js_code=js_code)
    owner = selectors.find_by_identity(kind=_OPENID, value=session.openid, namespace=app_id)
    if owner != member_id or not tokens.step_up(family_id=family_id):
        raise StepUpRequired


def principal(access: str) -> Principal | None:
    """The active member behind an access token, in one statement; None as `tokens.find`, and for members who may not log in."""
    return _principal(_BY_ACCESS, [tokens.digest(access), clock.now()])


def principal_of_session(family_id: int) -> Principal | None:
    """The same for a session cookie that names its family."""
    return _principal(_BY_FAMILY, [family_id, clock.now()])


def _principal(statement: str, given: list[Any]) -> Principal | None:
    row = prepared.row(statement, given)
    return Principal(*row) if row else None


def _prove(request_id: str, code: str, purpose: str, then: Callable[[str], T]) -> T:
    """With the right code do `then(phone)` in the same transaction; a wrong one commits its try before it raises."""
    with transaction.atomic(durable=True):
        verdict = codes.redeem(request_id=request_id, code=code, purpose=purpose)
        if verdict.refusal is None:
            return then(verdict.phone)
    raise verdict.refusal


@transaction.atomic(durable=True)
def _enter_by_wechat(app_id: str, session: wechat.WechatSession, source: str, come_back: bool) -> LoggedIn:
    by_openid = selectors.find_by_identity(kind=_OPENID, value=session.openid, namespace=app_id)
    by_unionid = selectors.find_by_identity(kind=_UNIONID, value=session.unionid) if session.unionid else None
    owner = by_openid or by_unionid
    member_id = selectors.current_id(owner) if owner else services.register(source=source[:60])
    if by_openid is None:
        _add(member_id, _OPENID, session.openid, namespace=app_id)
    if session.unionid and by_unionid is None:
        _add(member_id, _UNIONID, session.unionid)
    if by_openid and by_unionid and by_openid != by_unionid:
        _tell_conflict("member.unionid_conflict", member_id=by_openid, other_id=by_unionid)
    return _admit(member_id, is_new=owner is None, come_back=come_back)


@transaction.atomic(durable=True)
def _bind(member_id: int, phone: str) -> Literal["bound", "merging"]:
    owner = selectors.find_by_phone(phone)
    if owner is not None and owner != member_id:
        _tell_conflict("member.phone_conflict", member_id=member_id, other_id=owner)
        return "merging"
    if owner is None and departures.is_barred(phone):
        raise PhoneBarred
    _add(member_id, _PHONE, phone)
    _mark_proved(phone)
    return "bound"


def _add(member_id: int, kind: Identity.Kind, value: str, *, namespace: str = "") -> None:
    services.add_identity(member_id=member_id, kind=kind, value=value, namespace=namespace, is_verified=True)


def _mark_proved(phone: str) -> None:
    """An imported number is somebody's claim until its owner has shown it."""
    digest = identities.digest(kind=_PHONE, value=phone)
    Identity.objects.filter(kind=_PHONE, digest=digest, verified_at=None).update(verified_at=clock.now())


def _tell_conflict(name: str, *, member_id: int, other_id: int) -> None:
    """One fact per pair and day: the person behind `member_id` has proved an id of `other_id`."""
    day = clock.local_date(clock.now())
    key = f"{member_id}:{other_id}:{day}"
    publish(name, key=key, lane=f"member:{member_id}", member_id=member_id, other_id=other_id)


def _join(phone: str, source: str) -> int:
    if departures.is_barred(phone):
        raise PhoneBarred
    member_id = services.register(source=source[:60])
    _add(member_id, _PHONE, phone)
    return member_id


def _admit(member_id: int, *, is_new: bool, come_back: bool = False) -> LoggedIn:
    """The member's account, made when missing. Raises MemberFrozen, MemberLeaving."""
    member = Member.objects.select_for_update(of=("self",)).select_related("user").get(pk=member_id)
    if member.status == Member.Status.CANCELLED:
        _return(member_id, come_back)
        member.refresh_from_db(fields=["status"])
    if member.status != Member.Status.ACTIVE or (member.user and not member.user.is_active):
        raise MemberFrozen
    if member.user is None:
        member.user = User.objects.create_user(f"member-{secrets.token_hex(8)}")
        member.save(update_fields=["user"])
    return LoggedIn(member_id=member.pk, user_id=member.user.pk, is_new=is_new)


def _return(member_id: int, come_back: bool) -> None:
    until = states.cools_until(member_id)
    if until <= clock.now():
        raise CoolOffOver
    if not come_back:
        raise MemberLeaving(until=until.isoformat())
    states.come_back(member_id=member_id)


def _has_phone(member_id: int) -> bool:
    """One that the member has shown to be theirs; what a file says may be anybody's."""
    return Identity.objects.filter(member_id=member_id, kind=_PHONE, verified_at__isnull=False).exists()


def _member_of_family(family_id: int) -> int | None:
    grant = tokens.of_family(family_id)
    return Member.objects.filter(user_id=grant.user_id).values_list("pk", flat=True).first() if grant else None
