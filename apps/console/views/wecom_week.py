"""How colleagues served their WeCom customers: the week's report, what is asked of them, and words that nobody says."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_http_methods, require_safe

from apps.community import quality, words
from apps.community.models import WordRule
from apps.community.settings import REPLIES
from apps.console import asked
from apps.core import brand, clock, csv_files, ids
from apps.core.errors import NotFound, ValidationFailed
from apps.followups.models import Task

RULE, MANAGE = "wwr", "community.manage"
WEEK = timedelta(days=7)
LONGEST_TEXT = words.MOST_WORDS * (words.LONGEST + 1)


class RepliesForm(forms.Form):
    minutes = forms.IntegerField(
        label=gettext_lazy("Minutes to the first answer, at most"), min_value=1, max_value=1440
    )
    percent = forms.IntegerField(label=gettext_lazy("Chats answered, in percent, at least"), min_value=0, max_value=100)


class WordForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name of the rule"), max_length=20)
    words = forms.CharField(
        label=gettext_lazy("Words"),
        help_text=gettext_lazy("One in each line, or with commas between; at most 300."),
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    is_blocking = forms.BooleanField(
        label=gettext_lazy("They cannot be sent (unticked: the colleague is only warned)"), required=False, initial=True
    )
    is_active = forms.BooleanField(label=gettext_lazy("The rule holds"), required=False, initial=True)


@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """A week from Monday on, the last whole one unless `?from=` says another. POST: what is asked of colleagues."""
    first = _first(request)
    form = RepliesForm(request.POST or None, initial=brand.read(REPLIES))
    if request.method == "POST":
        if not _may(request):
            raise NotFound
        if form.is_valid():
            brand.write(REPLIES, form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("console:wecom_week")
    monday = _monday(clock.local_date(clock.now()))
    facts = _facts(first) | {
        "form": form, "first": first, "last": first + WEEK - timedelta(days=1), "target": brand.read(REPLIES),
        "before": first - WEEK, "next": first + WEEK if first < monday else None, "is_open": first == monday,
        "may_manage": _may(request),
    }  # fmt: skip
    return render(request, "console/wecom_week.html", facts, status=422 if form.errors else 200)


@require_safe
def csv(request: HttpRequest) -> HttpResponse:
    first = _first(request)
    heads = [
        _("Colleague"), _("Store"), _("Chats"), _("Messages sent"), _("Chats answered, percent"),
        _("Minutes to the first answer"), _("Days below what is asked"), _("New customers"), _("Customers lost"),
        pgettext("wecom", "Groups"), _("Messages in groups"), _("Follow-ups done"), _("Follow-ups too late"),
    ]  # fmt: skip
    lines = [
        (row["name"], row["store"] or "", row["chats"], row["messages"],
         "" if row["replied_permille"] is None else row["replied_permille"] / 10,
         "" if row["reply_minutes"] is None else row["reply_minutes"], row["slow_days"], row["new_customers"], row["lost"],
         row["groups"], row["group_messages"], row["done"], row["late"])
        for row in _facts(first)["rows"]
    ]  # fmt: skip
    return csv_files.response(name=f"wecom-week-{first:%Y%m%d}.csv", headers=heads, rows=lines)


@require_safe
def word_list(request: HttpRequest) -> HttpResponse:
    rows = WordRule.objects.order_by("-is_active", "-pk")
    return render(request, "console/wecom_words.html", {"rows": rows, "may_manage": _may(request)})


@require_http_methods(["GET", "HEAD", "POST"])
def word_rule(request: HttpRequest, stopped: str = "") -> HttpResponse:
    """A new one, or one that there is."""
    row = WordRule.objects.filter(pk=ids.decode(RULE, stopped)).first() if stopped else None
    if stopped and row is None:
        raise NotFound
    start = (
        {"name": row.name, "words": "\n".join(row.words), "is_blocking": row.is_blocking, "is_active": row.is_active}
        if row
        else None
    )
    form = WordForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        fields = form.cleaned_data | {"words": words.split(form.cleaned_data["words"])}
        try:
            words.save(rule_id=row.pk if row else None, **fields)
        except ValidationFailed as refusal:
            for error in refusal.facts["errors"]:  # type: ignore[attr-defined]
                form.add_error(None, error["message"])
        else:
            messages.success(request, _("Saved. WeCom hears of it within a minute."))
            return redirect("console:wecom_words")
    return render(request, "console/wecom_word.html", {"form": form, "row": row}, status=422 if form.errors else 200)


def _facts(first: date) -> dict[str, Any]:
    """The report, with what became of each colleague's follow-ups that week."""
    found = quality.week(first=first)
    settled = Task.objects.filter(settled_at__gte=clock.day_start(first), settled_at__lt=clock.day_start(first + WEEK))
    done = {
        row["assignee"]: row
        for row in settled.values("assignee").annotate(
            done=Count("pk", filter=Q(state=Task.State.DONE)), late=Count("pk", filter=Q(state=Task.State.EXPIRED))
        )
    }
    for row in found["rows"]:
        own = done.get(row["staff_id"] or 0, {"done": 0, "late": 0})
        row["done"], row["late"] = own["done"], own["late"]
        row["replied"] = None if row["replied_permille"] is None else row["replied_permille"] / 1000
    return found


def _first(request: HttpRequest) -> date:
    return _monday(asked.a_date(request, name="from") or clock.local_date(clock.now()) - WEEK)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _may(request: HttpRequest) -> bool:
    return bool(request.access.can(MANAGE))  # type: ignore[attr-defined]
