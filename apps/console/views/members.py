"""Members: list, search, one member, their phone in clear for a stated reason."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.analytics import persona, quality
from apps.analytics.lists import members as listed
from apps.analytics.lists import orders as listed_orders
from apps.analytics.lists import touches as listed_touches
from apps.console import asked, cards, moments, people, quality_words, scope, sources, tier_card, words
from apps.console.views import tracks
from apps.core import clock, ids
from apps.core.errors import NotFound, ValidationFailed
from apps.members import minors
from apps.members import selectors as members
from apps.members.models import Attribute, Member, Tag
from apps.segments.models import Cell, MemberStats, Segment, Stage

PREFIX = members.PREFIX
MOST_TAGS = 200  # in the filter
MOST_FIELDS = 20  # asked for at once
LISTED_STATES = [state for state in Member.Status.values if state != Member.Status.MERGED]


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """GET filters; POST searches, so that what was typed stands in no address."""
    where = scope.of(request, permission="members.view")
    if request.method == "POST":
        return _search(request)
    wanted = wanted_of(request)
    page = listed.find(wanted=wanted, cursor=request.GET.get("at", ""))
    tags = Tag.objects.order_by("name").values_list("name", flat=True)[:MOST_TAGS]
    return render(
        request,
        "console/members.html",
        {
            "rows": _with_phones(page.rows),
            "about": listed.about(wanted=wanted) if page.older or page.newer else len(page.rows),
            "wanted": wanted,
            "joined_span": _span(wanted),
            "stores": where.options,
            "stages": _options(Stage.choices, wanted.stage),
            "cells": _options(Cell.choices, wanted.cell),
            "tags": _options([(tag, tag) for tag in sorted({*tags, *filter(None, [wanted.tag])})], wanted.tag),
            "filters": [
                (one, _field_options(one, wanted.fields))
                for one in Attribute.objects.filter(is_searchable=True)
                if one.type in {Attribute.Type.CHOICE, Attribute.Type.FLAG}
            ],
            "states": _options([(state, Member.Status(state).label) for state in LISTED_STATES], wanted.status),
            "sources": sources.options(wanted.source),
            "more_asked": bool(wanted.fields or wanted.source or wanted.status),
            "segment": segment_of(request),
            "check": quality_words.TITLES.get(wanted.check, ""),
            "query": request.GET.urlencode(),
            "may_tag": request.access.can("members.tag"),  # type: ignore[attr-defined]
            **asked.pager(request, page),
        },
    )


@require_safe
def member(request: HttpRequest, member: str) -> HttpResponse:
    row = people.one(request, member)
    if people.public_id(row) != member:
        return redirect("console:member", people.public_id(row))
    profile = members.profile(row.pk)
    stats = MemberStats.objects.filter(pk=row.pk).first()
    consents = [line for line in members.consents(row.pk) if line.is_newest]
    can = request.access.can  # type: ignore[attr-defined]
    may_see_orders = can("orders.view")
    return render(
        request,
        "console/member.html",
        {
            "profile": profile,
            "home_store": row.home_store,
            "gender": row.get_gender_display(),
            "origin": sources.of(request, row.source) if row.source else None,
            "stats": stats,
            "child": minors.standing(row.pk),
            "is_profiled": members.may_be_profiled(row.pk),
            "average_cents": stats.net_cents // stats.orders if stats and stats.orders else None,
            "public_id": profile.public_id,
            "may_tag": can("members.tag"),
            "may_edit": can("members.edit"),
            **tier_card.of(request, row.pk),
            **cards.tags(row.pk),
            **cards.fields(row),
            **(cards.groups(row.pk, may_edit=can("segments.edit")) if can("segments.view") else {"groups": None}),
            **(cards.walks(row.pk) if can("journeys.view") else {}),
            **tracks.card(row.pk),
            **cards.outlook(stats),
            "why": words.why_stage(stats) if stats else "",
            "next": words.what_next(stats) if stats else "",
            "consents": consents,
            "orders": _orders(request, row.pk) if may_see_orders else (),
            "touches": listed_touches.of_member(member_id=row.pk, limit=5),
            "persona": persona.of(row.pk),
            "age": _age(profile.birthday[0]),
            **moments.stream(request, row.pk),
        },
    )


@require_safe
def more(request: HttpRequest, member: str) -> HttpResponse:
    """Another part of the timeline, or its next piece, for htmx; whoever comes without it gets the whole page."""
    row = people.one(request, member)
    if not request.headers.get("HX-Request"):
        query = request.GET.urlencode()
        return redirect(f"{reverse('console:member', args=[member])}{'?' if query else ''}{query}#timeline")
    template = "console/_timeline_rows.html" if request.GET.get("at") else "console/_member_timeline.html"
    return render(request, template, {**moments.stream(request, row.pk), "public_id": member})


@require_POST
def unmask(request: HttpRequest, member: str) -> HttpResponse:
    """The number in clear, once, into the dialog that asked; the look is in the audit trail before it is shown."""
    row = people.one(request, member)
    facts: dict[str, object] = {"public_id": member, "reason": request.POST.get("reason", "")[:200]}
    try:
        facts["phone"] = members.unmask(
            member_id=row.pk,
            reason=str(facts["reason"]),
            access=request.access,  # type: ignore[attr-defined]
        )
    except ValidationFailed as refusal:
        facts["error"] = refusal.facts["errors"][0]["message"]  # type: ignore[index]
    answer = render(request, "console/_member_phone.html", facts)
    answer["Cache-Control"] = "no-store"
    return answer


def _age(born: int | None) -> int | None:
    """In years reached this calendar year: the day of birth is nobody's business here."""
    return clock.local_date(clock.now()).year - born if born else None


