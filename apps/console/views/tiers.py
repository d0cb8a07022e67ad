"""The ladder: who stands where, its rules with a look ahead before they are saved, benefits, and a member's tier set by hand."""

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.console import people, tier_card, tier_form
from apps.console.tier_form import BenefitSet, LadderForm, TierSet
from apps.core import clock, reasons
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.flows import segment_gates
from apps.points import benefits, ladders
from apps.points import tiers as standings
from apps.points.ladders import Draft
from apps.points.models import Standing, Tier


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """What the fields would do, beside the fields; nothing is saved."""
    form, found, draft = _asked(request)
    if draft is None:
        return _page(request, form=form, found=found, status=422)
    try:
        gates = segment_gates.of_draft({tier.segment_key for tier in draft.tiers})
        foreseen = ladders.foresee(draft, segments=gates)
    except DomainError as refusal:
        _show(form, refusal)
        return _page(request, form=form, found=found, status=422)
    after = [(tier.name, tier.name_en, foreseen.after.get(rank, 0)) for rank, tier in enumerate(draft.tiers)]
    return _page(request, form=form, found=found, more={"foreseen": foreseen, "after": after})


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Save the ladder, then assess everybody in a job."""
    form, found, draft = _asked(request)
    if draft is None:
        return _page(request, form=form, found=found, status=422)
    try:
        approval_id = ladders.save(draft, by=request.user)  # type: ignore[arg-type]
    except DomainError as refusal:
        _show(form, refusal)
        return _page(request, form=form, found=found, status=422)
    if approval_id is not None:
        messages.success(request, _("It counts once another person agrees: see Approvals."))
        return redirect("console:tiers")
    ladders.assess_all(user_id=request.user.pk)
    messages.success(request, _("The ladder is saved. Everybody is being assessed by it; the job shows under Jobs."))
    return redirect("console:tiers")


@require_http_methods(["GET", "HEAD", "POST"])
def tier(request: HttpRequest, tier: str) -> HttpResponse:
    """What one tier gives."""
    row = Tier.objects.filter(key=tier).first()
    if row is None:
        raise NotFound
    now = [
        {"kind": one.kind, "title": one.title, "title_en": one.title_en, "value": tier_form.shown(one)}
        for one in benefits.of_tier(tier_key=tier)
    ]
    found = BenefitSet(request.POST or None, initial=now, prefix="b")
    if request.method == "POST" and found.is_valid():
        given = [
            {"kind": one["kind"], "title": one["title"], "title_en": one["title_en"], "value": one["data"]}
            for one in (form.cleaned_data for form in found.forms)
            if one.get("title") and not one.get("DELETE")
        ]
        if ladders.set_benefits(tier_key=tier, benefits=given, by=request.user):  # type: ignore[arg-type]
            messages.success(request, _("It counts once another person agrees: see Approvals."))
        else:
            messages.success(request, _("Saved what “%(name)s” gives.") % {"name": tier_card.named(row)})
        return redirect("console:tiers")
    facts = {"name": tier_card.named(row), "found": found, "waits": ladders.waiting(ladders.BENEFITS, tier=tier)}
    return render(request, "console/tier.html", facts, status=422 if request.method == "POST" else 200)


@require_POST
def set_by_hand(request: HttpRequest, member: str) -> HttpResponse:
    """Another tier for one member, with a reason; locked, no assessment changes it."""
    row = people.one(request, member, permission="points.tiers")
    reason = reasons.said(request.POST.get("reason", ""))
    if not reason:
        messages.error(request, _("Say why, in a few words."))
        return redirect("console:member", member)
    is_locked = "is_locked" in request.POST
    try:
        standings.set_by_hand(
            member_id=row.pk, tier_key=request.POST.get("tier", ""), reason=reason, is_locked=is_locked
        )
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The tier is set."))
    return redirect("console:member", member)


def _asked(request: HttpRequest) -> tuple[LadderForm, Any, Draft | None]:
    form, found = LadderForm(request.POST), TierSet(request.POST, prefix="t")
    if not (form.is_valid() and found.is_valid()):
        return form, found, None
    draft = form.draft(tier_form.rows(found))
    try:
        return form, found, ladders.checked(draft)
    except ValidationFailed as refusal:
        _show(form, refusal)
        return form, found, None


def _show(form: LadderForm, refusal: DomainError) -> None:
    if isinstance(refusal, ValidationFailed):
        form.show(refusal.facts["errors"])  # type: ignore[arg-type]
    else:
        form.add_error(None, str(refusal))


def _page(
    request: HttpRequest, *, form: LadderForm | None = None, found: Any = None, more: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:  # fmt: skip
    draft = ladders.current()
    counts = dict(Standing.objects.values_list("tier__key").annotate(members=Count("pk")))
    rows = [
        {
            "tier": row,
            "gate": tier_form.gate_named(row.segment_key),
            "members": counts.get(row.key, 0),
            "benefits": benefits.of_tier(tier_key=row.key),
        }
        for row in Tier.objects.all()
    ]
    if draft and form is None:
        form = LadderForm(initial=tier_form.initial(draft))
        found = TierSet(prefix="t", initial=[vars(tier) for tier in draft.tiers])
    facts = {
        "draft": draft,
        "rows": rows,
        "locked": Standing.objects.filter(is_locked=True).count(),
        "form": form,
        "found": found,
        "may_edit": request.access.can("points.tiers"),  # type: ignore[attr-defined]
        "waits": ladders.waiting(ladders.LADDER),
        "moment": clock.now(),
    }
    return render(request, "console/tiers.html", facts | (more or {}), status=status)
