"""Merging two records: finding the other one, both side by side, the merge, its undoing, and the pairs that wait for a look."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.analytics.lists import members as listed
from apps.console import people
from apps.core import clock, ids
from apps.core.errors import DomainError, Forbidden, NotFound
from apps.flows import export_words, member_merged
from apps.members import doubts, field_policies, merging
from apps.members import selectors as members
from apps.members.models import Attribute, Doubt, Identity, Member, Merge
from apps.stores.models import Store

MERGE_PREFIX = "mrg"
SHOWN = 50
RULE = "rule_"  # before a field's name in forms: a control called "attributes" would hide the form's own
FIELD_WORDS = {
    "nickname": gettext_lazy("Nickname"),
    "gender": gettext_lazy("Gender"),
    "birthday": gettext_lazy("Birthday"),
    "home_store": gettext_lazy("Home store"),
    "attributes": gettext_lazy("Own fields"),
}
POLICY_WORDS = {
    "non_empty": pgettext_lazy("merge", "First that is filled in"),
    "survivor": pgettext_lazy("merge", "The one that stays"),
    "loser": pgettext_lazy("merge", "The other one"),
    "newest": pgettext_lazy("merge", "Joined later"),
    "trusted": pgettext_lazy("merge", "More trusted source"),
}
LOAD_WORDS = {
    "orders.Order": gettext_lazy("Orders"),
    "care.Touch": gettext_lazy("Care decisions"),
    "gateways.InboxMessage": gettext_lazy("Inbox messages"),
    "gateways.SubscribeGrant": gettext_lazy("Subscribe grants"),
    "activity.Event": gettext_lazy("Behaviour events"),
    "activity.Visitor": gettext_lazy("Browsers and devices"),
    "members.MemberTag": gettext_lazy("Tags"),
    "members.Opening": gettext_lazy("Opening values"),
    "points.Attainment": gettext_lazy("Achievements"),
    "points.Exchange": gettext_lazy("Exchanges"),
    "points.SignIn": gettext_lazy("Days of sign-in"),
    "coupons.Coupon": gettext_lazy("Coupons"),
    "coupons.Use": gettext_lazy("Used coupons"),
    "bookings.Booking": gettext_lazy("Bookings"),
    "care.Enrolment": gettext_lazy("Walks through journeys"),
    "community.Contact": gettext_lazy("WeCom contacts"),
    "followups.Task": gettext_lazy("Follow-up tasks"),
    "livestream.Reservation": gettext_lazy("Pieces put aside"),
    "livestream.Subscription": gettext_lazy("Reminders of live streams"),
    "members.Guardian": gettext_lazy("Consents of a guardian"),
    "segments.Placement": gettext_lazy("Places on life tracks"),
    "tickets.Ticket": gettext_lazy("Service tickets"),
}
# Notes of the house, not of the member; who is in which segment is worked out anew.
UNSAID_LOADS = {"orders.Change", "members.TakenTag", "segments.Membership"}
REFUSAL_WORDS = {
    "state": gettext_lazy("One of them is leaving or erased. Records can be merged while both are members."),
}
UNDO_WORDS = {
    "late": gettext_lazy("30 days are over"),
    "later_merge": gettext_lazy("undo the later merge first"),
    "erased": gettext_lazy("the member is erased"),
    "state": gettext_lazy("the member is leaving"),
}


@dataclass(frozen=True)
class Past:
    """One merge as pages list it. `why_not`: "" while it can be undone."""

    public_id: str
    survivor: Member
    loser: Member
    reason: str
    actor: str
    at: datetime
    until: datetime
    undone_at: datetime | None
    why_not: str


def of_member(member_id: int) -> list[Past]:
    """Merges that made this record, newest first."""
    family = members.family(member_id)
    return _past(Merge.objects.filter(Q(survivor__in=family) | Q(loser__in=family)))


@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    stores = request.access.store_ids("members.merge")  # type: ignore[attr-defined]
    cases = doubts.waiting(store_ids=stores)
    rows = _rows([case.first_id for case in cases] + [case.second_id for case in cases], stores)
    recent = Merge.objects.filter(at__gt=clock.now() - merging.UNDO_FOR, undone_at=None)
    if stores is not None:
        recent = recent.filter(survivor__home_store__in=stores)
    facts = {
        "pairs": [
            {"rows": pair, "first": pair[0], "second": pair[1], "cause": Doubt.Cause(case.cause).label, "at": case.at}
            for case in cases
            if len(pair := [rows[key] for key in (case.first_id, case.second_id) if key in rows]) == 2
        ],
        "merges": _past(recent),
    }  # fmt: skip
    return render(request, "console/merges.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest, member: str) -> HttpResponse:
    """Look for the other record. POST, so that what was typed stands in no address."""
    row = people.one(request, member, permission="members.merge")
    facts: dict[str, Any] = {"profile": members.profile(row.pk), "q": ""}
    text = " ".join(request.POST.get("q", "").replace("\0", "").split())[:60]
    if text:
        stores = request.access.store_ids("members.merge")  # type: ignore[attr-defined]
        found = members.search(text=text, store_ids=stores, limit=20)
        rows = _rows([key for key in found.member_ids if key != row.pk], stores)
        facts |= {"q": text, "rows": list(rows.values())}
    return render(request, "console/merge_find.html", facts)


@require_safe
def preview(request: HttpRequest, survivor: str, loser: str) -> HttpResponse:
    return _page(request, survivor, loser, asked=request.GET)


@require_POST
def do(request: HttpRequest, survivor: str, loser: str) -> HttpResponse:
    """Merge. The other record's number has to be typed; proven identities that differ ask for a permission of their own."""
    stays, goes = _both(request, survivor, loser)
    typed = request.POST.get("confirm", "").strip()
    reason = request.POST.get("reason", "")
    strong = merging.strong_differences(survivor_id=stays.pk, loser_id=goes.pk)
    if strong and not request.access.can("members.merge_strong"):  # type: ignore[attr-defined]
        raise Forbidden
    if typed != goes.member_no:
        wrong = _("Type %(number)s to say that you mean this record.") % {"number": goes.member_no}
        return _page(request, survivor, loser, asked=request.POST, wrong=wrong, status=422)
    key = request.POST.get("request_key", "")[:40] or secrets.token_urlsafe(12)
    try:
        member_merged.merge(
            survivor_id=stays.pk,
            loser_id=goes.pk,
            choices=_choices(request.POST),
            source=f"console:{key}",
            reason=reason,
        )
    except DomainError as refusal:
        return _page(request, survivor, loser, asked=request.POST, wrong=str(refusal), status=refusal.status)
    messages.success(request, _("Merged. It can be undone for 30 days, here on this page."))
    return redirect("console:member_identity", people.public_id(stays))


