"""Rules of earning: the list as sentences, the editor, publishing by one or by two, pausing, and what versions changed."""

from itertools import pairwise
from secrets import token_hex
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.console import asked, people, rule_form, rule_words
from apps.console.rule_form import NewRule, RuleForm
from apps.console.rule_words import Names
from apps.core import clock, ids
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.points import definitions, publishing, rules
from apps.points.models import Rule, RuleVersion

GROUPS = (  # as people think of them
    (gettext_lazy("Orders"), ("order", "first_order")),
    (gettext_lazy("Daily sign-in"), ("sign_in",)),
    (gettext_lazy("Birthday"), ("birthday",)),
    (gettext_lazy("Tasks"), ("task",)),
    (gettext_lazy("Events, reviews, joining"), ("event", "review", "registration")),
)
VERSIONS = 20


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    moment, known = clock.now(), rule_words.names()
    counted_at, given = rules.given()
    state = asked.one_of(request, name="state", allowed=rules.State.values)
    text = " ".join(request.GET.get("q", "").replace("\0", "").split())[:60]
    rows = [_row(rule, known, given, moment) for rule in _all()]
    shown = [row for row in rows if state in {"", row["state"]} and text.lower() in row["searched"]]
    groups = [(title, [row for row in shown if row["rule"].trigger in triggers]) for title, triggers in GROUPS]
    facts = {
        "groups": [(title, found) for title, found in groups if found],
        "total": len(rows),
        "q": text,
        "state": state,
        "states": [("", _("All states"), not state), *((v, label, v == state) for v, label in rules.State.choices)],
        "counted_at": counted_at,
        "may_edit": _may_edit(request),
    }
    return render(request, "console/rules.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Names, what sets it off and the kind of points: these stay. The rest is written on its page."""
    form = NewRule(request.POST or None, initial={"trigger": request.GET.get("trigger", "order"), "currency": "points"})
    if request.method == "POST" and form.is_valid():
        key = (slugify(form.cleaned_data["name_en"]) or "rule")[:30] + "-" + token_hex(3)
        rules.create(key=key, draft={}, **form.cleaned_data)
        messages.success(
            request, _("“%(name)s” is a draft. It gives nothing before it is published.") % form.cleaned_data
        )
        return redirect("console:rule", key)
    return render(request, "console/rule_new.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
def rule(request: HttpRequest, rule: str) -> HttpResponse:
    return _page(request, _found(rule))


@require_POST
def save(request: HttpRequest, rule: str) -> HttpResponse:
    """Keep the draft. What publishing would refuse is shown at once, but the draft is not lost."""
    row = _found(rule)
    form = RuleForm(request.POST, trigger=row.trigger, kept=_text(row))
    if not form.is_valid():
        return _page(request, row, form=form, status=422)
    said = form.cleaned_data
    rules.save_draft(rule_id=row.pk, draft=form.definition(), name=said["name"], name_en=said["name_en"])
    row = _found(rule)
    try:
        definitions.checked(_text(row), trigger=row.trigger)
    except ValidationFailed as refusal:
        form.show(refusal.facts["errors"])  # type: ignore[arg-type]
        messages.warning(request, _("Saved as a draft. It cannot be published before the places below are put right."))
        return _page(request, row, form=form, status=422)
    messages.success(
        request,
        _("Draft saved. The published version goes on until you publish.") if row.draft is not None
        else _("Saved. The rule says what is published."),
    )  # fmt: skip
    return redirect("console:rule", rule)


@require_POST
def publish(request: HttpRequest, rule: str) -> HttpResponse:
    row = _found(rule)
    try:
        done = publishing.publish(rule_id=row.pk, by=request.user, reason=request.POST.get("reason", ""))  # type: ignore[arg-type]
    except ValidationFailed as refusal:
        return _page(request, row, form=_with_findings(row, refusal), status=422)
    people.told_of_publishing(
        request,
        number=done.version.number if done.version else None,
        name=rule_words.name_of(row),
        waits=_("“%(name)s” waits for a second person: it can give more than you may publish alone."),
        counts=_("Version %(number)s of “%(name)s” counts from now on."),
    )
    return redirect("console:rule", rule)


@require_POST
def drop(request: HttpRequest, rule: str) -> HttpResponse:
    """Throw the draft away; the published version stays."""
    row = _found(rule)
    if row.current is not None:
        rules.save_draft(rule_id=row.pk, draft=row.current.definition)
        messages.success(request, _("The draft is dropped."))
    return redirect("console:rule", rule)


@require_POST
def pause(request: HttpRequest, rule: str) -> HttpResponse:
    row = _found(rule)
    rules.pause(rule_id=row.pk)
    messages.success(request, _("“%(name)s” is paused. What it gave stays.") % {"name": rule_words.name_of(row)})
    return redirect("console:rule", rule)


@require_POST
def resume(request: HttpRequest, rule: str) -> HttpResponse:
    row = _found(rule)
    try:
        rules.resume(rule_id=row.pk)
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("“%(name)s” gives points again.") % {"name": rule_words.name_of(row)})
    return redirect("console:rule", rule)


def _all() -> list[Rule]:
    return list(Rule.objects.select_related("current", "currency").order_by("pk"))


def _found(key: str) -> Rule:
    row = (
        Rule.objects.select_related("current__by__staff", "current__agreed_by__staff", "currency")
        .filter(key=key)
        .first()
    )
    if row is None:
        raise NotFound
    return row


def _text(row: Rule) -> Any:
    """What is being edited."""
    return row.draft if row.draft is not None or row.current is None else row.current.definition


def _may_edit(request: HttpRequest) -> bool:
    return bool(request.access.can("points.rules"))  # type: ignore[attr-defined]


def _row(row: Rule, known: Names, given: dict[int, rules.Given], moment: Any) -> dict[str, Any]:
    text = row.current.definition if row.current else row.draft
    said = rule_words.sentence(row, text, known)
    return {
        "rule": row,
        "name": rule_words.name_of(row),
        "said": said,
        "state": rules.state_of(row, moment=moment),
        "has_draft": row.current is not None and row.draft is not None,
        "given": given.get(row.pk, rules.Given()),
        "currency": known.currencies[row.currency_id],
        "searched": f"{row.key} {row.name} {row.name_en} {said}".lower(),
    }


def _with_findings(row: Rule, refusal: ValidationFailed) -> RuleForm:
    """The stored draft as the form would send it, so that findings stand at their fields."""
    blank = RuleForm(initial=rule_form.initial(row, _text(row)), trigger=row.trigger, kept=_text(row))
    form = RuleForm(rule_form.as_post(blank), trigger=row.trigger, kept=_text(row))
    form.is_valid()
    form.show(refusal.facts["errors"])  # type: ignore[arg-type]
    return form


def _page(request: HttpRequest, row: Rule, *, form: RuleForm | None = None, status: int = 200) -> HttpResponse:
    known, moment, live = rule_words.names(), clock.now(), row.current
    draft = row.draft if live is None or row.draft is not None else None
    waiting = publishing.waiting(rule_id=row.pk)
    form = form or RuleForm(initial=rule_form.initial(row, _text(row)), trigger=row.trigger, kept=_text(row))
    facts = _row(row, known, rules.given()[1], moment) | {
        "live": live,
        "parts": rule_words.parts(row, live.definition if live else row.draft, known),
        "draft_said": rule_words.sentence(row, draft, known) if live and draft is not None else "",
        "changes": rule_words.differences(row, live.definition, draft, known) if live and draft is not None else [],
        "is_whole": bool(rule_words.parts(row, _text(row), known)),
        "next_number": (live.number if live else 0) + 1,
        "versions": _versions(row, known),
        "waiting": waiting,
        "waiting_id": ids.encode("apr", waiting.pk) if waiting else "",
        "needs_another": _needs_another(request, row),
        "limit": publishing.limit(request.user),  # type: ignore[arg-type]
        "may_edit": _may_edit(request),
        "form": form,
        "trigger": row.get_trigger_display(),
        "counted_at": rules.given()[0],
    }
    return render(request, "console/rule.html", facts, status=status)


def _needs_another(request: HttpRequest, row: Rule) -> bool:
    try:
        definition = definitions.checked(_text(row), trigger=row.trigger)
    except ValidationFailed:
        return False
    return publishing.needs_another(definition=definition, by=request.user)  # type: ignore[arg-type]


def _versions(row: Rule, known: Names) -> list[dict[str, Any]]:
    """Newest first, each with what it changed of the one before."""
    found: list[RuleVersion] = list(
        row.versions.select_related("by__staff", "agreed_by__staff").order_by("-number")[: VERSIONS + 1]
    )
    before = {later.number: earlier.definition for later, earlier in pairwise(found)}
    return [
        {
            "version": version,
            "said": rule_words.sentence(row, version.definition, known),
            "changes": rule_words.differences(row, before[version.number], version.definition, known)
            if version.number in before
            else [],
        }
        for version in found[:VERSIONS]
    ]
