"""The forms of a journey's steps and of its entry: fields in, the draft's part out.

Nothing is required here: a draft may be incomplete, and what is missing is a finding of care's graph. A field with an odd value
keeps the value the draft had.
"""

import re
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.care.journeys import callees, graph
from apps.care.models import Version
from apps.care.trigger_params import PARAMS
from apps.console import journey_words as words
from apps.console import policy_form
from apps.console.policy_form import MessageForm, TriggerForm
from apps.coupons.models import Template
from apps.followups.models import Task
from apps.members.models import Attribute, Tag

ENTRY, ENDS = "_entry", "_ends"
_COMMAS = re.compile(r"[,，、;；]+")
NEW: dict[str, dict[str, Any]] = {
    "send": {"channel": "sms", "purpose": "care", "send_hour": 10, "missing": {}, "fallback": [], "content": {}},
    "wait": {"for": {"kind": "time", "days": 3}},
    "await": {"what": {"kind": "order"}, "days": 7},
    "branch": {"ways": [{"rule": {}}]},
    "split": {"arms": [{"percent": 50}, {"percent": 50}]},
    "coupon": {"is_only_live": True},
    "points": {"amount": 100},
    "followup": {"task": "call", "due_hours": 48},
}  # fmt: skip


def _whole(label: Any, least: int, most: int, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=most, help_text=help_text)


def _text(label: Any, most: int, *, rows: int = 0, help_text: Any = "") -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows}) if rows else None
    return forms.CharField(label=label, max_length=most, widget=widget, help_text=help_text)


def _event(help_text: Any = "") -> forms.CharField:
    """A name; the page offers those that are known."""
    names = forms.TextInput(attrs={"list": "dl-events", "autocapitalize": "none"})
    return forms.CharField(label=_("Name of the event"), max_length=40, widget=names, help_text=help_text)


def _choice(label: Any, choices: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=list(choices.items() if isinstance(choices, dict) else choices))


class StepForm(forms.Form):
    """`prefix` is the step's key. `data` gives the step's own fields, without key, kind and ways."""

    name = _text(_("Name of the step"), 40)
    plain: tuple[str, ...] = ()

    def __init__(self, data: QueryDict | None = None, *, raw: dict[str, Any]) -> None:
        self.raw = raw
        super().__init__(data, prefix=raw.get("key", ENTRY), initial={"name": raw.get("name", "")} | self.of(raw))
        for one in self.fields.values():
            one.required = False
        self.ready()

    def ready(self) -> None:
        """Choices that the brand's data give."""

    def of(self, raw: dict[str, Any]) -> dict[str, Any]:
        return {name: raw.get(name) for name in self.plain}

    def data_of(self) -> dict[str, Any]:
        return _given(self.cleaned_data, self.plain)

    def taken(self) -> dict[str, Any]:
        """The step with what the form says; where the form says nothing that makes sense, what it said before."""
        self.is_valid()
        own = {"key", "kind", "next", "otherwise", "met", "timeout", "ways", "arms"}
        kept = {name: self.raw[name] for name in self.raw if name in own or name in self.errors}
        return kept | _given(self.cleaned_data, ("name",)) | self.data_of()

    @property
    def rows(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name not in self.flags and name != "name"]

    flags: tuple[str, ...] = ()

    @property
    def checks(self) -> list[forms.BoundField]:
        return [self[name] for name in self.flags]


class SendForm(StepForm, MessageForm):
    def of(self, raw: dict[str, Any]) -> dict[str, Any]:
        plain = ("channel", "purpose", "template", "send_hour", "is_own_hour", "is_now_or_never", "is_transactional")
        whole = {"purpose": "care", "send_hour": 10} | raw
        return {name: whole.get(name) for name in plain} | policy_form.of_message(raw)

    def data_of(self) -> dict[str, Any]:
        return {name: value for name, value in self.message().items() if value not in ("", None)}


