"""Rows that a coupon can have several of: steps of spend and save, hours of the day, budgets; empty rows are left out."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.console.policy_form import Yuan
from apps.console.rule_rows import Time
from apps.coupons.models import Budget


class Step(forms.Form):
    from_cents = Yuan(label=gettext_lazy("From so many yuan on"), required=False)
    off_cents = Yuan(label=gettext_lazy("Yuan off"), required=False)


class Hours(forms.Form):
    starts = forms.TimeField(label=pgettext_lazy("hours", "From"), widget=Time, required=False)
    until = forms.TimeField(label=pgettext_lazy("hours", "Before"), widget=Time, required=False)


class Ceiling(forms.Form):
    per = forms.ChoiceField(label=pgettext_lazy("coupons", "Counted"), choices=Budget.Per.choices, required=False)
    uses = forms.IntegerField(label=gettext_lazy("Uses at most"), min_value=1, max_value=10**9, required=False)
    cents = Yuan(label=gettext_lazy("Yuan saved at most"), required=False)


_SETS: dict[
    str, tuple[Any, int, dict[str, str]]
] = {  # by name: form, most rows, fields of the grammar by field of the form
    "steps": (Step, 10, {"from_cents": "from_cents", "off_cents": "off_cents"}),
    "hours": (Hours, 5, {"starts": "from", "until": "until"}),
}


def sets(found: dict[str, Any], *, data: Any) -> dict[str, Any]:
    made = {}
    for name, (form, most, fields) in _SETS.items():
        rows = [{own: row.get(theirs) for own, theirs in fields.items()} for row in found.get(name) or ()]
        kind = forms.formset_factory(
            form, extra=min(1, most - len(rows)), can_delete=True, max_num=most, absolute_max=most
        )
        made[name] = kind(data, prefix=name, initial=rows)
    return made


def ceilings(rows: list[list[Any]], *, data: Any = None) -> Any:
    """The set of budgets. `rows`: per, of, most."""
    by_per: dict[str, dict[str, Any]] = {}
    for per, of, most in rows:
        by_per.setdefault(per, {"per": per})[of] = most
    kind = forms.formset_factory(
        Ceiling, extra=1, can_delete=True, max_num=len(Budget.Per), absolute_max=len(Budget.Per)
    )
    return kind(data, prefix="budgets", initial=list(by_per.values()))


def wanted(found: Any) -> dict[tuple[str, str], int]:
    """Of a valid set of budgets: by (per, of)."""
    said = (row.cleaned_data for row in found.forms if row.cleaned_data and not row.cleaned_data.get("DELETE"))
    return {(row["per"], of): row[of] for row in said for of in ("uses", "cents") if row.get(of)}


def filled(found: Any) -> list[dict[str, Any]]:
    """The rows of a valid set that say something, as the grammar has them."""
    fields = _SETS[found.prefix][2]
    rows = ({theirs: row[own] for own, theirs in fields.items() if row.get(own) is not None} for row in _said(found))
    return [
        {name: f"{value:%H:%M}" if found.prefix == "hours" else value for name, value in row.items()} for row in rows
    ]


def show(lines: dict[str, Any], parts: list[str], message: str) -> None:
    """A finding of the check at its row; rows that are left out do not count."""
    name, rest = ("hours", parts[1:]) if parts[0] == "hours" else ("steps", parts[2:])
    rows = [row for row in lines[name].forms if _says(row)]
    if rest and rest[0].isdigit() and int(rest[0]) < len(rows):
        row = rows[int(rest[0])]
        own = {theirs: mine for mine, theirs in _SETS[name][2].items()}.get(rest[-1])
        row.add_error(own, message)


def _said(found: Any) -> list[dict[str, Any]]:
    return [row.cleaned_data for row in found.forms if _says(row)]


def _says(row: Any) -> bool:
    said = getattr(row, "cleaned_data", None) or {}
    return not said.get("DELETE") and any(value not in (None, "") for name, value in said.items() if name != "DELETE")
