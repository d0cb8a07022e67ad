"""The thresholds of the life stages as a form (docs/lifecycle.md)."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.segments.rules import LISTS, LONGEST

_DAYS = {
    "new_days": gettext_lazy("New for days after the first order"),
    "won_back_days": gettext_lazy("Won back for days after the return"),
    "min_orders": gettext_lazy("Orders from which a member's own rhythm counts"),
}
_PARTS = {
    "fixed_days": (
        gettext_lazy("Lapsing after days"), gettext_lazy("Dormant after days"), gettext_lazy("Lost after days"),
    ),
    "gap_factors": (
        gettext_lazy("Lapsing after times of the own gap"), gettext_lazy("Dormant after times"), gettext_lazy("Lost after times"),
    ),
    "gap_clamp_days": (gettext_lazy("The own gap counts as days, at least"), gettext_lazy("at most, days")),
}  # fmt: skip


class StagesForm(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in _DAYS.items():
            least = 2 if name == "min_orders" else 1
            self.fields[name] = forms.IntegerField(label=label, min_value=least, max_value=LONGEST)
        for name, labels in _PARTS.items():
            for n, label in enumerate(labels):
                self.fields[f"{name}.{n}"] = (
                    forms.FloatField(label=label, min_value=0.1, max_value=LONGEST)
                    if name == "gap_factors"
                    else forms.IntegerField(label=label, min_value=1, max_value=LONGEST)
                )

    @property
    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        own = ("min_orders", "gap_clamp_days.0", "gap_clamp_days.1", "gap_factors.0", "gap_factors.1", "gap_factors.2")
        return [
            (_("Who has no rhythm yet"), [self[f"fixed_days.{n}"] for n in range(3)]),
            (_("Who has one: by the usual gap between their orders"), [self[name] for name in own]),
            (_("Beginnings"), [self["new_days"], self["won_back_days"]]),
        ]

    def wanted(self) -> dict[str, Any]:
        said = self.cleaned_data
        return {name: said[name] for name in _DAYS} | {
            name: [_short(said[f"{name}.{n}"]) for n in range(count)] for name, count in LISTS.items()
        }


def initial(now: dict[str, Any]) -> dict[str, Any]:
    return {name: now[name] for name in _DAYS} | {
        f"{name}.{n}": value for name in LISTS for n, value in enumerate(now[name])
    }


def _short(number: float) -> float | int:
    return int(number) if number == int(number) else number