class WaitForm(StepForm):
    kind = _choice(
        _("Until when"), {"time": _("So long"), "weekday": _("A day of the week"), "date": _("A date of the member")}
    )
    days = _whole(_("Days"), 0, 365)
    hours = _whole(_("Hours"), 0, 23)
    minutes = _whole(_("Minutes"), 0, 59)
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Days of the week"), choices=list(words.WEEKDAYS.items()), coerce=int
    )
    field = _choice(_("Date"), [])
    offset_days = _whole(_("Days after it"), -365, 365, _("Less than 0 is before it."))
    hour = _whole(_("Hour"), 0, 23, _("0 to 23, by the clock of where the member lives."))
    shown = {
        "time": ("days", "hours", "minutes", "hour"), "weekday": ("weekdays", "hour"), "date": ("field", "offset_days", "hour"),
    }  # fmt: skip

    def ready(self) -> None:
        dates = Attribute.objects.filter(type=Attribute.Type.DATE, retired_at=None).values_list("key", "label")
        self.fields["field"].choices = [("birthday", _("Birthday")), *dates]  # type: ignore[attr-defined]

    def of(self, raw: dict[str, Any]) -> dict[str, Any]:
        given = raw.get("for")
        return dict(given) if isinstance(given, dict) else {"kind": "time"}

    def data_of(self) -> dict[str, Any]:
        kind = self.cleaned_data.get("kind") or "time"
        fresh: dict[str, Any] = {
            "date": {"field": "birthday", "hour": 10},
            "weekday": {"weekdays": [1], "hour": 10},
        }.get(kind, {})
        given = _given(self.cleaned_data, self.shown[kind])
        return {"for": {"kind": kind} | (fresh | given if kind != self.initial.get("kind") else given)}

    @property
    def rows(self) -> list[forms.BoundField]:
        return [self["kind"], *(self[name] for name in self.shown.get(str(self["kind"].value() or "time"), ()))]


class AwaitForm(StepForm):
    kind = _choice(_("What for"), words.AWAITED)
    event = _event()
    days = _whole(_("Days at most"), 1, 365)

    def of(self, raw: dict[str, Any]) -> dict[str, Any]:
        what: Any = raw.get("what") if isinstance(raw.get("what"), dict) else {}
        return {"kind": what.get("kind", "order"), "event": what.get("event", ""), "days": raw.get("days")}

    def data_of(self) -> dict[str, Any]:
        kind = self.cleaned_data.get("kind") or "order"
        what: dict[str, Any] = {"kind": kind}
        if kind == "event":
            what |= _given(self.cleaned_data, ("event",))
        if kind == "rule":
            old = self.raw.get("what")
            what["rule"] = old.get("rule", {}) if isinstance(old, dict) else {}
        return {"what": what} | _given(self.cleaned_data, ("days",))

    @property
    def rows(self) -> list[forms.BoundField]:
        return [self[name] for name in ("kind", "event", "days") if name != "event" or self["kind"].value() == "event"]


class WaysForm(StepForm):
    """A branch or a split: the names of its ways, and of a split the shares, and when one may win."""

    def ready(self) -> None:
        if self.raw["kind"] == "split":
            self.fields["winner_days"] = forms.IntegerField(
                label=_("The better way for all, after days"), min_value=1, max_value=365, required=False,
                initial=self.raw.get("winner_days"),
                help_text=_("From then on, as soon as one is proven better. Empty: the shares stay."),
            )  # fmt: skip
        for n, part in enumerate(self.parts(), start=1):
            self.fields[f"name_{n}"] = forms.CharField(
                label=_("Name of this way"), max_length=40, required=False, initial=part.get("name", "")
            )
            if self.raw["kind"] == "split":
                self.fields[f"percent_{n}"] = forms.IntegerField(
                    label=_("Percent"), min_value=1, max_value=100, required=False, initial=part.get("percent")
                )

    def parts(self) -> list[dict[str, Any]]:
        return [part for part in self.raw.get("ways") or self.raw.get("arms") or [] if isinstance(part, dict)]

    @property
    def rows(self) -> list[forms.BoundField]:
        return [self["winner_days"]] if "winner_days" in self.fields else []

    @property
    def ways(self) -> list[tuple[int, list[forms.BoundField]]]:
        found = []
        for n, _part in enumerate(self.parts(), start=1):
            found.append((n, [self[f"{name}_{n}"] for name in ("name", "percent") if f"{name}_{n}" in self.fields]))
        return found

    def data_of(self) -> dict[str, Any]:
        made = []
        for n, part in enumerate(self.parts(), start=1):
            own = {name: self.cleaned_data.get(f"{name}_{n}") for name in ("name", "percent")}
            kept = {name: value for name, value in part.items() if name not in own or f"{name}_{n}" in self.errors}
            made.append(kept | {name: value for name, value in own.items() if value not in (None, "")})
        return {"ways" if self.raw["kind"] == "branch" else "arms": made} | _given(self.cleaned_data, ("winner_days",))


class PointsForm(StepForm):
    amount = _whole(_("Points each"), 1, 100_000)
    most = _whole(_("To how many members at most"), 1, 10_000_000)
    plain = ("amount", "most")


class CouponForm(StepForm):
    template = _choice(_("Coupon"), [])
    most = _whole(_("To how many members at most"), 1, 10_000_000)
    is_only_live = forms.BooleanField(label=_("Not to who still has an unused one of this kind"))
    plain = ("template", "most", "is_only_live")
    flags = ("is_only_live",)

    def ready(self) -> None:
        known = (
            Template.objects.filter(version__isnull=False, is_pool=False)
            .order_by("-id")
            .values_list("key", "name")[:300]
        )
        self.fields["template"].choices = _with([("", "—"), *known], self.raw.get("template"))  # type: ignore[attr-defined]


