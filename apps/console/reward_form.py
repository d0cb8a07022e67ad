"""The forms of the shelf: a reward, a change of its stock, and the reason for an act."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import RegexValidator
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from apps.console.reason_field import Reason
from apps.core import clock, money
from apps.core.errors import DomainError
from apps.points import stocking
from apps.points.models import Reward, Tier
from apps.stores.models import Store

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_TOKEN = RegexValidator(r"^[A-Za-z0-9_-]{12,40}$")


class Yuan(forms.CharField):
    """An amount in yuan; cleaned to 分."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=20, required=False, **kwargs)
        self.widget.attrs.update(inputmode="decimal", placeholder="0.00")

    def clean(self, value: Any) -> int:
        text = super().clean(value)
        try:
            cents = money.cents(text) if text else 0
        except ValueError:
            cents = -1
        if not 0 <= cents <= 100_000_000:
            raise forms.ValidationError(_("Enter an amount such as 12.50."))
        return cents

    def prepare_value(self, value: Any) -> Any:
        return (money.yuan(value) if value else "") if isinstance(value, int) else value


class RewardForm(forms.ModelForm):
    """What stands when a reward is made (kind, stores, key) is asked for a new one alone; stock has a form of its own."""

    cash_cents = Yuan(label=gettext_lazy("And in cash, yuan"))
    worth_cents = Yuan(
        label=gettext_lazy("What one costs the brand, yuan"), help_text=gettext_lazy("Only staff see it.")
    )
    tier_keys = forms.MultipleChoiceField(
        label=gettext_lazy("Only for these tiers"),
        help_text=gettext_lazy("None ticked: for everybody."),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    file = forms.FileField(
        label=gettext_lazy("Picture"),
        help_text=gettext_lazy("JPEG, PNG or WebP. Without one, a drawing is shown."),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )
    no_picture = forms.BooleanField(label=gettext_lazy("Take the picture away"), required=False)
    first = forms.DateField(label=gettext_lazy("On the shelf from"), required=False, widget=_DAY)
    last = forms.DateField(
        label=gettext_lazy("Until the end of"), help_text=gettext_lazy("Empty: no end."), required=False, widget=_DAY
    )
    stock = forms.IntegerField(
        label=gettext_lazy("Pieces to begin with"),
        help_text=gettext_lazy("Empty: no end of it. What only some stores keep is put in per store afterwards."),
        min_value=0,
        max_value=10_000_000,
        required=False,
    )
    request_key = forms.CharField(widget=forms.HiddenInput, required=False, validators=[_TOKEN])

    class Meta:
        model = Reward
        fields = (
            "key", "kind", "name", "name_en", "description", "description_en", "motif", "points", "cash_cents",
            "worth_cents", "per_member", "per_days", "auto_from", "auto_per_day", "is_store_limited", "tier_keys",
            "coupon_key", "pick_up_days", "forfeits_points", "position",
        )  # fmt: skip
        labels = {
            "key": gettext_lazy("Key"),
            "motif": gettext_lazy("Drawing"),
            "points": gettext_lazy("Price in points"),
            "per_member": gettext_lazy("Most per member"),
            "per_days": gettext_lazy("Within so many days"),
            "auto_from": gettext_lazy("Taken by itself from a balance of"),
            "auto_per_day": gettext_lazy("By itself at most so often a day"),
            "coupon_key": pgettext_lazy("rewards", "Coupon that it gives"),
            "position": gettext_lazy("Place on the shelf"),
            "is_store_limited": gettext_lazy("Only some stores keep it, each its own stock"),
        }
        help_texts = {
            "key": gettext_lazy("How programs call it. Empty: made up by us."),
            "per_member": gettext_lazy("Empty: as many as they like."),
            "per_days": gettext_lazy("Empty: ever."),
            "auto_from": gettext_lazy("Empty: only who wants it gets it."),
            "auto_per_day": gettext_lazy("1 to 10 times."),
            "pick_up_days": gettext_lazy("Whole days after the day of the exchange."),
            "position": gettext_lazy("Smaller numbers stand first."),
        }
        widgets = {
            "description": forms.Textarea(attrs={"rows": 3}),
            "description_en": forms.Textarea(attrs={"rows": 3}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_english = get_language() == "en"
        self.fields["tier_keys"].choices = [  # type: ignore[attr-defined]
            (tier.key, tier.name_en if is_english else tier.name) for tier in Tier.objects.order_by("rank")
        ]
        for name in ("key", "name_en", "position", "auto_per_day"):
            self.fields[name].required = False
        for name in ("first", "last"):
            self.initial.setdefault(name, _day_of(self.instance, name))
        if self.instance.pk:
            for name in ("key", "kind", "is_store_limited", "stock", "request_key"):
                del self.fields[name]

    def clean_points(self) -> int:
        points = self.cleaned_data["points"]
        if not 0 < points <= 1_000_000_000:
            raise forms.ValidationError(_("A reward costs at least one point."))
        return points

    def clean_position(self) -> int:
        return self.cleaned_data["position"] or 0

    def clean_auto_per_day(self) -> int:
        times = self.cleaned_data["auto_per_day"] or 1
        if times > 10:
            raise forms.ValidationError(_("Between 1 and 10 times a day."))
        return times

    def clean_pick_up_days(self) -> int:
        days = self.cleaned_data["pick_up_days"]
        if not 0 < days <= 3650:
            raise forms.ValidationError(_("Between 1 and 3,650 days."))
        return days

    def clean_file(self) -> Any:
        file: UploadedFile | None = self.cleaned_data["file"]
        if file is None:
            return None
        try:
            return stocking.picture(file.read())
        except DomainError as refusal:
            raise forms.ValidationError(str(refusal)) from None

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if given.get("first") and given.get("last") and given["last"] < given["first"]:
            self.add_error("last", _("It cannot end before it begins."))
        if given.get("is_store_limited") and given.get("stock"):
            self.add_error("stock", _("Leave it empty: each store's pieces are put in afterwards."))
        self._check_automatic(given)
        if given.get("per_days") and not given.get("per_member"):
            self.add_error("per_member", _("Say how many one member may have within these days."))
        return given

    def _check_automatic(self, given: dict[str, Any]) -> None:
        mark = given.get("auto_from")
        if mark is None:
            return
        if mark < given.get("points", 0):
            self.add_error("auto_from", _("No less than the price in points."))
        if given.get("cash_cents") or given.get("is_store_limited", self.instance.is_store_limited):
            self.add_error(
                "auto_from", _("Only what costs no cash and lies in no chosen store can be taken by itself.")
            )

    def wanted(self) -> Reward:
        """The reward as it is to be saved. Moments that were not touched stay to the second."""
        row, given = self.instance, self.cleaned_data
        if "first" in self.changed_data or row.pk is None:
            row.starts_at = clock.day_start(given["first"]) if given["first"] else None
        if "last" in self.changed_data or row.pk is None:
            row.ends_at = clock.day_end(given["last"]) if given["last"] else None
        if given["file"] is not None:
            row.picture = given["file"]
        elif given["no_picture"]:
            row.picture = None
        return row


class StockForm(forms.Form):
    """`stores`: those whose stock the reader may change, for rewards limited to stores; None: there is one stock for all."""

    store = forms.ModelChoiceField(label=gettext_lazy("Store"), queryset=Store.objects.none(), empty_label=None)
    change = forms.IntegerField(
        label=gettext_lazy("Pieces in or out"),
        help_text=gettext_lazy("With a minus to take some out, such as −3."),
        min_value=-10_000_000,
        max_value=10_000_000,
    )
    reason = Reason()
    request_key = forms.CharField(widget=forms.HiddenInput, validators=[_TOKEN])

    def __init__(self, *args: Any, stores: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if stores is None:
            del self.fields["store"]
        else:
            self.fields["store"].queryset = stores  # type: ignore[attr-defined]

    def clean_change(self) -> int:
        if not self.cleaned_data["change"]:
            raise forms.ValidationError(_("Nothing would change."))
        return self.cleaned_data["change"]


def _day_of(row: Reward, name: str) -> Any:
    moment: datetime | None = row.starts_at if name == "first" else row.ends_at
    if moment is None:
        return None
    return clock.local_date(moment if name == "first" else moment - timedelta(microseconds=1))
