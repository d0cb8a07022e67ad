"""One member's identity page: how they are recognised, their state, what they agreed to, where they are logged in, what was merged."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.console import cards, people
from apps.console.views import merges
from apps.core import audit, clock, tokens
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.flows import privacy
from apps.members import departures, guardians, known, minors, policy_texts, services, states
from apps.members import selectors as members
from apps.members.models import Consent, Identity, Member, StateChange

# How a member told staff what they want; the source of the statement is "staff:<how>".
HOW = ("store", "call", "letter")
GUARDIAN_HOW = ("store", "letter")  # staff saw who it is
_STATE_MOVES: dict[str, Callable[..., None]] = {
    "freeze": states.freeze,
    "block": states.block,
    "release": states.release,
}
_CAUSES = [choice for choice in StateChange.Cause.choices if choice[0] != StateChange.Cause.ERASED]


@require_safe
def page(request: HttpRequest, member: str) -> HttpResponse:
    row = people.one(request, member)
    public_id = people.public_id(row)
    if public_id != member:
        return redirect("console:member_identity", public_id)
    profile = members.profile(row.pk)
    facts = {
        "profile": profile,
        "home_store": row.home_store,
        "known": known.known_by(row.pk),
        "kinds": [(kind.value, kind.label) for kind in known.BY_HAND],
        "moves": [move for move in states.legal(row.status) if move in _STATE_MOVES or move == "come_back"],
        "may_leave": "cancel" in states.legal(row.status),
        "cool_off": settings.MEMBER_COOL_OFF_DAYS,
        "left_before": _left_before(row.pk),
        "openings": cards.openings(row.pk),
        "until": states.cools_until(row.pk) if row.status == Member.Status.CANCELLED else None,
        "states": states.history(row.pk),
        "causes": _CAUSES,
        "consents": [line for line in members.consents(row.pk) if line.is_newest],
        "purposes": [choice for choice in Consent.Purpose.choices if choice[0] != Consent.Purpose.GUARDIAN],
        "channels": Consent.Channel.choices,
        "ways": [(way, _way(way)) for way in HOW],
        "child": minors.standing(row.pk),
        "guardian_ways": [(way, _way(way)) for way in GUARDIAN_HOW],
        "sessions": tokens.sessions(row.user_id) if row.user_id else [],
        "merges": merges.of_member(row.pk),
    }
    return render(request, "console/member_identity.html", facts)


@require_POST
def add(request: HttpRequest, member: str) -> HttpResponse:
    row = people.one(request, member, permission="members.identify")
    kind = request.POST.get("kind", "")

    def act() -> str:
        known.add_by_hand(
            member_id=row.pk,
            kind=kind,
            value=request.POST.get("value", "")[:200].replace("\0", ""),
            reason=request.POST.get("reason", ""),
        )
        return _("Added. It counts as not proven until the member shows it.")

    return _done(request, row, act)


@require_POST
def remove(request: HttpRequest, member: str) -> HttpResponse:
    row = people.one(request, member, permission="members.identify")

    def act() -> str:
        kind = known.remove(
            member_id=row.pk, identity_id=_number(request, "identity"), reason=request.POST.get("reason", "")
        )
        return _("%(kind)s taken away. The member has to log in again.") % {"kind": Identity.Kind(kind).label}

    return _done(request, row, act)


@require_POST
def state(request: HttpRequest, member: str) -> HttpResponse:
    row = people.one(request, member, permission="members.freeze")
    move = request.POST.get("move", "")

    def act() -> str:
        if move == "come_back":
            states.come_back(member_id=row.pk)
            return _("The member is back.")
        if move not in _STATE_MOVES:
            raise NotFound
        _STATE_MOVES[move](member_id=row.pk, cause=request.POST.get("cause", ""), reason=request.POST.get("reason", ""))
        return {
            "freeze": _("Frozen. No log-in and no message until it is released."),
            "block": _("Blocked. No log-in and no message."),
            "release": _("Released. The member can log in again."),
        }[move]

    return _done(request, row, act)


@require_POST
def cancel(request: HttpRequest, member: str) -> HttpResponse:
    """The member wants to leave and said so to staff: the same way as from their own pages, with the number typed and a reason."""
    row = people.one(request, member, permission="members.cancel")
    reason = request.POST.get("reason", "")

    def act() -> str:
        if request.POST.get("confirm", "").strip() != row.member_no:
            wrong = _("Type %(number)s to say that you mean this record.") % {"number": row.member_no}
            raise ValidationFailed(errors=[{"pointer": "/confirm", "code": "invalid", "message": wrong}])
        erasure = privacy.request_erasure(member_id=row.pk, reason=states.checked_reason(reason))
        until = clock.local(erasure.effective_at).strftime("%Y-%m-%d %H:%M")
        return _("Cancelled. Messages have stopped; the member may come back until %(time)s.") % {"time": until}

    return _done(request, row, act)


@require_POST
def consent(request: HttpRequest, member: str) -> HttpResponse:
    """What the member told us by mouth or letter; they see it in their own privacy centre, with its source."""
    row = people.one(request, member, permission="members.consent")
    is_granted = request.POST.get("said") == "yes"
    how = request.POST.get("how", "")

    def act() -> str:
        if how not in HOW:
            raise NotFound
        purpose = request.POST.get("purpose", "")
        text = policy_texts.current(purpose)
        services.give_consent(
            member_id=row.pk,
            purpose=purpose,
            channel=request.POST.get("channel", ""),
            is_granted=is_granted,
            source=f"staff:{how}",
            text_version=text.version if text else "staff",
        )
        audit.record("member.consent_noted", object_type="member", object_id=row.pk, after={"how": how})
        return _("Noted as given.") if is_granted else _("Noted as withdrawn. Messages stop at once.")

    return _done(request, row, act)


@require_POST
def guardian(request: HttpRequest, member: str) -> HttpResponse:
    """What a guardian said before us, about a child; the child's own pages show it."""
    row = people.one(request, member, permission="members.consent")
    is_granted = request.POST.get("said") == "yes"
    how = request.POST.get("how", "")

    def act() -> str:
        if how not in GUARDIAN_HOW:
            raise NotFound
        guardians.note(member_id=row.pk, is_granted=is_granted, source=f"staff:{how}", text_version="staff")
        return _("Noted: a guardian agrees.") if is_granted else _("Noted: no guardian agrees. Messages stop at once.")

    return _done(request, row, act)


