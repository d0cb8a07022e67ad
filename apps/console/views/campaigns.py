"""Campaigns: the list with states, the guided form, start with a second person, stop, results, and the calendar's moves."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.care import reasons, second_person
from apps.care.campaigns import plans, results, running
from apps.care.journeys import editing
from apps.care.models import Campaign, Enrolment
from apps.console import campaign_form, campaign_words, people
from apps.console.campaign_form import CampaignForm
from apps.core import clock, csv_files, ids, money
from apps.core.errors import DomainError, NotFound, ValidationFailed

PREFIX = "cmp"
STATES = {
    "draft": (pgettext_lazy("campaign", "Draft"), ""),
    "waiting": (pgettext_lazy("campaign", "Waits for a second person"), "warn"),
    "scheduled": (pgettext_lazy("campaign", "Scheduled"), "brand"),
    "running": (pgettext_lazy("campaign", "Running"), "ok"),
    "done": (pgettext_lazy("campaign", "Done"), ""),
    "paused": (pgettext_lazy("campaign", "Paused"), "warn"),
    "stopped": (pgettext_lazy("campaign", "Stopped"), "bad"),
}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    rows = [_row(row) for row in Campaign.objects.select_related("journey").order_by("-pk")[:200]]
    wanted = request.GET.get("state", "")
    states = [("", _("All states"), not wanted), *((key, word, key == wanted) for key, (word, _t) in STATES.items())]
    facts = {
        "rows": [row for row in rows if wanted in {"", row["state"]}],
        "is_narrowed": bool(wanted),
        "states": states,
        "may_edit": _may(request),
    }
    return render(request, "console/campaigns.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    form = CampaignForm(request.POST or None, initial=campaign_form.initial("", {}))
    if request.method == "POST" and form.is_valid():
        row = running.create(name=form.cleaned_data["name"], plan=form.plan())
        return _checked(request, row, form)
    facts = {"form": form, "meaning": campaign_form.meaning({})}
    return render(request, "console/campaign_new.html", facts, status=422 if form.errors else 200)


@require_safe
def campaign(request: HttpRequest, campaign: str) -> HttpResponse:
    return _page(request, _found(campaign))


@require_POST
def save(request: HttpRequest, campaign: str) -> HttpResponse:
    """Keep the draft; what would be refused at the start is shown at once, but does not lose it."""
    row, form = _found(campaign), CampaignForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form=form, status=422)
    try:
        row = running.save(campaign_id=row.pk, name=form.cleaned_data["name"], plan=form.plan())
    except DomainError as refusal:
        people.complain(request, refusal)
        return redirect("console:campaign", campaign)
    return _checked(request, row, form)


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Of what is typed; nothing is kept."""
    form = CampaignForm(request.POST)
    form.full_clean()
    wanted = {"purpose", "holdout_percent", "test_percent", "baseline_percent", "lift_percent", "return_days", "rule"}
    facts: dict[str, Any] = {}
    if not wanted & set(form.errors):
        facts["meaning"] = campaign_form.meaning(_lenient(form))
    return render(request, "console/_campaign_meaning.html", facts)


@require_POST
def start(request: HttpRequest, campaign: str) -> HttpResponse:
    row, reason = _found(campaign), request.POST.get("reason", "")
    try:
        asked = running.start(campaign_id=row.pk, user_id=request.access.user_id, reason=reason)  # type: ignore[attr-defined]
    except ValidationFailed as refusal:
        form = CampaignForm(_as_post(row))
        form.is_valid()
        form.show(refusal.facts["errors"])  # type: ignore[arg-type]
        return _page(request, row, form=form, status=422)
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        if asked is None:
            messages.success(request, _("“%(name)s” starts.") % {"name": row.journey.name})
        else:
            messages.success(request, _("“%(name)s” waits for a second person.") % {"name": row.journey.name})
    return redirect("console:campaign", campaign)


@require_POST
def act(request: HttpRequest, campaign: str, wish: str) -> HttpResponse:
    """Stop for good, pause, go on."""
    row = _found(campaign)
    acts = {"stop": editing.stop, "pause": editing.pause, "resume": editing.resume}
    if wish not in acts:
        raise NotFound
    try:
        acts[wish](journey_id=row.journey_id)
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        said = {
            "stop": _("“%(name)s” is stopped. What waited is not sent."),
            "pause": _("“%(name)s” is paused."),
            "resume": _("“%(name)s” goes on."),
        }
        messages.success(request, said[wish] % {"name": row.journey.name})
    return redirect("console:campaign", campaign)