@require_POST
def undo(request: HttpRequest, merge: str) -> HttpResponse:
    made = Merge.objects.filter(pk=ids.decode(MERGE_PREFIX, merge)).first()
    if made is None:
        raise NotFound
    row = people.one(request, ids.encode(members.PREFIX, made.survivor_id), permission="members.merge")
    try:
        member_merged.unmerge(merge_id=made.pk)
        messages.success(request, _("Undone. Both records are as they were; what came since stays with this one."))
    except DomainError as refusal:
        people.complain(request, refusal)
    return redirect("console:member_identity", people.public_id(row))


@require_POST
def apart(request: HttpRequest, survivor: str, loser: str) -> HttpResponse:
    """They are two people: the pair is not shown again."""
    stays, goes = _both(request, survivor, loser)
    doubts.raise_doubt(member_ids=(stays.pk, goes.pk), cause=Doubt.Cause.FOUND)
    doubts.decide_apart(member_ids=(stays.pk, goes.pk))
    messages.success(request, _("Noted: two people. The pair is not shown again."))
    return redirect("console:merges")


def _page(
    request: HttpRequest, survivor: str, loser: str, *, asked: Any, wrong: str = "", status: int = 200
) -> HttpResponse:
    stays, goes = _both(request, survivor, loser)
    if stays.pk == goes.pk:
        messages.warning(request, _("Both are one member already."))
        return redirect("console:member_identity", people.public_id(stays))
    choices = _choices(asked)
    seen = member_merged.preview(survivor_id=stays.pk, loser_id=goes.pk, choices=choices)
    said = _Said()
    facts = {
        "stays": members.profile(stays.pk),
        "goes": members.profile(goes.pk),
        "rows": [said.row(row) for row in seen.rows if row.survivor or row.loser],
        "joined": seen.joined,
        "loads": [(load_word(load.model), load) for load in seen.loads if load.model not in UNSAID_LOADS],
        "consents": sorted(seen.consents.items()),
        "tags": seen.tags,
        "strong": [Identity.Kind(kind).label for kind in seen.strong],
        "refusal": REFUSAL_WORDS.get(seen.refusal, ""),
        "may_merge": not seen.strong or request.access.can("members.merge_strong"),  # type: ignore[attr-defined]
        "wrong": wrong,
        "reason": asked.get("reason", ""),
        "request_key": asked.get("request_key", "") or secrets.token_urlsafe(12),
    }
    return render(request, "console/merge_preview.html", facts, status=status)


