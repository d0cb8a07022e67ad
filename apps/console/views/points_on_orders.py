"""What points may pay of an order: their worth, their part of each order, and so many in a period or a life."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from apps.console import people, rule_words
from apps.console.policy_form import Yuan
from apps.console.rule_rows import PERIODS
from apps.console.templatetags.console import figure, money
from apps.core.errors import DomainError
from apps.points import ladders, spend_limits
from apps.points.models import Currency
from apps.points.spend_limits import Limits

POINTS = "points"  # the currency that orders are paid with
_PERIODS = [(per, label) for per, label in PERIODS if per != "transaction"]  # one order has its part


class LimitsForm(forms.Form):
    cents_per_hundred = Yuan(
        label=gettext_lazy("100 points are worth, yuan"),
        help_text=gettext_lazy("What they take off an order, and what the report of points owed counts with."),
    )
    order_percent = forms.IntegerField(
        label=gettext_lazy("Part of an order, percent"),
        help_text=gettext_lazy("Empty: points may pay for all of it."),
        min_value=0,
        max_value=100,
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for per, label in _PERIODS:
            self.fields[per] = forms.IntegerField(
                label=label,
                min_value=0,
                max_value=spend_limits.MOST,
                required=False,
            )

    @property
    def periods(self) -> list[forms.BoundField]:
        return [self[per] for per, _label in _PERIODS]

    def wanted(self) -> Limits:
        """Of valid fields."""
        said = self.cleaned_data
        periods = {per: said[per] for per, _label in _PERIODS if said[per] is not None}
        return Limits(said["cents_per_hundred"], said["order_percent"], periods)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """For those who may only look, the sentence alone."""
    now = spend_limits.of(Currency.objects.get(key=POINTS))
    share = {"cents_per_hundred": now.cents_per_hundred, "order_percent": now.order_percent}
    return _page(request, LimitsForm(initial=share | now.periods), now=now)


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    form = LimitsForm(request.POST)
    if form.is_valid():
        try:
            asked = spend_limits.save(currency=POINTS, wanted=form.wanted(), by=request.user)  # type: ignore[arg-type]
        except DomainError as refusal:
            people.complain(request, refusal)
        else:
            said = _("It counts once another person agrees: see Approvals.") if asked else _("The limits are saved.")
            messages.success(request, said)
            return redirect("console:points_on_orders")
    return _page(request, form, now=spend_limits.of(Currency.objects.get(key=POINTS)), status=422)


def _page(request: HttpRequest, form: LimitsForm, *, now: Limits, status: int = 200) -> HttpResponse:
    facts = {
        "form": form if request.access.can("points.rules") else None,  # type: ignore[attr-defined]
        "said": sentence(now),
        "waits": ladders.waiting(spend_limits.KIND, currency=POINTS),
    }
    return render(request, "console/points_on_orders.html", facts, status=status)


def sentence(limits: Limits) -> str:
    """“100 积分抵 ¥1；每单最多抵 50%；每天最多 500 分”."""
    said = [_("100 points take %(worth)s off an order") % {"worth": money(limits.cents_per_hundred)}]
    if limits.order_percent is not None:
        said.append(_("at most %(percent)s%% of each order") % {"percent": limits.order_percent})
    said += [
        _("at most %(n)s points %(period)s") % {"n": figure(most), "period": rule_words.PERIODS[per]}
        for per, most in limits.periods.items()
    ]
    return _("; ").join(said)
