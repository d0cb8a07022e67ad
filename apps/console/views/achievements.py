"""Achievements: what is to be reached, by when, for how many points; on and off."""

from secrets import token_hex
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from apps.console import people, rule_rows, rule_words
from apps.console.policy_form import Yuan
from apps.console.templatetags.console import figure, money
from apps.core.errors import DomainError
from apps.points import achieving, publishing
from apps.points.models import Achievement, Currency

_KINDS = [
    ("orders", gettext_lazy("Number of orders")),
    ("spend_cents", gettext_lazy("Money spent, refunds taken off")),
    ("sign_ins", gettext_lazy("Days signed in")),
    ("event", gettext_lazy("Number of events")),
]


class AchievementForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name of the achievement"), max_length=60)
    name_en = forms.CharField(label=gettext_lazy("English name"), max_length=60)
    kind = forms.ChoiceField(label=gettext_lazy("What counts"), choices=_KINDS)
    min_cents = Yuan(label=gettext_lazy("Only orders from so many yuan on"), required=False)
    event = forms.CharField(label=gettext_lazy("Name of the event"), max_length=40, required=False)
    target = forms.IntegerField(label=gettext_lazy("How many to reach"), min_value=1, max_value=10**9, required=False)
    target_cents = Yuan(label=gettext_lazy("Yuan to reach"), required=False)
    period = forms.ChoiceField(label=gettext_lazy("How often"), choices=Achievement.Period.choices)
    currency = forms.ChoiceField(label=gettext_lazy("Kind of points"))
    points = forms.IntegerField(label=gettext_lazy("Points"), min_value=1, max_value=1_000_000)
    coupon_key = forms.ChoiceField(label=gettext_lazy("Coupon beside the points"), required=False)
    starts_on = forms.DateField(label=gettext_lazy("From the day"), widget=rule_rows.Day, required=False)
    ends_on = forms.DateField(label=gettext_lazy("To the day, which counts"), widget=rule_rows.Day, required=False)
    is_active = forms.BooleanField(label=gettext_lazy("Members can reach it"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = rule_words.names().currencies
        self.fields["currency"].choices = [(row.key, known[row.pk]) for row in Currency.objects.all()]  # type: ignore[attr-defined]
        kept, listed = self.initial.get("coupon_key"), rule_rows.coupons()
        missing = [(kept, kept)] if kept and kept not in dict(listed) else []
        self.fields["coupon_key"].choices = [*listed, *missing]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        target = "target_cents" if said.get("kind") == "spend_cents" else "target"
        if not said.get(target) or said[target] < 1:
            self.add_error(target, _("This is missing."))
        if said.get("kind") == "event" and not said.get("event"):
            self.add_error("event", _("This is missing."))
        return said

    def wanted(self) -> achieving.Wanted:
        """Of valid fields."""
        said = self.cleaned_data
        measure: dict[str, Any] = {"kind": said["kind"]}
        if said["kind"] == "orders" and said["min_cents"]:
            measure["min_cents"] = said["min_cents"]
        if said["kind"] == "event":
            measure["name"] = said["event"]
        days: dict[str, Any] = {
            name: said[name].isoformat() if said[name] else None for name in ("starts_on", "ends_on")
        }
        plain = {
            name: said[name] for name in ("name", "name_en", "period", "currency", "points", "coupon_key", "is_active")
        }
        target = said["target_cents"] if said["kind"] == "spend_cents" else said["target"]
        return achieving.Wanted(measure=measure, target=target, **plain, **days)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    known = rule_words.names()
    rows = [
        {
            "row": row,
            "name": rule_words.name_of(row),
            "said": sentence(row.measure, row.target, row.get_period_display()),
            "currency": known.currencies[row.currency_id],
        }
        for row in Achievement.objects.all()
    ]
    return render(request, "console/achievements.html", {"rows": rows, "may_edit": _may_edit(request)})


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    form = AchievementForm(request.POST or None, initial={"currency": "points", "period": "month", "is_active": True})
    key = (slugify(request.POST.get("name_en", "")) or "achievement")[:30] + "-" + token_hex(3)
    return _handled(request, form, key=key, title=_("New achievement"))


@require_http_methods(["GET", "HEAD", "POST"])
def achievement(request: HttpRequest, achievement: str) -> HttpResponse:
    row = achieving.one(key=achievement)
    now = vars(achieving.of(row)) | {
        "kind": row.measure["kind"],
        "min_cents": row.measure.get("min_cents"),
        "event": row.measure.get("name"),
        "target": None if row.measure["kind"] == "spend_cents" else row.target,
        "target_cents": row.target if row.measure["kind"] == "spend_cents" else None,
    }
    form = AchievementForm(request.POST or None, initial=now)
    return _handled(request, form, key=achievement, title=rule_words.name_of(row))


def sentence(measure: dict[str, Any], target: int, period: str) -> str:
    """“每月：4 张订单”."""
    facts = {"n": figure(target), "amount": money(target), "name": measure.get("name", ""), "period": period}
    facts |= {"least": money(measure.get("min_cents", 0))}
    if measure["kind"] == "spend_cents":
        return _("%(period)s: spend %(amount)s") % facts
    if measure["kind"] == "sign_ins":
        return ngettext("%(period)s: sign in on %(n)s day", "%(period)s: sign in on %(n)s days", target) % facts
    if measure["kind"] == "event":
        return ngettext("%(period)s: “%(name)s” %(n)s time", "%(period)s: “%(name)s” %(n)s times", target) % facts
    if measure.get("min_cents"):
        return (
            ngettext(
                "%(period)s: %(n)s order of %(least)s or more", "%(period)s: %(n)s orders of %(least)s or more", target
            )
            % facts
        )
    return ngettext("%(period)s: %(n)s order", "%(period)s: %(n)s orders", target) % facts


def _handled(request: HttpRequest, form: AchievementForm, *, key: str, title: str) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            asked = achieving.save(key=key, wanted=form.wanted(), by=request.user)  # type: ignore[arg-type]
        except DomainError as refusal:
            people.complain(request, refusal)
        else:
            name = form.cleaned_data["name_en" if rule_words.is_english() else "name"]
            messages.success(request, _said(asked) % {"name": name})
            return redirect("console:achievements")
    facts = {"form": form, "title": title, "limit": publishing.limit(request.user)}  # type: ignore[arg-type]
    return render(request, "console/achievement.html", facts, status=422 if request.method == "POST" else 200)


def _said(asked: int | None) -> str:
    if asked is None:
        return _("Saved “%(name)s”.")
    return _("“%(name)s” waits for a second person: it can give more than you may publish alone.")


def _may_edit(request: HttpRequest) -> bool:
    return bool(request.access.can("points.rules"))  # type: ignore[attr-defined]