class TagForm(StepForm):
    add = forms.MultipleChoiceField(label=_("Tags given"))
    remove = forms.MultipleChoiceField(label=_("Tags taken away"))
    plain = ("add", "remove")

    def ready(self) -> None:
        names = list(Tag.objects.order_by("name").values_list("name", flat=True)[:300])
        for which in self.plain:
            self.fields[which].choices = [(name, name) for name in names]  # type: ignore[attr-defined]


class AttributeForm(StepForm):
    field = _choice(_("Field"), [])
    value = _text(_("Its new value"), 200)
    plain = ("field", "value")

    def ready(self) -> None:
        known = Attribute.objects.filter(retired_at=None).values_list("key", "label")
        self.fields["field"].choices = _with([("", "—"), *known], self.raw.get("field"))  # type: ignore[attr-defined]


class FollowupForm(StepForm):
    task = _choice(_("What to do"), Task.Kind.choices)
    due_hours = _whole(_("Within hours"), 1, 720)
    title = _text(pgettext_lazy("task", "In one line"), 60)
    text = _text(pgettext_lazy("task", "What to say or show"), 500, rows=3)
    plain = ("task", "due_hours", "title", "text")


class WebhookForm(StepForm):
    endpoint = _choice(_("Endpoint"), [])
    plain = ("endpoint",)

    def ready(self) -> None:
        known = callees.names().items()
        self.fields["endpoint"].choices = _with([("", "—"), *known], self.raw.get("endpoint"))  # type: ignore[attr-defined]


FORMS: dict[str, type[StepForm]] = {
    "send": SendForm, "wait": WaitForm, "await": AwaitForm, "branch": WaysForm, "split": WaysForm, "points": PointsForm,
    "coupon": CouponForm, "tag": TagForm, "attribute": AttributeForm, "followup": FollowupForm, "webhook": WebhookForm,
}  # fmt: skip


