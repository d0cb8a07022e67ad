"""What tills may take in: amounts, times and receipts, and the caps of a person by role; what was changed, and by whom."""

from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_POST, require_safe

from apps.console import machine_words, people
from apps.console.policy_form import Yuan
from apps.console.templatetags.console import figure, money
from apps.core.errors import ValidationFailed
from apps.flows import counter_rules
from apps.flows.counter_rules import BOUNDS, CAPS, Rules
from apps.points import ladders
from apps.stores.models import Role

MAY_CHANGE = "counter.rules"
AT_TILLS = (Role.CLERK, Role.MANAGER, Role.ADMIN)
SHOWN = 20
CAP_LABELS = {
    "orders": gettext_lazy("Sales of one clerk a day"),
    "redemptions": gettext_lazy("Sales with points or coupons of one clerk a day"),
    "points": gettext_lazy("Points granted by one clerk a day"),
    "per_member": gettext_lazy("Purchases of one member with one clerk a day"),
}
LABELS = {
    "least_cents": gettext_lazy("Least amount, yuan"),
    "most_cents": gettext_lazy("Greatest amount, yuan"),
    "hours_back": gettext_lazy("Hours that a sale may wait for the network"),
    "receipts_by": gettext_lazy("Receipts are numbered"),
    "receipt_has_store": gettext_lazy("Receipts begin with the store's code"),
    **CAP_LABELS,
}
NUMBERED = {"till": gettext_lazy("by each till"), "store": gettext_lazy("by the whole store")}


class RulesForm(forms.Form):
    least_cents = Yuan(label=LABELS["least_cents"])
    most_cents = Yuan(label=LABELS["most_cents"])
    hours_back = forms.IntegerField(
        label=LABELS["hours_back"], help_text=gettext_lazy("0: nothing may wait. 24 at most.")
    )
    receipts_by = forms.ChoiceField(label=LABELS["receipts_by"], choices=[*NUMBERED.items()])
    receipt_has_store = forms.BooleanField(label=LABELS["receipt_has_store"], required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in CAPS:
            self.fields[name] = _number(name, CAP_LABELS[name])
            for role in AT_TILLS:
                self.fields[f"{role}.{name}"] = _number(name, f"{CAP_LABELS[name]}: {role.label}", required=False)
        for name in ("least_cents", "most_cents", "hours_back"):
            self.fields[name].validators.append(_within(name))

    @property
    def caps(self) -> list[tuple[Any, list[tuple[Any, forms.BoundField]]]]:
        """For the table: a line for each cap, everybody's first, then each role's own."""
        everybody = pgettext("tills", "Everybody")
        return [
            (
                CAP_LABELS[name],
                [(everybody, self[name]), *((role.label, self[f"{role}.{name}"]) for role in AT_TILLS)],
            )
            for name in CAPS
        ]

    def clean(self) -> None:
        said = self.cleaned_data
        least, most = said.get("least_cents"), said.get("most_cents")
        if least is not None and most is not None and least > most:
            self.add_error("least_cents", _("The least amount can't be above the greatest."))

    def wanted(self) -> Rules:
        """Of valid fields."""
        said = self.cleaned_data
        own = {
            role.value: {name: said[f"{role}.{name}"] for name in CAPS if said[f"{role}.{name}"] is not None}
            for role in AT_TILLS
        }
        plain = {name: said[name] for name in LABELS}
        return Rules(**plain, roles={role: caps for role, caps in own.items() if caps})


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """For those who may only look, the sentences alone."""
    now = counter_rules.read()
    own = {f"{role}.{name}": number for role, caps in now.roles.items() for name, number in caps.items()}
    return _page(request, RulesForm(initial=asdict(now) | own))


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    form = RulesForm(request.POST)
    if form.is_valid():
        try:
            asked = counter_rules.save(form.wanted(), by=request.user)  # type: ignore[arg-type]
        except ValidationFailed as refusal:
            people.complain(request, refusal)
        else:
            waits, done = (
                _("It counts once another person agrees: see Approvals."),
                _("Saved. It counts from the next sale on."),
            )
            messages.success(request, waits if asked else done)
            return redirect("console:counter_rules")
    return _page(request, form, status=422)


def _page(request: HttpRequest, form: RulesForm, *, status: int = 200) -> HttpResponse:
    lines = counter_rules.history(at_most=SHOWN)
    names = people.log_in_names(line.actor for line, _before, _after in lines)
    facts = {
        "form": form if request.access.can(MAY_CHANGE) else None,  # type: ignore[attr-defined]
        "waits": ladders.waiting(counter_rules.KIND),
        "now": [(label, said) for label, said in _said(counter_rules.read()).items()],
        "history": [
            (line.at, names.get(line.actor) or machine_words.actor(line.actor), changes(before, after))
            for line, before, after in lines
        ],
    }
    return render(request, "console/counter_rules.html", facts, status=status)


def _said(rules: Rules) -> dict[str, str]:
    """Label → value, roles of their own below what counts for everybody."""
    told = {str(LABELS[name]): _value(name, getattr(rules, name)) for name in LABELS}
    for role in AT_TILLS:
        for name, number in rules.roles.get(role, {}).items():
            told[f"{CAP_LABELS[name]}: {role.label}"] = figure(number)
    return told


def _value(name: str, value: Any) -> str:
    if name.endswith("_cents"):
        return money(value)
    if name == "receipts_by":
        return str(NUMBERED[value])
    if name == "receipt_has_store":
        return _("yes") if value else _("no")
    return figure(value)


def changes(before: Rules, after: Rules) -> list[tuple[str, str, str]]:
    """Label, before and after of what differs; an empty one: it was not there, or is no more."""
    was, is_now = _said(before), _said(after)
    return [
        (label, was.get(label, ""), is_now.get(label, ""))
        for label in {**was, **is_now}
        if was.get(label) != is_now.get(label)
    ]


def _number(name: str, label: Any, *, required: bool = True) -> forms.IntegerField:
    least, most = BOUNDS[name]
    return forms.IntegerField(label=label, min_value=least, max_value=most, required=required)


def _within(name: str) -> Any:
    least, most = BOUNDS[name]

    def check(value: int) -> None:
        if not least <= value <= most:
            shown = (money(least), money(most)) if name.endswith("_cents") else (figure(least), figure(most))
            raise forms.ValidationError(_("From %(least)s to %(most)s.") % {"least": shown[0], "most": shown[1]})

    return check
