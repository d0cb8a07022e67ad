"""Segments: the list, ready-made ones to begin with, the editor with its count, and why a member is in one or not."""

import json
from secrets import token_hex
from typing import Any

from django.contrib import messages
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from apps.care import reach
from apps.care.models import Channel
from apps.console import asked, segment_form, segment_growth, segment_page, segment_words
from apps.console.segment_form import Words
from apps.console.views import segment_lists
from apps.core import clock
from apps.core.errors import DomainError, ValidationFailed
from apps.members import selectors as members
from apps.members.models import Member
from apps.segments import counting, defining, language, presets, seen
from apps.segments.models import RuleVersion, Segment

VERSIONS = 10
BARS = {
    "not_active": gettext_lazy("The member is not active."),
    "objects": gettext_lazy("The member has switched personalisation off, and this rule goes by what they buy or do."),
    "under_14": gettext_lazy("The member is under 14 and no guardian has agreed."),
}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    text = " ".join(request.GET.get("q", "").replace("\0", "").split())[:60]
    state = asked.one_of(request, name="state", allowed={"away"})
    found = Segment.objects.filter(archived_at__isnull=state != "away").select_related("created_by__staff")
    brand = Words()
    shown = [one for one in found.order_by("-id")[:200] if text.lower() in f"{one.name} {one.key}".lower()]
    sizes, builds = seen.sizes(shown, store_ids=segment_page.stores(request)), seen.last_builds(shown)
    rows = [
        {"segment": one, "said": _said(one, brand), "size": sizes[one.pk], **segment_growth.state(builds.get(one.pk))}
        for one in shown
    ]
    facts = {
        "rows": rows,
        "q": text,
        "state": state,
        "states": [("", _("In use"), state == ""), ("away", _("Put away"), state == "away")],
        "is_narrowed": bool(text or state),
        "presets": [(one, segment_words.sentence(one.rule, brand.names, brand.attributes)) for one in presets.PRESETS],
        "may_edit": _may_edit(request),
        "is_scoped": segment_page.stores(request) is not None,
    }
    return render(request, "console/segments.html", facts)


@require_safe
def new(request: HttpRequest) -> HttpResponse:
    """The editor with nothing in it, or with a ready-made rule."""
    preset = presets.BY_KEY.get(request.GET.get("from", ""))
    rule = preset.rule if preset else segment_form.EMPTY
    return _page(request, None, rule=rule, name=str(preset.name) if preset else "")


@require_safe
def segment(request: HttpRequest, segment: str) -> HttpResponse:
    row = segment_page.found(segment)
    if row.kind == Segment.Kind.LIST:
        return segment_lists.page(request, row)
    number = request.GET.get("version", "")
    rule = row.rule
    if number.isascii() and number.isdigit() and len(number) < 8:
        rule = RuleVersion.objects.filter(segment=row, number=number).values_list("rule", flat=True).first() or rule
    return _page(request, row, rule=rule or segment_form.EMPTY, name=row.name)


@require_POST
def edit(request: HttpRequest) -> HttpResponse:
    """The editor after one more press or word, without saving."""
    return render(request, "console/_segment_editor.html", editor(request, segment_form.posted(request.POST)))


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """A new segment, or a new version of one. What cannot be understood is named at its place, and nothing is lost."""
    rule, name = segment_form.posted(request.POST), " ".join(request.POST.get("name", "").split())[:60]
    row = segment_page.found(request.POST["segment"]) if request.POST.get("segment") else None
    if not name:
        return _page(request, row, rule=rule, name=name, said=_("A name is needed."), status=422)
    try:
        kept = _kept(request, row, rule=segment_form.pruned(rule), name=name)
    except ValidationFailed:
        return _page(request, row, rule=rule, name=name, said=_("Please put the marked condition right."), status=422)
    messages.success(request, _("“%(name)s” is saved. Its members are worked out within a minute.") % {"name": name})
    return redirect("console:segment", kept.key)


def _kept(request: HttpRequest, row: Segment | None, *, rule: dict[str, Any], name: str) -> Segment:
    user_id = request.user.pk
    if row is None or "copy" in request.POST:
        key = (slugify(name) or "segment")[:30] + "-" + token_hex(3)
        return defining.create(key=key, name=name, rule=rule, by_user_id=user_id)
    if name != row.name:
        defining.rename(segment_id=row.pk, name=name)
    return defining.change_rule(segment_id=row.pk, rule=rule, by_user_id=user_id)


