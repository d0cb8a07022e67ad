"""The form of a plan for groups: what kind, which groups, and up to eight steps with their day, hours and words."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.community.models import GroupPlan, GroupTodo

STEPS = 8


class GroupPlanForm(forms.Form):
    name = forms.CharField(label=pgettext_lazy("group plan", "Name"), max_length=60)
    kind = forms.ChoiceField(label=pgettext_lazy("group plan", "Kind"), choices=GroupPlan.Kind.choices)
    starts_on = forms.DateField(
        label=gettext_lazy("First day"),
        help_text=gettext_lazy("New groups: made from then on. Around a day: that day itself."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    ends_on = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    every_days = forms.IntegerField(
        label=gettext_lazy("Days of a round"),
        help_text=gettext_lazy("For “round by round” only."),
        required=False,
        min_value=1,
        max_value=365,
    )
    groups = forms.MultipleChoiceField(
        label=gettext_lazy("Groups; none chosen: all"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, groups: Sequence[tuple[str, str]], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["groups"].choices = groups  # type: ignore[attr-defined]
        for number in range(1, STEPS + 1):
            self.fields[f"day{number}"] = forms.IntegerField(
                label=gettext_lazy("Day, counted from 0"), required=False, min_value=-365, max_value=365, initial=0
            )
            self.fields[f"from{number}"] = _time(pgettext_lazy("hours", "From"), "10:00")
            self.fields[f"until{number}"] = _time(pgettext_lazy("hours", "Until"), "12:00")
            self.fields[f"kind{number}"] = forms.ChoiceField(
                label=gettext_lazy("How"), choices=GroupTodo.Kind.choices, required=False
            )
            self.fields[f"text{number}"] = forms.CharField(
                label=gettext_lazy("What is said or done"),
                max_length=1000,
                required=number == 1,
                widget=forms.Textarea(attrs={"rows": 2}),
            )

    @property
    def rows(self) -> list[list[forms.BoundField]]:
        names = ("day", "from", "until", "kind", "text")
        return [[self[f"{name}{number}"] for name in names] for number in range(1, STEPS + 1)]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if (
            given.get("kind") == GroupPlan.Kind.CYCLE
            and not given.get("every_days")
            and "every_days" not in self.errors
        ):
            self.add_error("every_days", _("Say how many days a round has."))
        return given

    def plan(self) -> dict[str, Any]:
        """What `plans.create` takes."""
        given = self.cleaned_data
        steps = [
            {
                "day": given[f"day{number}"] or 0, "from": _clock(given[f"from{number}"], "00:00"),
                "until": _clock(given[f"until{number}"], "24:00"), "kind": given[f"kind{number}"] or "by_hand",
                "text": given[f"text{number}"].strip(),
            }
            for number in range(1, STEPS + 1) if given[f"text{number}"].strip()
        ]  # fmt: skip
        return {
            "name": given["name"], "kind": given["kind"], "starts_on": given["starts_on"], "ends_on": given["ends_on"],
            "every_days": given["every_days"] if given["kind"] == GroupPlan.Kind.CYCLE else None,
            "group_ids": [int(key) for key in given["groups"]], "steps": steps,
        }  # fmt: skip


def _time(label: Any, start: str) -> forms.TimeField:
    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    return forms.TimeField(label=label, required=False, initial=start, widget=widget)


def _clock(at: Any, otherwise: str) -> str:
    return f"{at:%H:%M}" if at else otherwise
