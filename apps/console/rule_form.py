"""The editor of a rule of earning: the closed grammar as plain fields, only those that go with what sets the rule off; findings of
the check go back to their fields. `definition` and `initial` are inverse, which a test keeps true for the whole grammar.
"""

from datetime import date, datetime, time
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.catalog.models import Category
from apps.console import rule_rows
from apps.console.policy_form import Tags, Yuan
from apps.console.rule_words import WEEKDAYS, names
from apps.core import clock
from apps.points import definitions
from apps.points.models import Currency, Rule

ORDERS = ("order", "first_order")
_GIVES = {
    "per_amount": gettext_lazy("Points by amount"),
    "fixed": gettext_lazy("A fixed number"),
    "multiplier": gettext_lazy("Points by amount, multiplied"),
    "streak": gettext_lazy("By days in a row"),
}
_PENDING = [
    ("", gettext_lazy("At once")),
    ("days", gettext_lazy("After some days")),
    ("on", gettext_lazy("From a day on")),
    ("fact", gettext_lazy("When the order is received")),
]
_EXPIRY = [
    ("", gettext_lazy("As this kind of points does")),
    ("never", gettext_lazy("Never")),
    ("after", gettext_lazy("After a time")),
    ("on", gettext_lazy("On a day of the year")),
]
_ROUND = [
    ("", gettext_lazy("To the day")),
    ("month", gettext_lazy("To the end of the month")),
    ("quarter", gettext_lazy("To the end of the quarter")),
    ("half_year", gettext_lazy("To the end of the half-year")),
    ("year", gettext_lazy("To the end of the year")),
]
_BIRTHDAY = [
    ("", gettext_lazy("Any day")),
    ("day", gettext_lazy("On the birthday")),
    ("month", gettext_lazy("In the month of the birthday")),
]
WORDS = ("tiers", "products", "categories", "stores", "channels")
DAYS = ("weekdays", "month_days")


def _whole(label: Any, most: int, least: int = 1, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=most, required=False, help_text=help_text)


