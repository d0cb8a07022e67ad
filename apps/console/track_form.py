"""A life track as plain fields: its names, and a row for each step; findings go back to their fields."""

from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.segments.models import Track
from apps.segments.tracks.shape import MOST_DAYS, MOST_MONTHS, MOST_STEPS


class TrackForm(forms.Form):
    name = forms.CharField(label=pgettext_lazy("life track", "Name"), max_length=60)
    name_en = forms.CharField(label=gettext_lazy("English name"), max_length=60, required=False)
    anchor = forms.CharField(
        label=gettext_lazy("What the day is called"), max_length=60,
        help_text=gettext_lazy("The day from which steps are counted, such as the due date or the birthday of a child."),
    )  # fmt: skip
    anchor_en = forms.CharField(label=gettext_lazy("… in English"), max_length=60, required=False)
    is_told = forms.BooleanField(label=gettext_lazy("Members may say the day themselves"), required=False)
    ends_months = forms.IntegerField(
        label=gettext_lazy("Ends after months"), required=False, min_value=-MOST_MONTHS, max_value=MOST_MONTHS
    )
    ends_days = forms.IntegerField(
        label=gettext_lazy("… and days"), required=False, min_value=-MOST_DAYS, max_value=MOST_DAYS
    )

    def said(self, steps: list[dict[str, Any]]) -> dict[str, Any]:
        """What the service takes, of valid fields."""
        given = self.cleaned_data
        months, days = given["ends_months"], given["ends_days"]
        has_end = months is not None or days is not None
        names = {name: given[name] for name in ("name", "name_en", "anchor", "anchor_en", "is_told")}
        return names | {"steps": steps, "ends": {"months": months or 0, "days": days or 0} if has_end else None}


class StepForm(forms.Form):
    key = forms.SlugField(required=False, max_length=40, widget=forms.HiddenInput)
    name = forms.CharField(label=gettext_lazy("Name of the step"), max_length=60)
    name_en = forms.CharField(label=gettext_lazy("English name"), max_length=60, required=False)
    months = forms.IntegerField(
        label=gettext_lazy("Begins after months"), min_value=-MOST_MONTHS, max_value=MOST_MONTHS, required=False
    )
    days = forms.IntegerField(
        label=gettext_lazy("… and days"), min_value=-MOST_DAYS, max_value=MOST_DAYS, required=False
    )


StepSet = forms.formset_factory(StepForm, extra=2, can_delete=True, max_num=MOST_STEPS, validate_max=True)


def steps_of(rows: Any) -> list[dict[str, Any]]:
    """Valid rows in the order of their beginnings. A step that has no key yet gets one of its name, never to change."""
    kept = [row.cleaned_data for row in rows if row.cleaned_data.get("name") and not row.cleaned_data.get("DELETE")]
    used = {one["key"] for one in kept if one["key"]}
    steps = []
    for one in sorted(kept, key=lambda one: (one["months"] or 0) * 30.44 + (one["days"] or 0)):
        key = one["key"] or _fresh(one, used)
        used.add(key)
        english = {"name_en": one["name_en"]} if one["name_en"] else {}
        steps.append(
            {"key": key, "name": one["name"]} | english | {"months": one["months"] or 0, "days": one["days"] or 0}
        )
    return steps


def initial(track: Track) -> dict[str, Any]:
    names = {name: getattr(track, name) for name in ("name", "name_en", "anchor", "anchor_en", "is_told")}
    return names | {f"ends_{name}": value for name, value in (track.ends or {}).items()}


def show(form: TrackForm, rows: Any, errors: Any) -> None:
    """Errors of the rules at their fields; those of steps above, with the number of the step."""
    for error in errors:
        parts = str(error["pointer"]).strip("/").split("/")
        place = f"{int(parts[1]) + 1}: " if parts[0] == "steps" and len(parts) > 1 else ""
        name = f"ends_{parts[1]}" if parts[0] == "ends" and len(parts) > 1 else None
        form.add_error(name, f"{place}{error['message']}")


def _fresh(step: dict[str, Any], used: set[str]) -> str:
    base = slugify(step["name_en"] or step["name"])[:30] or "step"
    number = next(n for n in range(1, MOST_STEPS + 2) if (base if n == 1 else f"{base}-{n}") not in used)
    return base if number == 1 else f"{base}-{number}"