def _search(request: HttpRequest) -> HttpResponse:
    text = " ".join(request.POST.get("q", "").replace("\0", "").split())[:60]
    if not text:
        return redirect("console:members")
    stores = request.access.store_ids("members.view")  # type: ignore[attr-defined]
    after = request.POST.get("after", "")
    found = members.search(text=text, store_ids=stores, after=int(after) if after.isdigit() and len(after) < 19 else 0)
    rows = listed.of_ids(member_ids=found.member_ids, stores=stores)
    if len(rows) == 1 and not after:
        return redirect("console:member", ids.encode(PREFIX, rows[0]["id"]))
    facts = {"q": text, "rows": _with_phones(rows), "next_after": found.next_after}
    return render(request, "console/member_search.html", facts)


def wanted_of(request: HttpRequest) -> listed.Wanted:
    """The list that the address asks for, within the reader's stores."""
    return listed.Wanted(
        stores=request.access.store_ids("members.view"),  # type: ignore[attr-defined]
        stage=asked.one_of(request, name="stage", allowed=Stage.values),
        cell=asked.one_of(request, name="cell", allowed=Cell.values),
        store_id=scope.of(request, permission="members.view").chosen,
        tag=request.GET.get("tag", "")[:40].replace("\0", ""),
        status=asked.one_of(request, name="status", allowed=LISTED_STATES),
        source=request.GET.get("source", "")[:60].replace("\0", ""),
        fields=tuple(
            text[:100].replace("\0", "") for text in request.GET.getlist("field")[:MOST_FIELDS] if "=" in text
        ),
        segment=segment_of(request).key,
        check=asked.one_of(request, name="check", allowed=quality.CHECKS),
        joined_first=asked.a_date(request, name="first"),
        joined_last=asked.a_date(request, name="last"),
    )


def segment_of(request: HttpRequest) -> Segment:
    """The segment that the address asks for; an empty one where it asks for none. Raises NotFound, Forbidden."""
    key = request.GET.get("segment", "")
    if not key:
        return Segment()
    request.access.reach("segments.view")  # type: ignore[attr-defined]
    found = Segment.objects.filter(key=key[:40].replace("\0", "")).first()
    if found is None:
        raise NotFound
    return found


def _field_options(field: Attribute, chosen: tuple[str, ...]) -> list[tuple[str, str, bool]]:
    choices = _field_choices(field)
    return _options(choices, next((value for value, _text in choices if value in chosen), ""))


def _field_choices(field: Attribute) -> list[tuple[str, str]]:
    if field.type == Attribute.Type.FLAG:
        return [(f"{field.key}=yes", _("Yes")), (f"{field.key}=no", _("No"))]
    return [(f"{field.key}={choice}", choice) for choice in field.choices]


def _orders(request: HttpRequest, member_id: int) -> tuple:
    wanted = listed_orders.Wanted(
        stores=request.access.store_ids("orders.view"),  # type: ignore[attr-defined]
        member_id=member_id,
    )
    return listed_orders.find(wanted=wanted).rows[:5]


def _with_phones(rows) -> list[dict]:
    phones = members.masked_phones([row["id"] for row in rows])
    return [{**row, "phone": phones.get(row["id"], ""), "away": words.since(row["last_order_at"])} for row in rows]


def _options(choices, chosen: str) -> list[tuple[str, str, bool]]:
    return [("", _("All"), not chosen), *((str(value), str(text), value == chosen) for value, text in choices)]


def _span(wanted: listed.Wanted) -> str:
    if wanted.joined_first and wanted.joined_last:
        return words.span(wanted.joined_first, wanted.joined_last)
    return ""
