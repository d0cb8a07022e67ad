"""The form of a live code: up to three shifts with their people, spare staff, a number a day, a welcome, a tag."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.community.models import GroupCode, LiveCode
from apps.members.models import Tag

SHIFTS = 3
DAYS = [(str(number + 1), name) for number, name in WEEKDAYS.items()]


class LiveCodeForm(forms.Form):
    name = forms.CharField(label=pgettext_lazy("of a code", "Name"), max_length=30)
    spare = forms.MultipleChoiceField(
        label=gettext_lazy("Spare staff: when nobody is on duty or all have had their number"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    daily_limit = forms.IntegerField(
        label=gettext_lazy("Customers a day for each"),
        help_text=gettext_lazy("0: any number"),
        min_value=0,
        max_value=10_000,
        initial=0,
    )
    welcome = forms.CharField(
        label=gettext_lazy("Welcome"),
        help_text=gettext_lazy("Goes out within 20 seconds. Empty: the brand's own."),
        required=False,
        max_length=600,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    tag = forms.ModelChoiceField(
        label=gettext_lazy("Tag for who comes by it"),
        queryset=Tag.objects.order_by("name"),
        required=False,
        empty_label=gettext_lazy("No tag"),
    )
    group_code = forms.ModelChoiceField(
        label=gettext_lazy("Leads on into a group"),
        help_text=gettext_lazy("The picture of that group code goes with the welcome."),
        queryset=GroupCode.objects.exclude(qr_url="").order_by("name"),
        required=False,
        empty_label=gettext_lazy("No group"),
    )

    def __init__(
        self, *args: Any, colleagues: Sequence[tuple[str, str]], code: LiveCode | None = None, **kw: Any
    ) -> None:
        start = (
            _start(code) if code else {"days1": [value for value, _name in DAYS], "from1": "09:00", "until1": "21:00"}
        )
        super().__init__(*args, **(kw | {"initial": start}))
        self.fields["spare"].choices = colleagues  # type: ignore[attr-defined]
        for number in range(1, SHIFTS + 1):
            self.fields[f"users{number}"] = _checks(gettext_lazy("Who is there"), colleagues)
            self.fields[f"days{number}"] = _checks(gettext_lazy("Days"), DAYS)
            self.fields[f"from{number}"] = _time(pgettext_lazy("hours", "From"))
            self.fields[f"until{number}"] = _time(pgettext_lazy("hours", "Until"))

    @property
    def rows(self) -> list[list[forms.BoundField]]:
        names = ("users", "days", "from", "until")
        return [[self[f"{name}{number}"] for name in names] for number in range(1, SHIFTS + 1)]

    def plan(self) -> dict[str, Any]:
        """What `codes.create` and `codes.change` take."""
        given, shifts = self.cleaned_data, []
        for number in range(1, SHIFTS + 1):
            if users := given[f"users{number}"]:
                days = [int(day) for day in given[f"days{number}"]] or list(range(1, 8))
                start, end = given[f"from{number}"], given[f"until{number}"]
                shifts.append({
                    "days": days, "users": users,
                    "from": f"{start:%H:%M}" if start else "00:00", "until": f"{end:%H:%M}" if end else "00:00",
                })  # fmt: skip
        return {
            "name": given["name"], "shifts": shifts, "spare": given["spare"], "daily_limit": given["daily_limit"],
            "welcome": given["welcome"], "tag_id": given["tag"].pk if given["tag"] else None,
            "group_code_id": given["group_code"].pk if given["group_code"] else None,
        }  # fmt: skip


def _checks(label: Any, choices: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(label=label, required=False, choices=choices, widget=forms.CheckboxSelectMultiple)


def _time(label: Any) -> forms.TimeField:
    return forms.TimeField(label=label, required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))


def _start(code: LiveCode) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": code.name, "spare": code.spare, "daily_limit": code.daily_limit, "welcome": code.welcome, "tag": code.tag_id,
        "group_code": code.group_code_id,
    }  # fmt: skip
    for number, shift in enumerate(code.shifts[:SHIFTS], start=1):
        found |= {
            f"users{number}": shift["users"], f"days{number}": [str(day) for day in shift["days"]],
            f"from{number}": shift["from"], f"until{number}": shift["until"],
        }  # fmt: skip
    return found