@require_POST
def count(request: HttpRequest) -> HttpResponse:
    """Exact numbers, the channels that reach them, and twenty of them."""
    rule = segment_form.posted(request.POST)
    asked_rule, moment, stores = segment_form.pruned(rule), clock.now(), segment_page.stores(request)
    draw = request.POST.get("draw", "0")
    facts: dict[str, Any] = {"draw": (int(draw) if draw.isascii() and draw.isdigit() and len(draw) < 6 else 0) + 1}
    try:
        counted = counting.count(asked_rule, moment=moment, store_ids=stores)
        facts |= {
            "counted": counted,
            "channels": _channels(asked_rule, moment, stores),
            "examples": counting.examples(asked_rule, moment=moment, draw=facts["draw"], store_ids=stores),
        }
        row = segment_form.rows(rule, Words(), counts=counted.by_leaf)
        facts["leaves"] = [(leaf.place, leaf.count) for leaf in _leaves(row)]
    except language.BadRule as wrong:
        facts["refused"] = segment_form.said(wrong)
    except OperationalError:
        facts["refused"] = _("This takes longer than 20 seconds to count. Save it: the nightly build has more time.")
    return render(request, "console/_segment_found.html", facts)


@require_POST
def why(request: HttpRequest) -> HttpResponse:
    """One member against every condition, by member number or phone."""
    rule = segment_form.posted(request.POST)
    text = request.POST.get("who", "").strip()
    try:
        found = members.search(text=text, store_ids=segment_page.stores(request), limit=1).member_ids
        answer = counting.why(segment_form.pruned(rule), member_id=found[0], moment=clock.now()) if found else None
    except language.BadRule as wrong:
        return render(request, "console/_segment_why.html", {"refused": segment_form.said(wrong)})
    brand = Words()
    lines = _fitting(segment_form.rows(rule, brand), brand, answer) if answer else []
    facts: dict[str, Any] = {
        "answer": answer,
        "member": Member.objects.get(pk=found[0]) if found else None,
        "lines": lines,
        "asked": text,
    }
    facts["bars"] = [BARS[bar] for bar in answer.bars] if answer else []
    return render(request, "console/_segment_why.html", facts)


@require_POST
def archive(request: HttpRequest, segment: str) -> HttpResponse:
    row = segment_page.found(segment)
    try:
        defining.archive(segment_id=row.pk)
    except DomainError as refusal:
        messages.error(request, _refused(refusal))
        return redirect("console:segment", row.key)
    messages.success(request, _("“%(name)s” is put away.") % {"name": row.name})
    return redirect("console:segments")


def _page(
    request: HttpRequest, row: Segment | None, *, rule: dict[str, Any], name: str, said: str = "", status: int = 200
) -> HttpResponse:
    facts = editor(request, segment_form.normal(rule)) | {
        "segment": row,
        "name": name,
        "said": said,
        "may_edit": _may_edit(request),
    }
    if row is not None:
        facts |= segment_page.growth(request, row) | {
            "versions": list(
                RuleVersion.objects.filter(segment=row).select_related("by__staff").order_by("-number")[:VERSIONS]
            ),
            "asking": Segment.objects.filter(asks__contains=[row.pk], archived_at=None),
        }
    return render(request, "console/segment.html", facts, status=status)


def editor(request: HttpRequest, rule: dict[str, Any]) -> dict[str, Any]:
    brand, moment, wrong, about = Words(), clock.now(), None, None
    whole = segment_form.pruned(rule)
    try:
        about = counting.about(whole, moment=moment, store_ids=segment_page.stores(request))
    except language.BadRule as refusal:
        wrong = refusal
    return {
        "row": segment_form.rows(rule, brand, wrong),
        "rule_json": json.dumps(rule, ensure_ascii=False),
        "sentence": segment_words.sentence(whole, brand.names, brand.attributes) if wrong is None else "",
        "about": about,
        "wrong": segment_form.said(wrong) if wrong else "",
        "suggestions": brand.suggestions(),
    }


def _channels(rule: dict[str, Any], moment: Any, stores: list[int] | None) -> list[dict[str, Any]]:
    labels = dict(Channel.choices)
    return [
        {
            "label": labels[one.channel],
            "percent": round(one.reached * 100 / one.members) if one.members else 0,
            "said": one,
        }
        for one in reach.of_rule(rule, moment=moment, store_ids=stores)
    ]


def _fitting(row: segment_form.Row, brand: Words, answer: counting.Why) -> list[tuple[str, bool | None]]:
    """The conditions in words, each with whether it fits; None for one that holds nothing yet."""
    names, attributes = brand.names, brand.attributes
    return [(segment_words.leaf(one.rule, names, attributes), answer.leaves.get(one.pointer)) for one in _leaves(row)]


def _leaves(row: segment_form.Row) -> list[segment_form.Row]:
    return [row] if row.kind == "leaf" else [leaf for part in row.parts for leaf in _leaves(part)]


def _said(row: Segment, brand: Words) -> str:
    return (
        segment_words.sentence(row.rule, brand.names, brand.attributes) or _("everybody")
        if row.rule is not None
        else ""
    )


def _refused(refusal: DomainError) -> str:
    errors: Any = refusal.facts.get("errors", [])
    return str(errors[0]["message"]) if errors else str(refusal.title)


def _may_edit(request: HttpRequest) -> bool:
    return bool(request.access.can("segments.edit"))  # type: ignore[attr-defined]