@require_POST
def sign_out(request: HttpRequest, member: str) -> HttpResponse:
    """End one log-in, or all of them."""
    row = people.one(request, member, permission="members.sessions")

    def act() -> str:
        if row.user_id is None:
            raise NotFound
        if "all" in request.POST:
            count = tokens.revoke_user(user_id=row.user_id, because="staff")
        else:
            family_id = _number(request, "family")
            count = int(tokens.revoke_family(family_id=family_id, user_id=row.user_id, because="staff"))
        audit.record("member.signed_out", object_type="member", object_id=row.pk, after={"count": count})
        return _("Signed out. The next request there is refused.")

    return _done(request, row, act)


def _left_before(member_id: int) -> bool:
    """Whether somebody with this phone was erased lately."""
    phone = members.phones([member_id]).get(member_id, "")
    return bool(phone) and departures.was_here(phone)


def _done(request: HttpRequest, row: Member, act: Callable[[], str]) -> HttpResponse:
    """Do it, say what became of it, and show the page anew."""
    try:
        messages.success(request, act())
    except DomainError as refusal:
        people.complain(request, refusal)
    return redirect("console:member_identity", people.public_id(row))


def _number(request: HttpRequest, name: str) -> int:
    text = request.POST.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound
    return int(text)


def _way(way: str) -> str:
    return {"store": _("In the store"), "call": _("By telephone"), "letter": _("In writing")}[way]
