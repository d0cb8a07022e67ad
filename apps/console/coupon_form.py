"""The designer of coupons: the closed grammar of terms as plain fields, and what of a template may change at once.

Findings of the check go back to their fields. `terms` and `initial` are inverse, which a test keeps true for the whole grammar.
"""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.catalog.models import Category
from apps.console import coupon_rows
from apps.console.policy_form import Yuan
from apps.console.reason_field import Reason
from apps.console.rule_form import Words, as_post, day_and_time, text_of
from apps.console.rule_rows import Day, Time
from apps.console.rule_words import WEEKDAYS
from apps.coupons import templates
from apps.coupons import terms as grammar
from apps.coupons.models import Template
from apps.coupons.words import CHANNELS, WITHOUT
from apps.segments import keys
from apps.stores.models import Store

KINDS = {
    "amount": gettext_lazy("So many yuan off"),
    "percent": gettext_lazy("A part off, in percent"),
    "steps": gettext_lazy("Spend and save, in steps"),
    "fixed_price": gettext_lazy("One thing at a fixed price"),
    "free_item": gettext_lazy("One thing for nothing"),
    "exchange": gettext_lazy("A gift for the coupon"),
    "shipping": gettext_lazy("Free shipping"),
}
LEVELS = {"order": gettext_lazy("The whole order"), "item": gettext_lazy("One line of it")}
_LEVEL_OF = {
    "steps": "order", "fixed_price": "item", "free_item": "item", "exchange": "gift", "shipping": "shipping",
}  # fmt: skip
_VALID = [
    ("after_claim", gettext_lazy("Some days from the claim on")),
    ("between", gettext_lazy("The same days for all")),
]
_GOODS = ("products", "categories", "brands")
_GIVES = {
    "amount": ("cents",), "percent": ("off", "at_most_cents"), "steps": ("steps",), "fixed_price": ("cents",), "free_item": (),
    "exchange": ("what", "what_en", "worth_cents"), "shipping": ("at_most_cents",),
}  # fmt: skip
_PLAIN = (
    "minimum_cents",
    "minimum_quantity",
    "stores",
    "channels",
    "tiers",
    "segments",
    "groups",
    "without",
    "store_share",
    "text",
    "text_en",
)


def _whole(label: Any, most: int, least: int = 1, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=most, required=False, help_text=help_text)


def _several(label: Any, choices: Any = ()) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(label=label, required=False, choices=choices, widget=forms.CheckboxSelectMultiple)


def _moment(label: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, required=False, widget=widget)


def _skus(label: Any) -> Words:
    widget = forms.Textarea(attrs={"rows": 2, "spellcheck": "false"})
    return Words(
        label=label,
        required=False,
        widget=widget,
        help_text=gettext_lazy("SKUs between commas or on lines of their own."),
    )


class NewCoupon(forms.Form):
    """Enough to begin a draft."""

    name = forms.CharField(label=gettext_lazy("Name, as members read it"), max_length=60)
    name_en = forms.CharField(label=gettext_lazy("English name"), max_length=60, required=False)
    kind = forms.ChoiceField(label=gettext_lazy("What it gives"), choices=list(KINDS.items()))
    most = _whole(gettext_lazy("How many there are"), 100_000_000, 1, gettext_lazy("Empty: without end."))


