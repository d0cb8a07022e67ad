"""Care policies: list, editor, publish and pause, preview as a member, dry run."""

from secrets import token_hex
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.care import policies, reach, reasons
from apps.care import preview as previews
from apps.care.models import Channel, Policy, Version
from apps.console import dry_run, effects, message_preview, policy_form, policy_words, segment_form
from apps.console import test_send as tests
from apps.console.charts import svg
from apps.console.journey_words import Brand
from apps.console.policy_form import VARIABLE_WORDS, PolicyForm
from apps.console.views import segments
from apps.core import clock, money
from apps.core.errors import NotFound, ValidationFailed
from apps.members import selectors as members
from apps.members.models import Member


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    results, brand = effects.by_policy(), Brand()
    rows = [
        {
            "policy": policy,
            "trigger": policy_words.trigger(policy.draft),
            "audience": policy_words.audience(policy.draft, brand.rule),
            "size": _size(request, policy),
            "result": results.get(policy.pk),
            "last": effects.last_decision(policy.pk),
        }
        for policy in Policy.objects.filter(journey=None)
    ]
    facts = {"rows": rows, "may_edit": request.access.can("policies.edit")}  # type: ignore[attr-defined]
    return render(request, "console/policies.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A name is enough to begin; the draft is finished on its page."""
    form = PolicyForm(request.POST or None, initial=policy_form.initial({}) | {"priority": 100, "window_days": 14})
    if request.method == "POST" and form.is_valid():
        key = (slugify(form.cleaned_data["name"]) or "policy")[:40] + "-" + token_hex(3)
        policies.create(
            key=key, name=form.cleaned_data["name"], draft=form.draft(), priority=form.cleaned_data["priority"]
        )
        messages.success(request, _("Saved “%(name)s” as a draft.") % {"name": form.cleaned_data["name"]})
        return redirect("console:policy", key)
    return render(request, "console/policy_new.html", _form_facts(form), status=422 if form.errors else 200)


@require_safe
def policy(request: HttpRequest, key: str) -> HttpResponse:
    return _page(request, _found(key))


@require_POST
def save(request: HttpRequest, key: str) -> HttpResponse:
    """Keep the draft. What care would refuse at publishing is shown at once, but does not lose the draft."""
    row = _found(key)
    form = PolicyForm(request.POST, audience=row.draft.get("audience"))
    if not form.is_valid():
        return _page(request, row, form=form, status=422)
    policies.save_draft(
        policy_id=row.pk, draft=form.draft(), name=form.cleaned_data["name"], priority=form.cleaned_data["priority"]
    )
    row.refresh_from_db()
    try:
        policies.checked(row.draft)
    except ValidationFailed as refusal:
        form.show(refusal.facts["errors"])  # type: ignore[arg-type]
        messages.warning(request, _("Saved as a draft. It cannot be published before the places below are put right."))
        return _page(request, row, form=form, status=422)
    messages.success(request, _("Draft saved. The published version goes on until you publish."))
    return redirect("console:policy", key)


@require_http_methods(["GET", "HEAD", "POST"])
def audience(request: HttpRequest, key: str) -> HttpResponse:
    """The editor of segments for the rule of the draft; keeping it goes back to the page."""
    row = _found(key)
    stands = row.draft.get("audience") or {}
    held = segment_form.posted(request.POST) if request.method == "POST" else segment_form.normal(stands)
    if request.method == "POST" and "keep" in request.POST:
        policies.save_draft(policy_id=row.pk, draft=row.draft | {"audience": segment_form.pruned(held)})
        messages.success(request, _("The rule is in the draft."))
        return redirect(f"{reverse('console:policy', args=[key])}#edit")
    return render(request, "console/policy_audience.html", segments.editor(request, held) | {"policy": row})


@require_POST
def publish(request: HttpRequest, key: str) -> HttpResponse:
    row = _found(key)
    try:
        version = policies.publish(policy_id=row.pk, user_id=request.user.pk)
    except ValidationFailed as refusal:
        form = PolicyForm(_as_post(row))
        form.is_valid()
        form.show(refusal.facts["errors"])  # type: ignore[arg-type]
        return _page(request, row, form=form, status=422)
    messages.success(
        request, _("Version %(number)s of “%(name)s” is live.") % {"number": version.number, "name": row.name}
    )
    return redirect("console:policy", key)


@require_POST
def pause(request: HttpRequest, key: str) -> HttpResponse:
    row = _found(key)
    policies.pause(policy_id=row.pk)
    messages.success(request, _("“%(name)s” is paused. Waiting messages are skipped.") % {"name": row.name})
    return redirect("console:policy", key)


@require_POST
def resume(request: HttpRequest, key: str) -> HttpResponse:
    row = _found(key)
    policies.resume(policy_id=row.pk)
    messages.success(request, _("“%(name)s” goes on.") % {"name": row.name})
    return redirect("console:policy", key)


@require_POST
def preview(request: HttpRequest, key: str) -> HttpResponse:
    """The text as one real member would read it, and what the gate says of them."""
    row = _found(key)
    text = " ".join(request.POST.get("q", "").replace("\0", "").split())[:60]
    stores = request.access.store_ids("policies.view")  # type: ignore[attr-defined]
    found = members.search(text=text, store_ids=stores, limit=6) if text else None
    chosen = request.POST.get("member", "")
    ids = found.member_ids if found else []
    member_id = int(chosen) if chosen.isdigit() and len(chosen) < 19 else (ids[0] if ids else None)
    facts: dict[str, Any] = {"policy": row, "q": text, "candidates": _names(ids), "chosen": member_id}
    if member_id is not None and members.within(Member.objects.filter(pk=member_id), stores).exists():
        facts |= _read_by(row, member_id=member_id)
    return render(request, "console/_policy_preview.html", facts)


@require_POST
def test_send(request: HttpRequest, key: str) -> HttpResponse:
    row = _found(key)
    tests.send(request, what=row.key, version=lambda: policies.as_version(row, draft=row.draft))
    return redirect(f"{reverse('console:policy', args=[key])}#test")


@require_POST
def rehearse(request: HttpRequest, key: str) -> HttpResponse:
    row = _found(key)
    facts: dict[str, Any] = {"policy": row}
    try:
        facts["rehearsal"] = dry_run.rehearse(policy=row)
    except ValidationFailed as refusal:
        facts["refusals"] = refusal.facts["errors"]
    return render(request, "console/_policy_dry_run.html", facts)


def _read_by(row: Policy, *, member_id: int) -> dict[str, Any]:
    """The draft as this member would meet it, or what keeps it from being drawn."""
    try:
        version = policies.as_version(row, draft=row.draft)
    except ValidationFailed as refusal:
        return {"refusal": str(refusal)}
    shown = previews.preview(version, member_id=member_id)
    return {
        "shown": shown,
        "filled": [
            (VARIABLE_WORDS[name], value, origin) for name, (value, origin) in shown.values.items() if origin != "value"
        ],
        "cost": money.show(shown.cost_cents),
        "reasons": [reasons.text(code) for code in shown.refusals],
    }


def _found(key: str) -> Policy:
    row = Policy.objects.filter(key=key, journey=None).first()
    if row is None:
        raise NotFound
    return row


def _page(request: HttpRequest, row: Policy, *, form: PolicyForm | None = None, status: int = 200) -> HttpResponse:
    live = row.versions.filter(number=row.version).first()
    form = form or PolicyForm(initial=policy_form.initial(row.draft) | {"name": row.name, "priority": row.priority})
    facts = {
        "policy": row,
        "draft": policies.DEFAULTS | row.draft,
        "live": live,
        "is_changed": live is not None and _differs(row, live),
        "next_number": row.version + 1,
        "trigger": policy_words.trigger(row.draft),
        "audience": policy_words.audience(row.draft, Brand().rule),
        "text": policy_words.text(str(row.draft.get("template", ""))),
        "versions": row.versions.select_related("published_by").order_by("-number")[:10],
        "size": _size(request, row),
        "result": effects.by_policy().get(row.pk),
        "may_edit": request.access.can("policies.edit"),  # type: ignore[attr-defined]
    }
    facts |= tests.facts(request, what=row.key) | _channels(row)
    return render(request, "console/policy.html", facts | _form_facts(form), status=status)


def _channels(row: Policy) -> dict[str, Any]:
    """What of the draft can be tested: its message on each channel of the chain, or what is wrong with it."""
    try:
        return {"views": message_preview.views(policies.as_version(row, draft=row.draft), member_id=None)}
    except ValidationFailed as refusal:
        return {"refusals": refusal.facts["errors"]}


def _form_facts(form: PolicyForm) -> dict[str, Any]:
    return {"form": form, "variables": list(form.variables.items())}


def _size(request: HttpRequest, row: Policy) -> dict[str, Any] | None:
    """Audience and reach per channel of the draft; None while the draft is not whole."""
    try:
        draft = policies.checked(row.draft)
    except ValidationFailed:
        return None
    stores = request.access.store_ids("policies.view")  # type: ignore[attr-defined]
    rule = policy_words.rule_now(draft)
    found = reach.of_rule(rule, moment=clock.now(), purpose=draft["purpose"], store_ids=stores)
    lines = [
        {
            "label": Channel(one.channel).label,
            "reachable": one.reached,
            "why_not": _("%(count)s without consent or address") % {"count": svg.number(one.members - one.reached)},
        }
        for one in found
    ]
    own = next((one.reached for one in found if one.channel == draft["channel"]), None)
    return {"members": found[0].members, "reachable": own, "channels": lines}


def _differs(row: Policy, live: Version) -> bool:
    try:
        fresh = policies.as_version(row, draft=row.draft)
    except ValidationFailed:
        return True
    return any(getattr(fresh, name) != getattr(live, name) for name in policies.FIELDS)


def _as_post(row: Policy) -> dict[str, Any]:
    """A stored draft as the form would send it, so that findings stand at their fields."""
    form = PolicyForm(initial=policy_form.initial(row.draft) | {"name": row.name, "priority": row.priority})
    return {field.name: field.value() for field in form}


def _names(member_ids: list[int]) -> list[tuple[int, str, str]]:
    found = {row.pk: row for row in Member.objects.filter(pk__in=member_ids)}
    return [(key, found[key].nickname, found[key].member_no) for key in member_ids if key in found]
