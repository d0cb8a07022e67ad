"""The member about themselves: profile, and where they are logged in."""

from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core import ids, tokens
from apps.core.errors import NotFound, ValidationFailed
from apps.members import minors, services
from apps.members import selectors as members
from apps.members.errors import BirthdayFixed
from apps.members.models import Member
from apps.portal import sessions, shell
from apps.portal.shell import Facts
from apps.segments.tracks import selectors as tracks
from apps.tickets import member_view

PREFIX = "ses"


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    member_id = request.member.member_id  # type: ignore[attr-defined]
    me = members.profile(member_id)
    has_tracks = bool(tracks.told_tracks() or tracks.of_member(member_id))
    facts: Facts = {"me": me, "avatar": members.card(member_id).avatar_id, "has_tracks": has_tracks}
    facts["news"] = member_view.unread(member_id)
    return shell.page(request, "portal/me.html", facts, at="me")


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    member_id = request.member.member_id  # type: ignore[attr-defined]
    facts = profile_facts(member_id)
    if request.method == "POST":
        facts |= {name: request.POST.get(name, "")[:80] for name in ("nickname", "gender") if name in request.POST}
        facts["birthday"] = request.POST.get("birthday", "")[:10]
        facts["errors"] = _save(member_id, facts)
        if not facts["errors"]:
            sessions.say(request, _("Your profile is saved."))
            is_asked = facts["birthday"] and minors.standing(member_id).is_unguarded
            return redirect("portal:guardian" if is_asked else "portal:me")
    status = 422 if facts["errors"] else 200
    return shell.page(request, "portal/profile.html", facts, at="me", status=status)


def profile_facts(member_id: int) -> Facts:
    """What the profile page shows, without errors."""
    row = Member.objects.get(pk=member_id)
    birthday = _day(row.birth_year, row.birth_month, row.birth_day)
    return {
        "avatar": row.avatar_id,
        "nickname": row.nickname,
        "gender": row.gender,
        "birthday": birthday.isoformat() if birthday else "",
        "is_fixed": bool(birthday and row.birthday_corrected_at),
        "is_known": birthday is not None,
        "genders": Member.Gender.choices,
        "errors": {},
    }


@require_safe
def sessions_page(request: HttpRequest) -> HttpResponse:
    visitor = request.member  # type: ignore[attr-defined]
    live = tokens.sessions(visitor.user_id)
    rows = [(ids.encode(PREFIX, one.family_id), one, one.family_id == visitor.family_id) for one in live]
    rows.sort(key=lambda row: not row[2])  # this one first
    return shell.page(request, "portal/sessions.html", {"rows": rows}, at="me")


@require_POST
def end_session(request: HttpRequest, session: str) -> HttpResponse:
    """Log out elsewhere: it holds from the next request there."""
    visitor = request.member  # type: ignore[attr-defined]
    family_id = ids.decode(PREFIX, session)
    if family_id == visitor.family_id:
        sessions.end(request)
        return redirect("portal:login")
    if not tokens.revoke_family(family_id=family_id, user_id=visitor.user_id):
        raise NotFound
    sessions.say(request, _("Logged out there."))
    return redirect("portal:sessions")


@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """Log out everywhere but here."""
    visitor = request.member  # type: ignore[attr-defined]
    count = tokens.revoke_user(user_id=visitor.user_id, but=visitor.family_id)
    if count:
        words = ngettext("Logged out on %(count)s other device.", "Logged out on %(count)s other devices.", count)
        sessions.say(request, words % {"count": count})
    return redirect("portal:sessions")


def _save(member_id: int, facts: dict) -> dict[str, str]:
    """Field → sentence; empty when it is saved."""
    day = None
    if facts["birthday"]:
        try:
            day = date.fromisoformat(facts["birthday"])
        except ValueError:
            return {"birthday": _("This day does not exist. Choose another one.")}
    try:
        services.change_profile(
            member_id=member_id, nickname=facts["nickname"], gender=facts["gender"], birthday=day, is_by_member=True
        )
    except ValidationFailed as refusal:
        return {error["pointer"].strip("/"): error["message"] for error in refusal.facts["errors"]}  # type: ignore[attr-defined]
    except BirthdayFixed as refusal:
        return {"birthday": str(refusal)}
    return {}


def _day(year: int | None, month: int | None, day: int | None) -> date | None:
    return date(year, month, day) if year and month and day else None