class EntryForm(StepForm, TriggerForm):
    """Who comes in, how often, and what holds for every message of the journey."""

    kind = _choice(_("How members come in"), words.ENTRIES)
    is_from_now = forms.BooleanField(
        label=_("Only to whom it happens after the start"),
        help_text=_("Else also to whom it happened during the days before."),
    )
    is_with_current = forms.BooleanField(
        label=_("Also who is in it at the start"),
        help_text=_("However long they have been in the stage or segment; once, when the journey first runs."),
    )
    fact = _choice(_("What happens"), words.FACTS)
    event = _event(_("The brand's own begin with “custom.”."))
    only_property = _text(
        _("Only where this property"), 40, help_text=_("Such as store or sku; empty: every such event.")
    )
    only_values = _text(_("is one of"), 400, help_text=_("Values, with commas between them."))
    by = _text(_("Once per"), 40, help_text=_("A property, such as sku; empty: once per event."))
    at = _text(_("First time"), 25, help_text=_("Such as 2026-12-01T10:00, shop time."))
    every = _choice(_("And again"), [("", _("only once")), *words.EVERY.items()])
    until = _text(_("Last time"), 25)
    again = _choice(_("Walking it again"), words.AGAIN)
    again_days = _whole(_("Days after the last walk"), 0, 1000)
    holdout_percent = _whole(
        _("Held out, percent"), 0, 50, _("Walk like the others and get nothing, so that the effect can be told.")
    )
    return_days = _whole(_("Return counted for, days"), 1, 365)
    late_days = _whole(
        _("Too late after, days"),
        1,
        60,
        _("A message that comes due so late, after an outage or a pause, is not sent."),
    )
    per_minute = _whole(_("Messages of one step a minute, at most"), 1, 100_000)
    time_zone = _text(
        _("Time zone of who has none"), 40,
        help_text=_("Such as Asia/Tokyo, for members who have told none and whose store has none. Empty: shop time."),
    )  # fmt: skip
    numbers = ("holdout_percent", "return_days", "late_days", "per_minute")
    around = (*numbers, "time_zone")

    @property
    def trigger_now(self) -> str:
        asked = str(self["trigger"].value() or "")
        return asked if asked in Version.Trigger.values else Version.Trigger.STAGE_ENTERED.value

    def of(self, raw: dict[str, Any]) -> dict[str, Any]:
        entry, again = raw["entry"], raw.get("again") or {}
        whole: dict[str, Any] = {"late_days": 2, "return_days": 30, "holdout_percent": 0} | raw
        return (
            {
                name: entry.get(name, "")
                for name in (
                    "kind",
                    "trigger",
                    "fact",
                    "event",
                    "by",
                    "at",
                    "every",
                    "until",
                    "is_from_now",
                    "is_with_current",
                )
            }
            | _of_only(entry.get("only"))
            | {name: whole.get(name) for name in self.around}
            | policy_form.of_params(entry.get("params"))
            | {"again": again.get("kind", "never"), "again_days": again.get("days")}
        )

    @property
    def rows(self) -> list[forms.BoundField]:
        kind = str(self["kind"].value() or "call")
        asked = (
            [*PARAMS[self.trigger_now], "track_step"]
            if self.trigger_now == Version.Trigger.TRACK_STEP
            else PARAMS[self.trigger_now]
        )
        more = {
            "trigger": ["trigger", *(name for name in asked if name in self.fields)], "fact": ["fact"],
            "event": ["event", "only_property", "only_values", "by"], "schedule": ["at", "every", "until"],
        }  # fmt: skip
        return [self[name] for name in ["kind", *more.get(kind, [])]]

    @property
    def checks(self) -> list[forms.BoundField]:
        names = ["is_from_now", *(["is_with_current"] if self.trigger_now in graph.STANDING else [])]
        return [self[name] for name in names] if self["kind"].value() == "trigger" else []

    @property
    def repeats(self) -> list[forms.BoundField]:
        return [self["again"], *([self["again_days"]] if self["again"].value() == "after" else [])]

    @property
    def limits(self) -> list[forms.BoundField]:
        return [self[name] for name in self.around]

    def taken(self) -> dict[str, Any]:
        """The draft's fields around its steps, from the form."""
        self.is_valid()
        given = self.cleaned_data
        kept = {name: self.raw[name] for name in self.around if name in self.errors and name in self.raw}
        return kept | {"entry": self._entry(given), "again": self._again(given)} | _given(given, self.around)

    def _entry(self, given: dict[str, Any]) -> dict[str, Any]:
        kind = given.get("kind") or "call"
        old = self.raw["entry"]
        if kind != old.get("kind"):
            params = {"stage": "lapsing", "window_days": 14}
            fresh: dict[str, dict[str, Any]] = {
                "trigger": {"trigger": "stage_entered", "params": params},
                "fact": {"fact": "order.paid"},
                "event": {"event": "product_viewed"},
            }
            return {"kind": kind} | fresh.get(kind, {})
        if kind != "trigger":
            names = {"fact": ("fact",), "event": ("event", "by"), "schedule": ("at", "every", "until")}
            return {"kind": kind} | _given(given, names.get(kind, ())) | (_only(given) if kind == "event" else {})
        given["trigger"] = trigger = given.get("trigger") or "stage_entered"
        given.setdefault("track_step", "")
        params = self.params()
        if trigger == Version.Trigger.STAGE_ENTERED:
            params.setdefault("stage", "lapsing")
        own = {name: True for name in ("is_from_now", "is_with_current") if given.get(name)}
        if trigger not in graph.STANDING:
            own.pop("is_with_current", None)
        return own | {"kind": kind, "trigger": trigger, "params": params}

    def _again(self, given: dict[str, Any]) -> dict[str, Any]:
        kind = given.get("again") or "never"
        days = given.get("again_days")
        return {"kind": kind} | ({"days": 60 if days is None else days} if kind == "after" else {})


def form(draft: dict[str, Any], key: str, data: QueryDict | None = None) -> StepForm | None:
    """The form of what is open: a step, or the entry; None for what has none."""
    if key == ENTRY:
        return EntryForm(data, raw={name: value for name, value in draft.items() if name != "nodes"})
    raw = next((raw for raw in draft["nodes"] if raw["key"] == key), None)
    made = FORMS.get(raw["kind"]) if raw else None
    return (made or StepForm)(data, raw=raw) if raw else None


def _of_only(only: Any) -> dict[str, Any]:
    only = only if isinstance(only, dict) else {}
    return {"only_property": only.get("property", ""), "only_values": ", ".join(map(str, only.get("values", [])))}


def _only(given: dict[str, Any]) -> dict[str, Any]:
    """Nothing without a property: every such event is meant."""
    values = list(dict.fromkeys(word.strip() for word in _COMMAS.split(given.get("only_values") or "") if word.strip()))
    return {"only": {"property": given["only_property"], "values": values}} if given.get("only_property") else {}


def _given(given: dict[str, Any], names: Any) -> dict[str, Any]:
    return {name: given[name] for name in names if given.get(name) not in (None, "", [])}


def _with(choices: Any, value: Any) -> list[tuple[str, str]]:
    """The value stays choosable though it is not offered any more."""
    return [*choices, *([(value, value)] if value and value not in dict(choices) else [])]