def load_word(model: str) -> str:
    """What the rows of a table are called; a table without words here is called as in the member's copy."""
    return str(LOAD_WORDS.get(model) or export_words.table_of(model))


class _Said:
    """Values of fields as people read them; stores and own fields are looked up once."""

    def __init__(self) -> None:
        self.stores = dict(Store.objects.values_list("pk", "name"))
        self.labels = dict(Attribute.objects.values_list("key", "label"))

    def row(self, row: member_merged.Row) -> dict[str, Any]:
        values = [self.value(row.name, value) for value in (row.survivor, row.loser, row.after)]
        options = [(policy, str(POLICY_WORDS[policy]), policy == row.policy) for policy in field_policies.POLICIES]
        return {
            "name": row.name,
            "field": f"{RULE}{row.name}",
            "policy": row.policy,
            "label": FIELD_WORDS[row.name],
            "values": values,
            "options": options,
        }

    def value(self, name: str, value: Any) -> str:
        if value in (None, "", {}, []):
            return ""
        if name == "gender":
            return str(Member.Gender(value).label)
        if name == "birthday":
            return "/".join(str(part) for part in value if part)
        if name == "home_store":
            return self.stores.get(value, "")
        if name == "attributes":
            return " · ".join(f"{self.labels.get(key, key)} {_plain(content)}" for key, content in value.items())
        return str(value)


def _plain(content: Any) -> str:
    return str(_("yes") if content is True else _("no") if content is False else content)


def _both(request: HttpRequest, survivor: str, loser: str) -> tuple[Member, Member]:
    return (
        people.one(request, survivor, permission="members.merge"),
        people.one(request, loser, permission="members.merge"),
    )


def _choices(asked: Any) -> dict[str, str]:
    chosen = {name: asked.get(f"{RULE}{name}") for name in field_policies.FIELDS}
    return {name: policy for name, policy in chosen.items() if policy in field_policies.POLICIES}


def _rows(member_ids: list[int], stores: list[int] | None) -> dict[int, dict[str, Any]]:
    rows = listed.of_ids(member_ids=list(dict.fromkeys(member_ids)), stores=stores)
    phones = members.masked_phones([row["id"] for row in rows])
    return {row["id"]: {**row, "phone": phones.get(row["id"], "")} for row in rows}


def _past(found: Any) -> list[Past]:
    made = found.select_related("survivor", "loser").order_by("-at", "-pk")[:SHOWN]
    return [
        Past(
            public_id=ids.encode(MERGE_PREFIX, row.pk),
            survivor=row.survivor,
            loser=row.loser,
            reason=row.reason,
            actor=row.actor,
            at=row.at,
            until=row.at + merging.UNDO_FOR,
            undone_at=row.undone_at,
            why_not=str(UNDO_WORDS.get(merging.why_not_undo(row), "")) if row.undone_at is None else "",
        )
        for row in made
    ]
