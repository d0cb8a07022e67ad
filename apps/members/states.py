"""The states of a membership and what leads from one to the other. Who is not active gets no message and cannot log in.

Cancelling starts a cool-off; within it the member may come back, after it the erasure runs (`apps/flows/privacy.py`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import audit, clock, logs, reasons, requests
from apps.core.errors import NotFound, ValidationFailed
from apps.events.services import publish
from apps.members import departures
from apps.members.errors import CoolOffOver, MemberStateWrong
from apps.members.models import Member, StateChange

_S = Member.Status
# move → (states it starts from, state it leads to); coming back leads to where the cancelling started
MOVES: dict[str, tuple[frozenset[_S], _S]] = {
    "freeze": (frozenset({_S.ACTIVE}), _S.FROZEN),
    "block": (frozenset({_S.ACTIVE, _S.FROZEN}), _S.BLOCKED),
    "release": (frozenset({_S.FROZEN, _S.BLOCKED}), _S.ACTIVE),
    "cancel": (frozenset({_S.ACTIVE, _S.FROZEN, _S.BLOCKED}), _S.CANCELLED),
    "come_back": (frozenset({_S.CANCELLED}), _S.ACTIVE),
    "depart": (frozenset({_S.CANCELLED}), _S.ERASED),
}


@dataclass(frozen=True)
class Change:
    """One line of the state history. `actor` is `user:7`, `system`."""

    before: str
    after: str
    cause: str
    reason: str
    actor: str
    at: datetime


def legal(status: str) -> tuple[str, ...]:
    """The moves open to a member in this state."""
    return tuple(name for name, (before, _after) in MOVES.items() if status in before)


@transaction.atomic
def freeze(*, member_id: int, cause: str, reason: str) -> None:
    """Stop log-in and messages until `release`. Raises MemberStateWrong, ValidationFailed without a reason."""
    _move("freeze", member_id=member_id, cause=cause, reason=_checked(cause, reason))


@transaction.atomic
def block(*, member_id: int, cause: str, reason: str) -> None:
    """As `freeze`; in addition the phone stays barred for a while should the person erase the account."""
    _move("block", member_id=member_id, cause=cause, reason=_checked(cause, reason))


@transaction.atomic
def release(*, member_id: int, cause: str, reason: str) -> None:
    _move("release", member_id=member_id, cause=cause, reason=_checked(cause, reason))


@transaction.atomic
def cancel(*, member_id: int, reason: str = "") -> datetime:
    """The member leaves. Messages stop at once; returns the end of the cool-off, when the erasure is due. Again: the same end."""
    member = _locked(member_id)
    if member.status == _S.CANCELLED:
        return cools_until(member_id)
    _move("cancel", member_id=member_id, cause=StateChange.Cause.ASKED, reason=_scrubbed(reason))
    return cools_until(member_id)


@transaction.atomic
def come_back(*, member_id: int) -> str:
    """Undo the cancelling within the cool-off: the member is again what they were before. Returns that state.

    Every door comes here: log-in, privacy centre, staff. The fact `member.came_back` closes what others keep open about the
    leaving. Raises CoolOffOver, MemberStateWrong. Consents withdrawn meanwhile stay withdrawn.
    """
    member = _locked(member_id)
    if member.status == _S.CANCELLED and clock.now() >= cools_until(member_id):
        raise CoolOffOver
    cancelling = _cancelling(member_id) if member.status == _S.CANCELLED else None
    earlier = cancelling.before if cancelling else ""
    after = _move("come_back", member_id=member_id, cause=StateChange.Cause.ASKED, reason="", to=earlier)
    if cancelling:
        key = f"{member_id}:{cancelling.pk}"
        publish("member.came_back", key=key, lane=f"member:{member_id}", member_id=member_id)
    return after


@transaction.atomic
def depart(*, member_id: int) -> None:
    """Last step of a cancelling, called by the erasure while the phones can still be read: state erased, departure remembered."""
    was_blocked = _cancelling(member_id).before == _S.BLOCKED
    departures.remember(member_id=member_id, was_blocked=was_blocked)
    _move("depart", member_id=member_id, cause=StateChange.Cause.ERASED, reason="")


def cools_until(member_id: int) -> datetime:
    """End of the cool-off of a cancelled member. Raises MemberStateWrong for somebody who never cancelled."""
    return _cancelling(member_id).at + timedelta(days=settings.MEMBER_COOL_OFF_DAYS)


def history(member_id: int) -> list[Change]:
    """Newest first."""
    rows = StateChange.objects.filter(member_id=member_id).order_by("-id").values(*Change.__dataclass_fields__)
    return [Change(**row) for row in rows]


def _cancelling(member_id: int) -> StateChange:
    last = StateChange.objects.filter(member_id=member_id, after=_S.CANCELLED).order_by("-id").first()
    if last is None:
        raise MemberStateWrong
    return last


def _move(name: str, *, member_id: int, cause: str, reason: str, to: str = "") -> str:
    """The one place that writes `status` (merging aside). Tells the audit trail and the history in the same transaction."""
    starts, ends = MOVES[name]
    member = _locked(member_id)
    if member.status not in starts:
        raise MemberStateWrong
    after = to or ends
    change = StateChange.objects.create(
        member_id=member_id,
        before=member.status,
        after=after,
        cause=cause,
        reason=reason,
        actor=requests.origin().actor,
        at=clock.now(),
    )
    Member.objects.filter(pk=member_id).update(status=after)
    facts = {"before": change.before, "after": after, "cause": cause}
    audit.record(f"member.{name}", object_type="member", object_id=member_id, after=facts)
    return after


def _locked(member_id: int) -> Member:
    member = Member.objects.select_for_update().filter(pk=member_id).first()
    if member is None:
        raise NotFound
    return member


def checked_reason(reason: str) -> str:
    """What staff give as their reason, without personal data. Raises ValidationFailed when it says too little."""
    clean = reasons.said(_scrubbed(reason))
    if not clean:
        raise ValidationFailed(errors=[_no_reason()])
    return clean


def _checked(cause: str, reason: str) -> str:
    """The reason without personal data; staff must name cause and reason."""
    errors = []
    if cause not in StateChange.Cause.values or cause == StateChange.Cause.ERASED:
        errors.append({"pointer": "/cause", "code": "invalid", "message": _("Choose one of the causes.")})
    clean = reasons.said(_scrubbed(reason))
    if not clean:
        errors.append(_no_reason())
    if errors:
        raise ValidationFailed(errors=errors)
    return clean


def _no_reason() -> dict[str, str]:
    return {"pointer": "/reason", "code": "required", "message": _("Say the reason in a few words.")}


def _scrubbed(reason: str) -> str:
    return str(logs.scrub(None, "", {"reason": " ".join(reason.split())[:200]})["reason"])