def _several(label: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(label=label, required=False, widget=forms.CheckboxSelectMultiple)


class Numbers(Tags):
    """Whole numbers between commas."""

    def to_python(self, value: Any) -> Any:
        words = super().to_python(value)
        try:
            return [int(word) for word in words]
        except ValueError:
            raise forms.ValidationError(
                gettext_lazy("Whole numbers between commas are expected, such as 1, 15, 28.")
            ) from None

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(str(one) for one in value) if isinstance(value, list) else value


class Words(Tags):
    """Words between commas or on lines of their own."""

    def to_python(self, value: Any) -> Any:
        lines = str(value or "").replace("，", ",").replace("\n", ",").split(",")
        return [word.strip() for word in lines if word.strip()]


class NewRule(forms.Form):
    """What never changes afterwards, and the names."""

    name = forms.CharField(label=gettext_lazy("Name of the rule"), max_length=60)
    name_en = forms.CharField(label=gettext_lazy("English name"), max_length=60)
    trigger = forms.ChoiceField(label=gettext_lazy("What sets it off"), choices=Rule.Trigger.choices)
    currency = forms.ChoiceField(label=gettext_lazy("Kind of points"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = names().currencies
        self.fields["currency"].choices = [(row.key, known[row.pk]) for row in Currency.objects.all()]  # type: ignore[attr-defined]


class RuleForm(forms.Form):
    """`trigger` decides which fields there are. `lines` are the rows that can be several: steps, caps, properties."""

    name = forms.CharField(label=gettext_lazy("Name of the rule"), max_length=60)
    name_en = forms.CharField(label=gettext_lazy("English name"), max_length=60)
    kind = forms.ChoiceField(label=pgettext_lazy("rule", "Gives"))
    points = _whole(gettext_lazy("Points"), 1_000_000)
    per_cents = Yuan(label=gettext_lazy("For every so many yuan"), required=False)
    factor = forms.CharField(
        label=gettext_lazy("Factor"), help_text=gettext_lazy("Such as 1.5 or 2."), max_length=5, required=False
    )
    cycle = _whole(gettext_lazy("Days after which the count begins anew"), 366, 2)
    event_name = forms.CharField(label=gettext_lazy("Name of the event"), max_length=40, required=False)
    task_key = forms.CharField(
        label=gettext_lazy("Key of the task"), max_length=40, required=False,
        help_text=gettext_lazy(
            "profile_complete and first_order are recognised by themselves; any other is told by whoever sees it done."
        ),
    )  # fmt: skip
    coupon = forms.ChoiceField(label=gettext_lazy("Coupon beside the points"), required=False)
    is_made_up = forms.BooleanField(label=gettext_lazy("Missed days can be made up"), required=False)
    make_up_free = _whole(gettext_lazy("Free ones a month"), 31)
    make_up_points = _whole(gettext_lazy("Points for each further one"), 1_000_000)
    make_up_back = _whole(gettext_lazy("Days back at most"), 31)
    tiers = _several(gettext_lazy("Tiers"))
    products = Words(
        label=gettext_lazy("Products"), help_text=gettext_lazy("SKUs between commas or on lines of their own."), required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )  # fmt: skip
    categories = forms.MultipleChoiceField(label=gettext_lazy("Categories"), required=False)
    stores = forms.MultipleChoiceField(label=gettext_lazy("Stores"), required=False)
    channels = Words(
        label=gettext_lazy("Channels of orders"), help_text=gettext_lazy("Such as store, mini-program."), required=False
    )
    weekdays = _several(gettext_lazy("Days of the week"))
    month_days = Numbers(
        label=gettext_lazy("Days of the month"), help_text=gettext_lazy("Such as 1, 15, 28."), required=False
    )
    birthday = forms.ChoiceField(label=gettext_lazy("Birthday"), choices=_BIRTHDAY, required=False)
    min_cents = Yuan(label=gettext_lazy("Total of the order in yuan, at least"), required=False)
    from_day = forms.DateField(label=gettext_lazy("From the day"), widget=rule_rows.Day, required=False)
    from_time = forms.TimeField(label=gettext_lazy("Time of the first day"), widget=rule_rows.Time, required=False)
    to_day = forms.DateField(label=gettext_lazy("To the day, which counts"), widget=rule_rows.Day, required=False)
    to_time = forms.TimeField(
        label=gettext_lazy("Before this time of the last day"), widget=rule_rows.Time, required=False
    )
    times_most = _whole(gettext_lazy("How often a member may have it"), 10_000)
    times_per = forms.ChoiceField(
        label=pgettext_lazy("limit", "Within"), choices=rule_rows.PERIODS[1:], initial="life", required=False
    )
    pending = forms.ChoiceField(label=gettext_lazy("Points can be used"), choices=_PENDING, required=False)
    pending_days = _whole(gettext_lazy("Days until then"), 3650)
    pending_date = forms.DateField(label=gettext_lazy("From the day"), widget=rule_rows.Day, required=False)
    receipt_days = _whole(gettext_lazy("Days after receipt"), 3650, 1, gettext_lazy("Empty: at once."))
    lapse_days = _whole(gettext_lazy("Dropped when not received within days"), 3650)
    expiry = forms.ChoiceField(label=gettext_lazy("Points expire"), choices=_EXPIRY, required=False)
    expiry_days = _whole(gettext_lazy("Days of life"), 36_500, 0)
    expiry_months = _whole(gettext_lazy("Or months of life"), 1200)
    round_to = forms.ChoiceField(label=gettext_lazy("Rounded up"), choices=_ROUND, required=False)
    expiry_month = _whole(gettext_lazy("Month"), 12)
    expiry_day = _whole(gettext_lazy("Day"), 31)
    expiry_years = _whole(gettext_lazy("Years later"), 50, 0, gettext_lazy("Empty or 0: the next such day."))

    def __init__(self, *args: Any, trigger: str, kept: Any = None, **kwargs: Any) -> None:
        """`kept`: the draft that is edited; what it names stays to choose even where it no longer exists."""
        super().__init__(*args, **kwargs)
        self.trigger = trigger
        for name in _absent(trigger):
            del self.fields[name]
        kinds = [(kind, text) for kind, text in _GIVES.items() if kind in definitions.GIVES.get(trigger, {"fixed"})]
        self._choose("kind", kinds, [])
        when = kept.get("when", {}) if isinstance(kept, dict) else {}
        known = names()
        choices: dict[str, list[tuple[str, Any]]] = {
            "tiers": list(known.tiers.items()),
            "stores": list(known.stores.items()),
            "categories": [(name, name) for name in Category.objects.order_by("name").values_list("name", flat=True)],
            "weekdays": [(str(number), word) for number, word in enumerate(WEEKDAYS, start=1)],
        }
        coupon = kept.get("coupon") if isinstance(kept, dict) else None
        self._choose("coupon", rule_rows.coupons(), [coupon] if isinstance(coupon, str) else [])
        for name, listed in choices.items():
            self._choose(name, listed, [str(one) for one in when.get(name, ())])
        if trigger not in ORDERS and "pending" in self.fields:
            self._choose("pending", _PENDING[:3], [])
        sent = self.data if self.is_bound else None
        self.lines = rule_rows.sets(self.initial.get("lines", {}), trigger=trigger, data=sent)

    def _choose(self, name: str, choices: list[tuple[str, Any]], kept: list[str]) -> None:
        if name in self.fields:
            missing = [(one, one) for one in kept if one not in {value for value, _text in choices}]
            self.fields[name].choices = [*choices, *missing]  # type: ignore[attr-defined]

    def is_valid(self) -> bool:
        return super().is_valid() & all(found.is_valid() for found in self.lines.values() if found.is_bound)

    def definition(self) -> dict[str, Any]:
        """Of valid fields: what is empty is left out; what is missing is for the check to say."""
        said = {
            name: value
            for name, value in self.cleaned_data.items()
            if value is not None and value != "" and value != []
        }
        rows = {name: rule_rows.filled(found) for name, found in self.lines.items()}
        parts = {
            "give": _give(said, rows),
            "when": _when(said),
            "event": _event(said, rows) if self.trigger == "event" else {},
            "task": {"key": said["task_key"]} if "task_key" in said else {},
            "coupon": said.get("coupon"),
            "times": {"per": said.get("times_per", "life"), "most": said["times_most"]} if "times_most" in said else {},
            "caps": rows["caps"],
            "pending": _pending(said),
            "expiry": _expiry(said),
        }
        found = {name: value for name, value in parts.items() if value}
        if said.get("is_made_up"):
            found["make_up"] = _picked(
                said, free_per_month="make_up_free", points="make_up_points", days_back="make_up_back"
            )
        return found

    def show(self, errors: list[dict[str, str]]) -> None:
        """Put the check's findings at their fields, or above all where there is none."""
        for error in errors:
            parts = error["pointer"].strip("/").split("/")
            if parts[0] == "caps" or parts[:2] == ["give", "steps"] or parts[:2] == ["event", "properties"]:
                rule_rows.show(self.lines, parts, error["message"])
                self.add_error(None, error["message"])
                continue
            name = _FIELDS.get(
                "/".join(parts), _FIELDS.get("/".join(parts[:2]), parts[1] if len(parts) > 1 else parts[0])
            )
            self.add_error(name if name in self.fields else None, error["message"])


_FIELDS = {
    "give/kind": "kind", "when/from": "from_day", "when/to": "to_day", "event": "event_name", "event/name": "event_name",
    "task": "task_key", "task/key": "task_key", "times/most": "times_most", "times/per": "times_per", "pending/kind": "pending",
    "pending/days": "pending_days", "pending/date": "pending_date", "expiry/kind": "expiry", "expiry/days": "expiry_days",
    "expiry/months": "expiry_months", "expiry/month": "expiry_month", "expiry/day": "expiry_day", "expiry/years": "expiry_years",
    "make_up/free_per_month": "make_up_free", "make_up/points": "make_up_points", "make_up/days_back": "make_up_back",
}  # fmt: skip


def _absent(trigger: str) -> set[str]:
    """Fields that do not go with the trigger."""
    found = {"event_name"} if trigger != "event" else set()
    found |= {"task_key", "coupon"} if trigger != "task" else set()
    if trigger != "sign_in":
        found |= {"cycle", "is_made_up", "make_up_free", "make_up_points", "make_up_back"}
    if trigger not in ORDERS:
        found |= {
            "products",
            "categories",
            "stores",
            "channels",
            "min_cents",
            "per_cents",
            "lapse_days",
            "receipt_days",
        }
    return found if trigger == "order" else found | {"factor"}


def _picked(said: dict[str, Any], **names_of: str) -> dict[str, Any]:
    return {name: said[own] for name, own in names_of.items() if own in said}


def _give(said: dict[str, Any], rows: dict[str, Any]) -> dict[str, Any]:
    wanted = {
        "per_amount": ("points", "per_cents"), "fixed": ("points",), "multiplier": ("factor",), "streak": ("points", "cycle"),
    }[said["kind"]]  # fmt: skip
    give = {"kind": said["kind"]} | {name: said[name] for name in wanted if name in said}
    return give | ({"steps": rows["steps"]} if said["kind"] == "streak" and rows["steps"] else {})


def _when(said: dict[str, Any]) -> dict[str, Any]:
    when = {name: said[name] for name in (*WORDS, "month_days", "birthday", "min_cents") if name in said}
    if "weekdays" in said:
        when["weekdays"] = [int(day) for day in said["weekdays"]]
    for end in ("from", "to"):
        if f"{end}_day" in said:
            when[end] = text_of(said[f"{end}_day"], said.get(f"{end}_time"))
    return when


def _event(said: dict[str, Any], rows: dict[str, Any]) -> dict[str, Any]:
    asked = {row["name"]: row["value"] for row in rows["properties"]}
    event = {"name": said["event_name"]} if "event_name" in said else {}
    return event | ({"properties": asked} if asked else {})


def _pending(said: dict[str, Any]) -> dict[str, Any]:
    match said.get("pending"):
        case "days":
            return {"kind": "days"} | _picked(said, days="pending_days")
        case "on":
            return {"kind": "on"} | ({"date": f"{said['pending_date']:%Y-%m-%d}"} if "pending_date" in said else {})
        case "fact":
            picked = _picked(said, days="receipt_days", lapse_days="lapse_days")
            return {"kind": "fact", "fact": "order.received"} | picked
    return {}


def _expiry(said: dict[str, Any]) -> dict[str, Any]:
    match said.get("expiry"):
        case "never":
            return {"kind": "never"}
        case "after":
            return {"kind": "after"} | _picked(said, days="expiry_days", months="expiry_months", round_to="round_to")
        case "on":
            return {"kind": "on"} | _picked(said, month="expiry_month", day="expiry_day", years="expiry_years")
    return {}


def initial(rule: Rule, draft: Any) -> dict[str, Any]:
    """The fields of a draft, whole or not; what makes no sense is left out."""
    said = draft if isinstance(draft, dict) else {}
    part = {
        name: _group(said, name) for name in ("give", "when", "event", "task", "make_up", "times", "pending", "expiry")
    }
    give, when, times, pending, expiry = (part[name] for name in ("give", "when", "times", "pending", "expiry"))
    values: dict[str, Any] = {"name": rule.name, "name_en": rule.name_en}
    values |= {name: give.get(name) for name in ("kind", "points", "per_cents", "factor", "cycle")}
    values |= {name: when.get(name) for name in (*WORDS, *DAYS, "birthday", "min_cents")}
    values |= {
        "event_name": part["event"].get("name"),
        "task_key": part["task"].get("key"),
        "coupon": said.get("coupon"),
    }
    for end in ("from", "to"):
        values[f"{end}_day"], values[f"{end}_time"] = day_and_time(when.get(end))
    values |= {
        "is_made_up": "make_up" in said, "make_up_free": part["make_up"].get("free_per_month"),
        "make_up_points": part["make_up"].get("points"), "make_up_back": part["make_up"].get("days_back"),
        "times_most": times.get("most"), "times_per": times.get("per", "life"), "pending": pending.get("kind"),
        "pending_days": pending.get("days"), "receipt_days": pending.get("days"),
        "pending_date": pending.get("date"), "lapse_days": pending.get("lapse_days"),
        "expiry": expiry.get("kind"), "expiry_days": expiry.get("days"), "expiry_months": expiry.get("months"),
        "round_to": expiry.get("round_to"), "expiry_month": expiry.get("month"), "expiry_day": expiry.get("day"),
        "expiry_years": expiry.get("years"),
        "lines": {
            "steps": give.get("steps", ()), "caps": said.get("caps", ()),
            "properties": [{"name": name, "value": value} for name, value in part["event"].get("properties", {}).items()],
        },
    }  # fmt: skip
    return values


def _group(said: dict[str, Any], name: str) -> dict[str, Any]:
    found = said.get(name)
    return found if isinstance(found, dict) else {}


def text_of(day: date, at: time | None) -> str:
    """As definitions write a day or a moment of the shop."""
    if at is None:
        return day.isoformat()
    return f"{day.isoformat()}T{at.isoformat('seconds' if at.second else 'minutes')}"


def day_and_time(text: Any) -> tuple[date | None, time | None]:
    """In shop time."""
    if not isinstance(text, str):
        return None, None
    try:
        if len(text) == 10:
            return date.fromisoformat(text), None
        moment: datetime = clock.local(clock.start_of(text))
    except (ValueError, OverflowError):
        return None, None
    return moment.date(), moment.time()


def as_post(form: Any) -> MultiValueDict[str, Any]:
    """The fields of a form with `lines` as a browser would send them back."""
    sent: MultiValueDict[str, Any] = MultiValueDict()
    for part in (form, *(row for found in form.lines.values() for row in (found.management_form, *found.forms))):
        for bound in part:
            value = bound.value()
            if isinstance(bound.field, forms.MultipleChoiceField):
                sent.setlist(bound.html_name, list(value or ()))
            elif value is not None and value is not False and value != "":
                sent[bound.html_name] = "on" if value is True else str(value)
    return sent