class CouponForm(forms.Form):
    """`lines` are the rows that can be several: steps and hours."""

    name = forms.CharField(label=gettext_lazy("Name, as members read it"), max_length=60)
    name_en = forms.CharField(label=gettext_lazy("English name"), max_length=60, required=False)
    kind = forms.ChoiceField(label=gettext_lazy("What it gives"), choices=list(KINDS.items()))
    cents = Yuan(label=gettext_lazy("Yuan"), required=False)
    off = _whole(gettext_lazy("Percent off"), 100, 1, gettext_lazy("10 takes a tenth off."))
    at_most_cents = Yuan(label=gettext_lazy("At most, yuan"), required=False)
    what = forms.CharField(label=gettext_lazy("What is handed out"), max_length=60, required=False)
    what_en = forms.CharField(label=gettext_lazy("The same in English"), max_length=60, required=False)
    worth_cents = Yuan(label=gettext_lazy("What one costs, yuan"), required=False)
    level = forms.ChoiceField(label=gettext_lazy("Falls on"), choices=list(LEVELS.items()), required=False)
    units = _whole(gettext_lazy("Units of the line at most"), 999)
    minimum_cents = Yuan(label=gettext_lazy("From so many yuan on"), required=False)
    minimum_quantity = _whole(gettext_lazy("From so many pieces on"), 999)
    only_products = _skus(gettext_lazy("Only these products"))
    only_categories = forms.MultipleChoiceField(label=gettext_lazy("Only these categories"), required=False)
    only_brands = Words(label=gettext_lazy("Only these brands"), required=False)
    never_products = _skus(gettext_lazy("Never these products"))
    never_categories = forms.MultipleChoiceField(label=gettext_lazy("Never these categories"), required=False)
    never_brands = Words(label=gettext_lazy("Never these brands"), required=False)
    stores = forms.MultipleChoiceField(label=gettext_lazy("Only in these stores"), required=False)
    channels = _several(gettext_lazy("Only by these channels"))
    tiers = _several(gettext_lazy("Only for these tiers"))
    segments = forms.MultipleChoiceField(label=gettext_lazy("Only in these segments"), required=False)
    groups = Words(
        label=gettext_lazy("Only for these groups"), required=False, help_text=gettext_lazy("Keys between commas.")
    )
    list_price_only = forms.BooleanField(
        label=gettext_lazy("Not on goods with a member, limited-time or bundle price"), required=False
    )
    first_order = forms.BooleanField(label=gettext_lazy("Only for the first order"), required=False)
    weekdays = _several(gettext_lazy("Days of the week"), [(str(n), word) for n, word in enumerate(WEEKDAYS, start=1)])
    without = _several(gettext_lazy("Not together with"), list(WITHOUT.items()))
    valid = forms.ChoiceField(label=gettext_lazy("It counts"), choices=_VALID)
    days = _whole(pgettext_lazy("coupon", "So many days"), 3650)
    starts_after = _whole(gettext_lazy("Beginning so many days after the claim"), 365)
    from_day = forms.DateField(label=gettext_lazy("From the day"), widget=Day, required=False)
    from_time = forms.TimeField(label=gettext_lazy("Time of the first day"), widget=Time, required=False)
    to_day = forms.DateField(label=gettext_lazy("To the day, which counts"), widget=Day, required=False)
    to_time = forms.TimeField(label=gettext_lazy("Before this time of the last day"), widget=Time, required=False)
    store_share = _whole(gettext_lazy("Percent of the cost that the store bears"), 100)
    text = forms.CharField(
        label=gettext_lazy("More rules in your own words"), max_length=200, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )  # fmt: skip
    text_en = forms.CharField(
        label=gettext_lazy("The same in English"),
        max_length=200,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    per_member = _whole(gettext_lazy("For one member at most"), 1000, 1, gettext_lazy("Empty: without end."))
    opens_at = _moment(gettext_lazy("To be claimed from"))
    closes_at = _moment(gettext_lazy("To be claimed until"))
    is_in_centre = forms.BooleanField(label=gettext_lazy("Shown in the coupon centre"), required=False)
    is_flash = forms.BooleanField(label=gettext_lazy("A flash sale: many at the same moment"), required=False)
    is_pool = forms.BooleanField(label=gettext_lazy("Codes come from a partner's file"), required=False)
    is_giftable = forms.BooleanField(label=gettext_lazy("May be given to a friend"), required=False)

    def __init__(self, *args: Any, tiers: dict[str, str], kept: Any = None, **kwargs: Any) -> None:
        """`kept`: the terms that are edited; what they name stays to choose even where it no longer exists."""
        super().__init__(*args, **kwargs)
        said = kept if isinstance(kept, dict) else {}
        names = list(Category.objects.order_by("name").values_list("name", flat=True))
        categories = [(name, name) for name in names]
        self._choose("only_categories", categories, _group(said, "only").get("categories", []))
        self._choose("never_categories", categories, _group(said, "never").get("categories", []))
        self._choose("stores", list(Store.objects.order_by("code").values_list("code", "name")), said.get("stores", []))
        self._choose("tiers", list(tiers.items()), said.get("tiers", []))
        self._choose("channels", list(CHANNELS.items()), said.get("channels", []))
        self._choose("segments", keys.choices(), said.get("segments", []))
        sent = self.data if self.is_bound else None
        self.lines = coupon_rows.sets(self.initial.get("lines", {}), data=sent)

    def _choose(self, name: str, choices: list[tuple[str, Any]], kept: Any) -> None:
        known = {value for value, _text in choices}
        self.fields[name].choices = [*choices, *((one, one) for one in kept if one not in known)]  # type: ignore[attr-defined]

    def is_valid(self) -> bool:
        return super().is_valid() & all(found.is_valid() for found in self.lines.values())

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        opens, closes = said.get("opens_at"), said.get("closes_at")
        if opens and closes and closes <= opens:
            self.add_error("closes_at", gettext_lazy("The end must come after the beginning."))
        return said

    def own(self) -> dict[str, Any]:
        """Of valid fields: what `templates.save` takes beside the draft."""
        return {name: self.cleaned_data[name] for name in templates.OPEN_FIELDS}

    def terms(self) -> dict[str, Any]:
        """Of valid fields: what is empty is left out; what is missing is for the check to say."""
        said = {name: value for name, value in self.cleaned_data.items() if value not in (None, "", [], False)}
        rows = {name: coupon_rows.filled(found) for name, found in self.lines.items()}
        kind = said["kind"]
        given = said | ({"steps": rows["steps"]} if rows["steps"] else {})
        found: dict[str, Any] = {
            "gives": {"kind": kind} | {name: given[name] for name in _GIVES[kind] if name in given},
            "level": _LEVEL_OF.get(kind) or said.get("level", "order"),
        }
        if found["level"] == "item" and "units" in said:
            found["units"] = said["units"]
        for lists in ("only", "never"):
            goods = {name: said[f"{lists}_{name}"] for name in _GOODS if f"{lists}_{name}" in said}
            found |= {lists: goods} if goods else {}
        found |= {name: said[name] for name in _PLAIN if name in said}
        found |= {"weekdays": [int(day) for day in said["weekdays"]]} if "weekdays" in said else {}
        found |= {"hours": rows["hours"]} if rows["hours"] else {}
        found |= {name: True for name in ("first_order", "list_price_only") if name in said}
        return found | {"valid": _valid(said)}

    def show(self, errors: list[dict[str, str]]) -> None:
        """Put the check's findings at their fields, or above all where there is none."""
        for error in errors:
            parts = error["pointer"].strip("/").split("/")
            if parts[0] == "hours" or parts[:2] == ["gives", "steps"]:
                coupon_rows.show(self.lines, parts, error["message"])
                self.add_error(None, error["message"])
                continue
            path = "/".join(parts[:2])
            name = _FIELDS.get(path, "_".join(parts[:2]) if parts[0] in {"only", "never"} else parts[-1])
            name = name if name in self.fields else parts[0]
            self.add_error(name if name in self.fields else None, error["message"])


_FIELDS = {"valid/from": "from_day", "valid/to": "to_day", "valid/kind": "valid", "gives/kind": "kind"}


def _valid(said: dict[str, Any]) -> dict[str, Any]:
    if said["valid"] == "after_claim":
        return {"kind": "after_claim"} | {name: said[name] for name in ("days", "starts_after") if name in said}
    ends = {end: text_of(said[f"{end}_day"], said.get(f"{end}_time")) for end in ("from", "to") if f"{end}_day" in said}
    return {"kind": "between"} | ends


def initial(row: Template, draft: Any) -> dict[str, Any]:
    """The fields of a draft, whole or not; what makes no sense is left out."""
    said = draft if isinstance(draft, dict) else {}
    gives, valid = _group(said, "gives"), _group(said, "valid")
    values: dict[str, Any] = {name: getattr(row, name) for name in templates.OPEN_FIELDS}
    values |= {name: said.get(name) for name in (*_PLAIN, "units", "first_order", "list_price_only", "weekdays")}
    values["level"] = said.get("level") if said.get("level") in LEVELS else "order"
    values |= {
        name: gives.get(name) for name in ("kind", "cents", "off", "at_most_cents", "what", "what_en", "worth_cents")
    }
    for lists in ("only", "never"):
        values |= {f"{lists}_{name}": _group(said, lists).get(name) for name in _GOODS}
    values |= {"valid": valid.get("kind"), "days": valid.get("days"), "starts_after": valid.get("starts_after")}
    for end in ("from", "to"):
        values[f"{end}_day"], values[f"{end}_time"] = day_and_time(valid.get(end))
    return values | {"lines": {"steps": gives.get("steps", ()), "hours": said.get("hours", ())}}


def begun(kind: str) -> dict[str, Any]:
    """The first draft of a template of this kind: what is to be filled in is missing."""
    return {
        "gives": {"kind": kind},
        "level": _LEVEL_OF.get(kind, "order"),
        "valid": {"kind": "after_claim", "days": 30},
    }


def findings(row: Template, tiers: dict[str, str], errors: Any) -> CouponForm:
    """The stored draft as the form would send it, with the findings at their fields."""
    text = edited(row)
    blank = CouponForm(initial=initial(row, text), tiers=tiers, kept=text)
    form = CouponForm(as_post(blank), tiers=tiers, kept=text)
    form.is_valid()
    form.show(errors)
    return form


def edited(row: Template) -> Any:
    return row.draft if row.draft is not None or row.version is None else row.version.terms


def checked(form: CouponForm) -> dict[str, Any]:
    """The terms of a valid form. Raises ValidationFailed."""
    return grammar.checked(form.terms())


def _group(said: dict[str, Any], name: str) -> dict[str, Any]:
    found = said.get(name)
    return found if isinstance(found, dict) else {}


class StockForm(forms.Form):
    most = _whole(gettext_lazy("How many there are in all"), 100_000_000, 1, gettext_lazy("Empty: without end."))
    low_at = _whole(gettext_lazy("Warn when so few are left"), 100_000_000)
    reason = Reason()
