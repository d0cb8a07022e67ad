"""The form of what the desk promises: times by priority, days in which something can be asked for, who hears of what is late."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.console.ticket_words import name_of
from apps.points.models import Tier
from apps.tickets import settings as of
from apps.tickets.models import Ticket

CLOCKS = {
    "first": pgettext_lazy("promise", "First answer"),
    "next": pgettext_lazy("promise", "Each further answer"),
    "end": pgettext_lazy("promise", "The end"),
}
KINDS = ("refund", "return", "exchange", "repair")


class PromisesForm(forms.Form):
    """Minutes are of business time."""

    load = forms.IntegerField(label=gettext_lazy("Open tickets of a person at most"), min_value=1, max_value=1_000)
    warn = forms.IntegerField(label=gettext_lazy("Warn so many minutes before a promise"), min_value=0, max_value=1_440)
    raised = forms.IntegerField(
        label=gettext_lazy("Tell the region so many minutes after a missed one"), min_value=0, max_value=1_440,
        help_text=gettext_lazy("0: the region is not told."),
    )  # fmt: skip
    escalate = forms.ChoiceField(
        label=gettext_lazy("What is late"),
        choices=(
            ("notify", gettext_lazy("is only told of")),
            ("manager", gettext_lazy("is told of and goes to the manager")),
        ),
    )
    vip = forms.TypedChoiceField(label=gettext_lazy("High tiers begin with"), coerce=int)

    def __init__(self, data: Any = None, *, now: dict[str, Any]) -> None:
        super().__init__(data)
        tiers = {row.rank: name_of(row) for row in Tier.objects.order_by("rank") if row.rank > 0}
        tiers.setdefault(now[of.VIP], str(now[of.VIP]))
        self.fields["vip"].choices = sorted(tiers.items())  # type: ignore[attr-defined]
        for priority in now[of.TARGETS]:
            for clock, label in CLOCKS.items():
                self.fields[f"{clock}_{priority}"] = forms.IntegerField(label=label, min_value=1, max_value=100_000)
        for kind in KINDS:
            label = Ticket.Kind(kind).label
            self.fields[f"days_{kind}"] = forms.IntegerField(label=label, min_value=0, max_value=3_650)
        self.initial = _shown(now)

    @property
    def targets(self) -> list[tuple[str, list[Any]]]:
        """By priority, the most pressing first: its name and fields."""
        return [
            (str(label), [self[f"{clock}_{priority}"] for clock in CLOCKS])
            for priority, label in Ticket.Priority.choices
        ]

    @property
    def days(self) -> list[Any]:
        return [self[f"days_{kind}"] for kind in KINDS]

    def wanted(self) -> dict[str, Any]:
        said = self.cleaned_data
        return {
            of.TARGETS: {
                str(priority): {clock: said[f"{clock}_{priority}"] for clock in CLOCKS}
                for priority in Ticket.Priority.values
            },
            of.WINDOWS: {kind: said[f"days_{kind}"] for kind in KINDS},
            of.LOAD: said["load"],
            of.WARN: said["warn"],
            of.RAISE: said["raised"],
            of.ESCALATE: said["escalate"],
            of.VIP: said["vip"],
        }


def _shown(now: dict[str, Any]) -> dict[str, Any]:
    shown = {
        "load": now[of.LOAD],
        "warn": now[of.WARN],
        "raised": now[of.RAISE],
        "escalate": now[of.ESCALATE],
        "vip": now[of.VIP],
    }
    shown |= {f"{clock}_{priority}": row[clock] for priority, row in now[of.TARGETS].items() for clock in CLOCKS}
    return shown | {f"days_{kind}": now[of.WINDOWS][kind] for kind in KINDS}
