"""Groups of a member: the one of their store, one found by its word, those they are in, and what is to be done there."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from apps.community import deeds, groups, inviting
from apps.community.models import GroupCode
from apps.core import clock, ids
from apps.core.errors import DomainError
from apps.coupons.models import Template
from apps.portal import sessions, shell
from apps.portal.shell import Facts

TASK = "wgt"


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Posting a word shows the group that goes by it."""
    facts: Facts = {"codes": [_code(row) for row in inviting.for_member(_me(request))], "word": ""}
    status = 200
    if request.method == "POST":
        facts["word"] = request.POST.get("word", "")[:40]
        try:
            facts["found"] = _code(inviting.by_word(facts["word"]))
        except DomainError as refusal:
            facts["problem"], status = str(refusal), refusal.status
    standings = deeds.standings(member_id=_me(request), moment=clock.now())
    coupons = Template.objects.in_bulk({one.task.coupon_key for one in standings} - {""}, field_name="key")
    facts |= {
        "groups": groups.of_member(_me(request)),
        "tasks": [
            {"id": ids.encode(TASK, one.task.pk), "one": one, "coupon": coupons.get(one.task.coupon_key)}
            for one in standings
        ],
    }
    return shell.page(request, "portal/groups.html", facts, at="home", status=status)


@require_POST
def do(request: HttpRequest, group_task: str) -> HttpResponse:
    """Check in for today, or hand in what stands in `note`."""
    try:
        stands = deeds.do(
            task_id=ids.decode(TASK, group_task),
            member_id=_me(request),
            note=request.POST.get("note", ""),
            moment=clock.now(),
        )
    except DomainError as refusal:
        sessions.say(request, str(refusal))
    else:
        sessions.say(request, _said(stands))
    return redirect("portal:groups")


def _said(stands: deeds.Standing) -> str:
    if stands.is_rewarded:
        return _("Done: your reward is on its way.")
    if stands.waits:
        return _("Handed in. Somebody of the team looks at it.")
    left = stands.task.needed - stands.counted
    return ngettext("Checked in. %(n)s more time to go.", "Checked in. %(n)s more times to go.", left) % {"n": left}


def _code(row: GroupCode) -> dict[str, Any]:
    return {"name": row.name, "url": row.qr_url, "store": row.store.name if row.store else ""}


def _me(request: HttpRequest) -> int:
    return int(request.member.member_id)  # type: ignore[attr-defined]
