"""The ladder as plain fields: a form for its rules, a row per tier, a row per benefit; findings go back to their fields."""

from typing import Any

from django import forms
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from apps.points.ladders import Draft, TierDraft
from apps.points.models import Benefit, Currency, Ladder, Tier
from apps.segments import keys as segments

WINDOWS = [
    ("rolling", gettext_lazy("The last months up to today")),
    ("calendar", gettext_lazy("A year that begins on a fixed day")),
    ("life", gettext_lazy("The whole membership")),
]
VALIDITIES = [
    ("months", gettext_lazy("So many months from the day it was reached")),
    ("calendar", gettext_lazy("Through a fixed day of the year")),
    ("joined", gettext_lazy("Until the anniversary of joining")),
    ("none", gettext_lazy("No end: the tier follows the value")),
]
_FIELDS = {"window": "window_kind", "validity": "validity_kind"}


class LadderForm(forms.Form):
    basis = forms.ChoiceField(label=gettext_lazy("What counts"), choices=Ladder.Basis.choices)
    currency = forms.ChoiceField(label=gettext_lazy("Kind of points"), required=False)
    window_kind = forms.ChoiceField(label=gettext_lazy("Period"), choices=WINDOWS)
    window_months = forms.IntegerField(
        label=gettext_lazy("Months of the period"), min_value=1, max_value=120, required=False
    )
    window_starts = forms.CharField(
        label=gettext_lazy("The year begins on"), help_text=gettext_lazy("Month and day, such as 01-01."), max_length=5, required=False
    )  # fmt: skip
    validity_kind = forms.ChoiceField(label=gettext_lazy("A tier is valid"), choices=VALIDITIES)
    validity_months = forms.IntegerField(
        label=gettext_lazy("Months of validity"), min_value=1, max_value=120, required=False
    )
    validity_date = forms.CharField(
        label=gettext_lazy("Through this day"), help_text=gettext_lazy("Month and day, such as 12-31."), max_length=5, required=False
    )  # fmt: skip
    validity_years = forms.IntegerField(
        label=gettext_lazy("Years later"), help_text=gettext_lazy("0: the next such day."), min_value=0, max_value=10, required=False
    )  # fmt: skip
    downgrade = forms.ChoiceField(
        label=gettext_lazy("When the value does not suffice at the end"), choices=Ladder.Downgrade.choices
    )
    grace_days = forms.IntegerField(label=gettext_lazy("Days of grace"), min_value=0, max_value=366)
    warn_days = forms.IntegerField(label=gettext_lazy("Warn days ahead"), min_value=0, max_value=366)
    starts_next_period = forms.BooleanField(
        label=gettext_lazy("A tier that is reached counts from the next period on"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["currency"].choices = [  # type: ignore[attr-defined]
            (row.key, row.name_en if get_language() == "en" else row.name) for row in Currency.objects.all()
        ]

    def draft(self, tiers: list[TierDraft]) -> Draft:
        """Of valid fields."""
        said = self.cleaned_data
        window: dict[str, Any] = {"kind": said["window_kind"]}
        if said["window_kind"] == "rolling":
            window["months"] = said["window_months"]
        elif said["window_kind"] == "calendar":
            window["starts"] = said["window_starts"]
        validity: dict[str, Any] = {"kind": said["validity_kind"]}
        if said["validity_kind"] == "months":
            validity["months"] = said["validity_months"]
        elif said["validity_kind"] == "calendar":
            validity |= {"date": said["validity_date"], "years": said["validity_years"] or 0}
        elif said["validity_kind"] == "joined":
            validity["years"] = said["validity_years"] or 0
        return Draft(
            basis=said["basis"],
            currency=said["currency"] or "growth",
            window=window,
            validity=validity,
            downgrade=said["downgrade"],
            grace_days=said["grace_days"],
            warn_days=said["warn_days"],
            starts_next_period=said["starts_next_period"],
            tiers=tuple(tiers),
        )

    def show(self, errors: list[dict[str, str]]) -> None:
        for error in errors:
            name = error["pointer"].strip("/")
            field = _FIELDS.get(name, name)
            self.add_error(field if field in self.fields else None, error["message"])


class TierForm(forms.Form):
    key = forms.SlugField(label=gettext_lazy("Key"), max_length=20)
    name = forms.CharField(label=gettext_lazy("Name of the tier"), max_length=40)
    name_en = forms.CharField(label=gettext_lazy("English name"), max_length=40)
    threshold = forms.IntegerField(label=pgettext_lazy("threshold", "From"), min_value=0, max_value=10**12)
    segment_key = forms.ChoiceField(label=gettext_lazy("Only for segment"), required=False)
    is_for_life = forms.BooleanField(label=gettext_lazy("Never lost"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = dict(segments.choices())
        used = Tier.objects.exclude(segment_key="").values_list("segment_key", flat=True)
        gone = [(key, key) for key in used if key not in known]  # a segment that is no more stays until it is taken out
        self.fields["segment_key"].choices = [("", _("Everybody")), *known.items(), *gone]  # type: ignore[attr-defined]


class BenefitForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=Benefit.Kind.choices)
    title = forms.CharField(label=gettext_lazy("Title"), max_length=60)
    title_en = forms.CharField(label=gettext_lazy("English title"), max_length=60)
    value = forms.CharField(
        label=gettext_lazy("Value"), max_length=40, required=False,
        help_text=gettext_lazy("The factor of points such as 1.5, the birthday points, or the key of the coupon."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        try:
            said["data"] = _value(said.get("kind", ""), str(said.get("value", "")).strip())
        except ValueError:
            self.add_error("value", _("This kind of benefit asks for a number."))
        return said


TierSet = forms.formset_factory(TierForm, extra=1, can_delete=True, max_num=12)
BenefitSet = forms.formset_factory(BenefitForm, extra=2, can_delete=True, max_num=20)


def initial(draft: Draft) -> dict[str, Any]:
    """The fields of a ladder that exists."""
    return {
        "basis": draft.basis,
        "currency": draft.currency,
        "window_kind": draft.window["kind"],
        "window_months": draft.window.get("months", 12),
        "window_starts": draft.window.get("starts", "01-01"),
        "validity_kind": draft.validity["kind"],
        "validity_months": draft.validity.get("months", 12),
        "validity_date": draft.validity.get("date", "12-31"),
        "validity_years": draft.validity.get("years", 0),
        "downgrade": draft.downgrade,
        "grace_days": draft.grace_days,
        "warn_days": draft.warn_days,
        "starts_next_period": draft.starts_next_period,
    }


def gate_named(key: str) -> str:
    """A segment in words; one that is no more by its key."""
    return dict(segments.choices()).get(key, key)


def shown(benefit: Benefit) -> str:
    """The one value that stands in the benefit's data."""
    return next((str(value) for value in benefit.value.values()), "")


def rows(found: Any) -> list[TierDraft]:
    """The filled rows of a valid set, lowest first."""
    said = [row.cleaned_data for row in found.forms if row.cleaned_data and not row.cleaned_data.get("DELETE")]
    drafts = [TierDraft(**{name: one[name] for name in TierForm.base_fields}) for one in said]
    return sorted(drafts, key=lambda tier: tier.threshold)


def _value(kind: str, text: str) -> dict[str, Any]:
    if kind == Benefit.Kind.MULTIPLIER:
        if not 0 < float(text) <= 100:
            raise ValueError
        return {"factor": text}
    if kind == Benefit.Kind.BIRTHDAY:
        return {"points": int(text)}
    return {"coupon": text} if kind == Benefit.Kind.COUPON and text else {}
