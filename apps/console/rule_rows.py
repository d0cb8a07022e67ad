"""Rows that a rule can have several of: steps of a run of days, limits, properties of an event; empty rows are left out."""

from typing import Any

from django import forms
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from apps.coupons.models import Template

PERIODS = [
    ("transaction", pgettext_lazy("limit", "Each thing")),
    ("day", pgettext_lazy("limit", "A day")),
    ("week", pgettext_lazy("limit", "A week")),
    ("month", pgettext_lazy("limit", "A month")),
    ("quarter", pgettext_lazy("limit", "A quarter")),
    ("year", pgettext_lazy("limit", "A year")),
    ("life", pgettext_lazy("limit", "In all")),
]
_THEN = [("cap", gettext_lazy("give what fits")), ("reject", gettext_lazy("give nothing"))]
_KINDS = [("text", gettext_lazy("Text")), ("number", gettext_lazy("Number")), ("flag", gettext_lazy("Yes or no"))]


def coupons() -> list[tuple[str, Any]]:
    """Choices of a coupon that something gives: every template that was ever published, by key."""
    rows = Template.objects.exclude(version=None).order_by("name").values_list("key", "name", "name_en")
    is_english = get_language() == "en"
    return [("", _("None"))] + [(key, (english if is_english else "") or name) for key, name, english in rows]


class Day(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class Time(forms.TimeInput):
    input_type = "time"


class Step(forms.Form):
    day = forms.IntegerField(label=gettext_lazy("On day"), min_value=1, max_value=366, required=False)
    points = forms.IntegerField(label=gettext_lazy("Points"), min_value=1, max_value=1_000_000, required=False)


class Cap(forms.Form):
    per = forms.ChoiceField(label=pgettext_lazy("limit", "Within"), choices=PERIODS, required=False)
    points = forms.IntegerField(label=gettext_lazy("Points at most"), min_value=1, max_value=10**9, required=False)
    then = forms.ChoiceField(label=gettext_lazy("Above it"), choices=_THEN, required=False)


class Property(forms.Form):
    name = forms.CharField(label=gettext_lazy("Property"), max_length=100, required=False)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=_KINDS, required=False)
    value = forms.CharField(label=gettext_lazy("Is"), max_length=200, required=False, strip=False)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("name"):
            try:
                said["value"] = _read(said.get("kind", ""), said.get("value", ""))
            except ValueError:
                self.add_error("value", _("This is no value of that kind; yes or no are written as yes and no."))
        return said


_SETS: dict[str, tuple[Any, int, str]] = {  # by name: form, most rows, the field without which a row is empty
    "steps": (Step, 60, "points"),
    "caps": (Cap, 7, "points"),
    "properties": (Property, 20, "name"),
}


def sets(found: dict[str, Any], *, trigger: str, data: Any) -> dict[str, Any]:
    """The row sets that go with the trigger, by name; the others are there and empty."""
    absent = {"steps"} if trigger != "sign_in" else set()
    absent |= {"properties"} if trigger != "event" else set()
    made = {}
    for name, (form, most, _key) in _SETS.items():
        rows = list(found.get(name) or ())
        if name == "properties":
            rows = [_shown(row) for row in rows]
        extra = 0 if name in absent else min(2, most - len(rows))
        kind = forms.formset_factory(form, extra=extra, can_delete=True, max_num=most, absolute_max=most)
        bound = data if name not in absent else None
        made[name] = kind(bound, prefix=name, initial=rows if name not in absent else None)
    return made


def filled(found: Any) -> list[dict[str, Any]]:
    """The rows of a valid set that say something, without their marks."""
    if not found.is_bound:
        return []
    key = next(
        key for form, _most, key in _SETS.values() if found.form.__base__ is form or issubclass(found.form, form)
    )
    rows = [row.cleaned_data for row in found.forms if row.cleaned_data and not row.cleaned_data.get("DELETE")]
    names = [name for name in found.form.base_fields if not (key == "name" and name == "kind")]
    said = [{name: row[name] for name in names if row.get(name) not in (None, "")} for row in rows if _says(row, key)]
    return [row | {"value": row.get("value", "")} for row in said] if key == "name" else said


def show(lines: dict[str, Any], parts: list[str], message: str) -> None:
    """A finding of the check at its row; rows that are left out do not count."""
    name = "caps" if parts[0] == "caps" else parts[1]
    rest = parts[1:] if parts[0] == "caps" else parts[2:]
    rows = [row for row in lines[name].forms if row.cleaned_data and not row.cleaned_data.get("DELETE")]
    rows = [row for row in rows if _says(row.cleaned_data, _SETS[name][2])]
    if rest and rest[0].isdigit() and int(rest[0]) < len(rows):
        row = rows[int(rest[0])]
        row.add_error(rest[1] if len(rest) > 1 and rest[1] in row.fields else None, message)


def _says(row: dict[str, Any], key: str) -> bool:
    return row.get(key) not in (None, "") or row.get("day") is not None


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    value = row["value"]
    if isinstance(value, bool):
        return row | {"kind": "flag", "value": "yes" if value else "no"}
    return row | {"kind": "number" if isinstance(value, int | float) else "text", "value": value}


def _read(kind: str, text: str) -> str | int | float | bool:
    if kind == "number":
        try:
            return int(text)
        except ValueError:
            return float(text)
    if kind == "flag":
        if text.strip().lower() not in _FLAGS:
            raise ValueError
        return _FLAGS[text.strip().lower()]
    return text


_FLAGS = {"yes": True, "true": True, "是": True, "no": False, "false": False, "否": False}