@require_POST
def copy(request: HttpRequest, campaign: str) -> HttpResponse:
    row = _found(campaign)
    name = (_("Copy of %(name)s") % {"name": row.journey.name})[:60]
    made = running.create(name=name, plan=row.plan | {"at": "", "until": ""})
    return redirect("console:campaign", ids.encode(PREFIX, made.pk))


@require_safe
def csv(request: HttpRequest, campaign: str) -> HttpResponse:
    """A line per variant and arm."""
    row = _found(campaign)
    if row.started_at is None:
        raise NotFound
    found = results.of(row, as_of=clock.now())
    return csv_files.response(
        name=f"{row.journey.key}.csv", headers=campaign_words.COLUMNS, rows=campaign_words.lines(found)
    )


def state_of(row: Campaign) -> str:
    """A key of STATES."""
    if row.started_at is None or row.starts_at is None:
        return "waiting" if running.asked(row.pk) else "draft"
    status = str(row.journey.status)
    if status != "live":
        return status
    if row.starts_at > clock.now():
        return "scheduled"
    walks = Enrolment.objects.filter(journey_id=row.journey_id)
    is_over = not row.plan.get("every") and walks.exists() and not walks.filter(ended_at=None).exists()
    return "done" if is_over else "running"


def _row(row: Campaign) -> dict[str, Any]:
    state = state_of(row)
    word, tone = STATES[state]
    return {
        "campaign": row,
        "public_id": ids.encode(PREFIX, row.pk),
        "name": row.journey.name,
        "state": state,
        "word": word,
        "tone": tone,
        "channels": plans.channels(plans.DEFAULTS | row.plan),
        "texts": len(row.plan.get("variants", ())),
        "at": row.starts_at or _wanted(row),
    }


def _wanted(row: Campaign) -> datetime | None:
    try:
        return clock.start_of(row.plan["at"]) if row.plan.get("at") else None
    except ValueError:
        return None


def _checked(request: HttpRequest, row: Campaign, form: CampaignForm) -> HttpResponse:
    try:
        plans.checked(row.plan, moment=clock.now())
    except ValidationFailed as refusal:
        form.show(refusal.facts["errors"])  # type: ignore[arg-type]
        messages.warning(request, _("Saved as a draft. It cannot start before the places below are put right."))
        return _page(request, row, form=form, status=422)
    messages.success(request, _("Draft saved."))
    return redirect("console:campaign", ids.encode(PREFIX, row.pk))


def _page(request: HttpRequest, row: Campaign, *, form: CampaignForm | None = None, status: int = 200) -> HttpResponse:
    facts = _row(row) | {"may_edit": _may(request), "limit": second_person.limit()}
    if row.started_at is None:
        meaning = campaign_form.meaning(row.plan)
        facts |= {
            "form": form or CampaignForm(initial=campaign_form.initial(row.journey.name, row.plan)),
            "meaning": meaning,
            "cost": campaign_form.whole_cost(meaning),
            "needs_second": second_person.is_needed(meaning.get("members", 0)),
        }
        return render(request, "console/campaign_draft.html", facts, status=status)
    found = results.of(row, as_of=clock.now())
    plan = plans.DEFAULTS | row.plan
    facts |= {
        "result": found,
        "finding": campaign_words.finding(found),
        "rows": campaign_words.rows(found),
        "test": campaign_words.test(found),
        "money": campaign_words.costs(found),
        "skips": [(reasons.text(code), n) for code, n in campaign_words.skips(found)],
        "plan": plan,
        "variants": list(zip(plans.letters(plan), plan["variants"], strict=False)),
        "decision": row.get_decision_display() if row.decision else "",
        "may_pause": row.journey.status == "live" and facts["state"] != "done",
        "may_resume": row.journey.status == "paused",
        "spent": money.show(found.spent.whole),
    }
    return render(request, "console/campaign.html", facts, status=status)


def _lenient(form: CampaignForm) -> dict[str, Any]:
    """The plan as far as it is typed."""
    said = form.cleaned_data
    for name in form.fields:
        said.setdefault(name, None if name in {"day", "time", "until", "per_minute", "rule"} else "")
    return form.plan()


def _as_post(row: Campaign) -> dict[str, Any]:
    form = CampaignForm(initial=campaign_form.initial(row.journey.name, row.plan))
    return {field.name: field.value() for field in form if field.value() is not None}


def _may(request: HttpRequest) -> bool:
    return bool(request.access.can("campaigns.edit"))  # type: ignore[attr-defined]


def _found(public_id: str) -> Campaign:
    row = Campaign.objects.select_related("journey").filter(pk=ids.decode(PREFIX, public_id)).first()
    if row is None:
        raise NotFound
    return row
