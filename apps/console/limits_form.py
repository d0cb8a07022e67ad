"""The limits of sending as a form, and as sentences for whoever may only look, or wants to know what was changed."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.care.gate import CLASSES
from apps.care.models import Channel
from apps.care.second_person import SETTING as SECOND
from apps.console.policy_form import PURPOSES, Yuan
from apps.console.templatetags.console import figure, money

GATE, THROTTLE, PRICE = "care.gate", "care.throttle", "care.sms_price_cents"
DAY, WEEK, MONTH = (
    pgettext_lazy("limits", "A day"),
    pgettext_lazy("limits", "A week"),
    pgettext_lazy("limits", "A month"),
)
CAPS = {"day_cap": DAY, "week_cap": WEEK, "month_cap": MONTH}
FROM, UNTIL = gettext_lazy("Quiet from, hour"), gettext_lazy("until, hour")
A_MINUTE = gettext_lazy("Messages a minute")
NEVER_QUIET = gettext_lazy("Never quiet here")
HOLDOUT = gettext_lazy("Held out of everything, percent")
AGREED_FROM = gettext_lazy("A second person agrees from, members")
SMS_PRICE = gettext_lazy("One SMS costs, yuan")


def _whole(label: Any, least: int, most: int, *, required: bool = False, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=most, required=required, help_text=help_text)


class LimitsForm(forms.Form):
    day_cap = _whole(DAY, 1, 100, required=True)
    week_cap = _whole(WEEK, 1, 100, required=True)
    month_cap = _whole(MONTH, 1, 400)
    quiet_from = _whole(FROM, 0, 23, help_text=gettext_lazy("Shop time. Both empty: never quiet."))
    quiet_until = _whole(UNTIL, 0, 23)
    global_holdout_percent = forms.FloatField(
        label=HOLDOUT, min_value=0, max_value=50,
        help_text=gettext_lazy("Always the same members: what all of care brings back is measured against them."),
    )  # fmt: skip
    approval_from = _whole(AGREED_FROM, 1, 100_000_000, help_text=gettext_lazy("Empty: one person is always enough."))
    sms_price_cents = Yuan(label=SMS_PRICE, help_text=gettext_lazy("For previews and costs."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for purpose in CLASSES:
            for name, label in CAPS.items():
                self.fields[f"{purpose}.{name}"] = _whole(label, 1, 400)
        for channel in Channel.values:
            for name, label in CAPS.items():
                self.fields[f"{channel}.{name}"] = _whole(label, 1, 400 if name == "month_cap" else 100)
            self.fields[f"{channel}.quiet_from"] = _whole(FROM, 0, 23)
            self.fields[f"{channel}.quiet_until"] = _whole(UNTIL, 0, 23)
            self.fields[f"{channel}.never_quiet"] = forms.BooleanField(label=NEVER_QUIET, required=False)
            self.fields[f"{channel}.a_minute"] = _whole(A_MINUTE, 1, 1_000_000)

    @property
    def classes(self) -> list[tuple[Any, list[forms.BoundField]]]:
        return [(label, [self[f"{purpose}.{name}"] for name in CAPS]) for purpose, label in PURPOSES]

    @property
    def channels(self) -> list[tuple[Any, list[forms.BoundField], forms.BoundField]]:
        names = (*CAPS, "a_minute", "quiet_from", "quiet_until")
        return [
            (channel.label, [self[f"{channel.value}.{name}"] for name in names], self[f"{channel.value}.never_quiet"])
            for channel in Channel
        ]

    def clean(self) -> None:
        for whose in ("", *(f"{channel}." for channel in Channel.values)):
            said = [self.cleaned_data.get(f"{whose}{name}") is not None for name in ("quiet_from", "quiet_until")]
            if said[0] != said[1]:
                self.add_error(f"{whose}quiet_{'from' if said[1] else 'until'}", _("Both hours, or neither."))

    def wanted(self) -> dict[str, Any]:
        """The settings, of valid fields."""
        said = self.cleaned_data
        gate: dict[str, Any] = {name: said[name] for name in ("day_cap", "week_cap", "global_holdout_percent")}
        if gate["global_holdout_percent"] == int(gate["global_holdout_percent"]):
            gate["global_holdout_percent"] = int(gate["global_holdout_percent"])
        gate |= {"quiet": self._quiet(""), "month_cap": said["month_cap"]}
        classes = {
            purpose: {
                name.removesuffix("_cap"): said[f"{purpose}.{name}"] for name in CAPS if said[f"{purpose}.{name}"]
            }
            for purpose in CLASSES
        }
        channels = {channel: self._own(channel) for channel in Channel.values}
        gate |= {"classes": {key: caps for key, caps in classes.items() if caps}}
        gate |= {"channels": {key: own for key, own in channels.items() if own}}
        throttle = {channel: said[f"{channel}.a_minute"] for channel in Channel.values if said[f"{channel}.a_minute"]}
        return {GATE: gate, THROTTLE: throttle, SECOND: said["approval_from"], PRICE: said["sms_price_cents"]}

    def _quiet(self, whose: str) -> list[int] | None:
        hours = [self.cleaned_data[f"{whose}{name}"] for name in ("quiet_from", "quiet_until")]
        return hours if None not in hours else None

    def _own(self, channel: str) -> dict[str, Any]:
        own = {name: self.cleaned_data[f"{channel}.{name}"] for name in CAPS if self.cleaned_data[f"{channel}.{name}"]}
        quiet = self._quiet(f"{channel}.")
        if quiet or self.cleaned_data[f"{channel}.never_quiet"]:
            own["quiet"] = None if self.cleaned_data[f"{channel}.never_quiet"] else quiet
        return own


def initial(now: dict[str, Any]) -> dict[str, Any]:
    gate = now[GATE]
    found = {name: gate.get(name) for name in ("day_cap", "week_cap", "month_cap", "global_holdout_percent")}
    found |= _hours("", gate["quiet"]) | {"approval_from": now[SECOND], "sms_price_cents": now[PRICE]}
    for purpose, caps in gate.get("classes", {}).items():
        found |= {f"{purpose}.{span}_cap": cap for span, cap in caps.items()}
    for channel, own in gate.get("channels", {}).items():
        found |= {f"{channel}.{name}": own[name] for name in CAPS if name in own} | _hours(
            f"{channel}.", own.get("quiet")
        )
        found[f"{channel}.never_quiet"] = "quiet" in own and own["quiet"] is None
    return found | {f"{channel}.a_minute": most for channel, most in now[THROTTLE].items()}


def _hours(whose: str, quiet: list[int] | None) -> dict[str, Any]:
    return {f"{whose}quiet_from": quiet[0], f"{whose}quiet_until": quiet[1]} if quiet else {}


def said(settings: dict[str, Any]) -> dict[str, str]:
    """Label → value of these settings, in the reader's words; what has no limit is not named."""
    told: dict[str, str] = {}
    if GATE in settings:
        told |= _of_gate(settings[GATE])
    for channel, most in settings.get(THROTTLE, {}).items():
        told[f"{Channel(channel).label}: {A_MINUTE}"] = figure(most)
    if SECOND in settings:
        told[str(AGREED_FROM)] = _("never") if settings[SECOND] is None else figure(settings[SECOND])
    if PRICE in settings:
        told[str(SMS_PRICE)] = money(settings[PRICE])
    return told


def _of_gate(gate: dict[str, Any]) -> dict[str, str]:
    told = _limits("", gate) | {str(HOLDOUT): f"{gate['global_holdout_percent']:g}"}
    labels = dict(PURPOSES)
    for purpose, caps in gate.get("classes", {}).items():
        told |= _limits(f"{labels[purpose]}: ", {f"{span}_cap": cap for span, cap in caps.items()})
    for channel, own in gate.get("channels", {}).items():
        told |= _limits(f"{Channel(channel).label}: ", own)
    return told


def _limits(whose: str, limits: dict[str, Any]) -> dict[str, str]:
    told = {f"{whose}{label}": figure(limits[name]) for name, label in CAPS.items() if limits.get(name) is not None}
    if "quiet" in limits:
        quiet = limits["quiet"]
        told[f"{whose}{_('Quiet hours')}"] = f"{quiet[0]}:00–{quiet[1]}:00" if quiet else _("never")
    return told


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Label, before and after of what differs; an empty one: there was no limit, or is none any more."""
    was, now = said(before), said(after)
    return [
        (label, was.get(label, ""), now.get(label, "")) for label in {**was, **now} if was.get(label) != now.get(label)
    ]
