"""Privacy: what members asked for, the texts they agree to, how long rows stay, and the record of processing."""

from datetime import date, datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from apps.core import alerts, clock
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.core.models import TaskRun, User
from apps.flows import export_words, privacy, processing, retention
from apps.flows.models import PrivacyRequest
from apps.members import minors, policy_texts
from apps.members import selectors as members
from apps.members.errors import PolicyVersionTaken
from apps.members.models import Consent, Member

SHOWN = 50
LOOKS = "members.unmasked_often"


class TextForm(forms.Form):
    purpose = forms.ChoiceField(label=gettext_lazy("Purpose"), choices=Consent.Purpose.choices)
    version = forms.CharField(label=gettext_lazy("Version"), max_length=40, help_text=gettext_lazy("Such as 2026-11"))
    text_zh = forms.CharField(label=gettext_lazy("Text in Chinese"), widget=forms.Textarea(attrs={"rows": 4}))
    text_en = forms.CharField(label=gettext_lazy("Text in English"), widget=forms.Textarea(attrs={"rows": 4}))
    effective_on = forms.DateField(
        label=gettext_lazy("In force from"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("Empty: at once"),
    )
    asks_again = forms.BooleanField(label=gettext_lazy("Earlier consents end; members are asked again"), required=False)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    return _page(request, TextForm(), status=200)


@require_POST
def publish(request: HttpRequest) -> HttpResponse:
    """A refusal shows the form again as it was filled in."""
    form = TextForm(request.POST)
    if form.is_valid():
        said = dict(form.cleaned_data)
        try:
            policy_texts.publish(effective_at=_start_of(said.pop("effective_on")), **said)
        except PolicyVersionTaken as refusal:
            form.add_error("version", str(refusal))
        except ValidationFailed as refusal:
            for error in refusal.facts["errors"]:  # type: ignore[attr-defined]
                name = error["pointer"].strip("/")
                form.add_error("effective_on" if name == "effective_at" else name, error["message"])
        else:
            messages.success(request, _("Version %(version)s is published.") % form.cleaned_data)
            return redirect("console:privacy")
    return _page(request, form, status=422)


@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """A member asked in the store or by phone: staff pass it on. The file itself only the member can open."""
    number = request.POST.get("member_no", "").strip()[:40].replace("\0", "")
    kind = request.POST.get("kind", "")
    member_id = Member.objects.filter(member_no=number).values_list("pk", flat=True).first() if number else None
    try:
        if member_id is None:
            raise NotFound
        member_id = members.current_id(member_id)
        if kind == PrivacyRequest.Kind.ERASURE:
            erasure = privacy.request_erasure(member_id=member_id)
            day = clock.local(erasure.effective_at).strftime("%Y-%m-%d %H:%M")
            messages.success(
                request, _("The data will be erased after %(day)s. Until then it can be stopped.") % {"day": day}
            )
        else:
            privacy.request_export(member_id=member_id)
            messages.success(
                request, _("The copy is being made. The member finds it in their privacy centre for a day.")
            )
    except DomainError as refusal:
        messages.error(request, _("No member has this number.") if isinstance(refusal, NotFound) else str(refusal))
    return redirect("console:privacy")


@require_POST
def seen(request: HttpRequest) -> HttpResponse:
    alert = request.POST.get("alert", "")
    if not (alert.isdigit() and len(alert) < 19):
        raise NotFound
    alerts.see(alert_id=int(alert), user_id=request.user.pk)  # type: ignore[arg-type]
    return redirect("console:privacy")


def _start_of(day: date | None) -> datetime | None:
    """None for today: a text comes into force at once, or as a later day begins."""
    return clock.day_start(day) if day and day != clock.local_date(clock.now()) else None


def _page(request: HttpRequest, form: TextForm, *, status: int) -> HttpResponse:
    moment = clock.now()
    facts: dict[str, Any] = {
        "form": form,
        "alerts": _alerts(),
        "wishes": _wishes(),
        "limits": _limits(),
        "last_run": TaskRun.objects.filter(task=retention.TASK).order_by("-id").first(),
        "record": processing.record(),
        "sensitivities": processing.SENSITIVITIES,
        "recipients": processing.recipients(),
        "unmaskers": processing.readers("members.unmask"),
        "children": minors.counts(),
        "texts": policy_texts.history(),
        "cool_off": settings.MEMBER_COOL_OFF_DAYS,
        "moment": moment,
        "may_manage": request.access.can("privacy.manage"),  # type: ignore[attr-defined]
    }
    return render(request, "console/privacy.html", facts, status=status)


def _alerts() -> list[dict[str, Any]]:
    rows = alerts.unseen(LOOKS)
    keys = {str(row.facts.get("actor", "")).removeprefix("user:") for row in rows}
    names = dict(User.objects.filter(pk__in=[int(key) for key in keys if key.isdigit()]).values_list("pk", "username"))
    return [
        {"id": row.pk, "at": row.at, "who": names.get(int(actor)) if actor.isdigit() else row.facts.get("actor")}
        for row in rows
        for actor in [str(row.facts.get("actor", "")).removeprefix("user:")]
    ]


def _wishes() -> list[PrivacyRequest]:
    """Newest first, without the sealed files."""
    return list(PrivacyRequest.objects.defer("sealed").select_related("member").order_by("-pk")[:SHOWN])


def _limits() -> list[dict[str, Any]]:
    last = TaskRun.objects.filter(task=retention.TASK, finished_at__isnull=False).order_by("-id").first()
    removed = last.figures if last else {}
    return [
        {
            "title": export_words.table_of(row.model),
            "age": processing.age(row.days, since=row.since),
            "due": row.rows,
            "removed": removed.get(row.model, 0),
        }
        for row in retention.due()
    ]
