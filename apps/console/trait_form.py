"""A computed trait or a score as plain fields: from the form to the definition and back, findings at their fields."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.activity import catalogue
from apps.console import behaviour
from apps.segments.traits import shape

KINDS = [
    ("count", pgettext_lazy("trait", "How many")),
    ("sum", pgettext_lazy("trait", "Sum")),
    ("avg", pgettext_lazy("trait", "Average")),
    ("min", pgettext_lazy("trait", "Lowest, or earliest")),
    ("max", pgettext_lazy("trait", "Highest, or latest")),
    ("first", pgettext_lazy("trait", "The first")),
    ("last", pgettext_lazy("trait", "The last")),
    ("top", pgettext_lazy("trait", "The most frequent")),
    ("score", pgettext_lazy("trait", "A score: points for what happens")),
]
OVER = [
    ("orders", gettext_lazy("Kept orders")),
    ("lines", gettext_lazy("Goods of kept orders")),
    ("events", gettext_lazy("Behaviour")),
]
OF = [
    ("", gettext_lazy("Choose")),
    ("net_cents", gettext_lazy("Amount of the order, in 分")),
    ("cents", gettext_lazy("Amount of the line, in 分")),
    ("quantity", gettext_lazy("Pieces")),
    ("product", gettext_lazy("Product")),
    ("category", gettext_lazy("Category")),
    ("brand", gettext_lazy("Brand")),
    ("store", gettext_lazy("Store")),
    ("channel", pgettext_lazy("orders", "Channel")),
    ("paid_at", gettext_lazy("Moment of payment")),
    ("occurred_at", gettext_lazy("Moment of the event")),
    ("property", gettext_lazy("A property of the event")),
]
WHERE = {
    "stores": gettext_lazy("Only in these stores"),
    "channels": gettext_lazy("Only by these channels"),
    "products": gettext_lazy("Only these products"),
    "categories": gettext_lazy("Only these categories"),
    "brands": gettext_lazy("Only these brands"),
}
_SPLIT = re.compile(r"[,，、;；\n]+")


def _number(label: Any, most: int, least: int = 1, **more: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=most, required=False, **more)


class TraitForm(forms.Form):
    name = forms.CharField(label=pgettext_lazy("trait", "Name"), max_length=60)
    kind = forms.ChoiceField(label=gettext_lazy("Kind of figure"), choices=KINDS)
    over = forms.ChoiceField(label=gettext_lazy("Out of"), choices=OVER, required=False)
    event = forms.ChoiceField(label=gettext_lazy("Which behaviour"), required=False)
    of = forms.ChoiceField(label=gettext_lazy("What of it"), choices=OF, required=False)
    of_property = forms.CharField(label=gettext_lazy("Name of the property"), max_length=80, required=False)
    n = _number(gettext_lazy("How many words"), shape.MOST_WORDS, initial=3)
    last_days = _number(gettext_lazy("Only the last days"), shape.MOST_DAYS, help_text=gettext_lazy("Empty: ever."))
    hours = forms.BooleanField(label=gettext_lazy("Counted in hours, not in whole shop days"), required=False)
    at_least = _number(gettext_lazy("Only orders of at least (yuan)"), 10**9, 0)
    days = _number(gettext_lazy("Days looked back on"), shape.MOST_DAYS, initial=90)
    half_life_days = _number(gettext_lazy("Half-life in days"), shape.MOST_DAYS)
    cap = _number(pgettext_lazy("score", "At most"), 10**9, -(10**9))
    floor = _number(pgettext_lazy("score", "At least"), 10**9, -(10**9))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["event"].choices = _events(str(self.initial.get("event", "")))  # type: ignore[attr-defined]
        for name, label in WHERE.items():
            self.fields[name] = forms.CharField(label=label, max_length=400, required=False)

    @property
    def narrowing(self) -> list[Any]:
        return [self[name] for name in WHERE]

    def definition(self, entries: list[dict[str, Any]]) -> dict[str, Any]:
        """Of valid fields; `shape.check` says whether it makes sense."""
        said = self.cleaned_data
        if said["kind"] == "score":
            given = {name: said[name] for name in ("half_life_days", "cap", "floor") if said[name] is not None}
            return {"kind": "score", "entries": entries, "days": said["days"] or 90} | given
        made: dict[str, Any] = {"kind": said["kind"], "over": said["over"] or "orders"}
        if made["over"] == "events":
            made["event"] = said["event"]
        if made["kind"] != "count":
            made["of"] = shape.PROPERTY + said["of_property"] if said["of"] == "property" else said["of"]
        if made["kind"] == "top":
            made["n"] = said["n"] or 3
        if said["last_days"]:
            made["within"] = {"last_days": said["last_days"]} | ({"counted": "hours"} if said["hours"] else {})
        where = self._where(made["over"])
        return made | ({"where": where} if where else {})

    def _where(self, over: str) -> dict[str, Any]:
        """What stands in fields that the page hides for this source counts for nothing."""
        lists = {name: _words(self.cleaned_data[name]) for name in WHERE if name in shape.WHERE[over]}
        found: dict[str, Any] = {name: words for name, words in lists.items() if words}
        if over == "orders" and self.cleaned_data["at_least"] is not None:
            found["at_least_cents"] = self.cleaned_data["at_least"] * 100
        return found


class EntryForm(forms.Form):
    event = forms.ChoiceField(label=gettext_lazy("For"), required=False)
    points = _number(pgettext_lazy("score", "Points"), shape.MOST_POINTS, -shape.MOST_POINTS)
    most_a_day = _number(gettext_lazy("At most so often a day"), 10_000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first = [("", "—"), (shape.ORDER, gettext_lazy("a kept order"))]
        self.fields["event"].choices = [*first, *_events(str(self.initial.get("event", "")))]  # type: ignore[attr-defined]


EntrySet = forms.formset_factory(EntryForm, extra=2, max_num=shape.MOST_ENTRIES, validate_max=True)


def entries_of(rows: Any) -> list[dict[str, Any]]:
    """Rows that name something; without points an entry counts one."""
    found = []
    for row in rows:
        said = row.cleaned_data
        if said.get("event"):
            most = {"most_a_day": said["most_a_day"]} if said["most_a_day"] else {}
            kept = {"properties": row.initial["properties"]} if _keeps_properties(row, said) else {}
            found.append(
                {"event": said["event"], "points": 1 if said["points"] is None else said["points"]} | most | kept
            )
    return found


def initial(name: str, definition: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Fields and rows of a definition that exists."""
    if definition["kind"] == "score":
        return {"name": name} | definition, definition["entries"]
    where, window, of = definition.get("where", {}), definition.get("within", {}), definition.get("of", "")
    fields = {"name": name} | {key: definition[key] for key in ("kind", "over", "event", "n") if key in definition}
    fields |= {key: "，".join(words) for key, words in where.items() if key in WHERE}
    if "at_least_cents" in where:
        fields["at_least"] = where["at_least_cents"] // 100
    fields |= {"last_days": window.get("last_days"), "hours": window.get("counted") == "hours"}
    if of.startswith(shape.PROPERTY):
        return fields | {"of": "property", "of_property": of.removeprefix(shape.PROPERTY)}, []
    return fields | {"of": of}, []


def show(form: TraitForm, errors: Any) -> None:
    for error in errors:
        name = str(error["pointer"]).strip("/").split("/")[0]
        field = {"where": None, "entries": None, "within": "last_days"}.get(name, name)
        form.add_error(field if field in form.fields else None, str(error["message"]))


def _events(held: str) -> list[tuple[str, str]]:
    """Every event of the house, and the brand's own that stands there already."""
    own = [held] if held.startswith(catalogue.CUSTOM) else []
    return [(name, behaviour.title(name)) for name in [*(one.name for one in catalogue.TYPES), *own]]


def _keeps_properties(row: Any, said: dict[str, Any]) -> bool:
    return bool(row.initial.get("properties")) and row.initial.get("event") == said["event"]


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(word.strip() for word in _SPLIT.split(text) if word.strip()))
