"""The referral program as a form: yuan in place of 分, coupons by key."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.money import cents, yuan
from apps.coupons.models import Template
from apps.referral.models import Program


class ProgramForm(forms.Form):
    is_on = forms.BooleanField(label=gettext_lazy("Members can invite friends"), required=False)
    points = forms.IntegerField(label=gettext_lazy("Points for the member"), min_value=0, max_value=1_000_000)
    coupon = forms.CharField(
        label=gettext_lazy("Coupon for the member"), help_text=gettext_lazy("Its key; empty: none."), max_length=40, required=False
    )  # fmt: skip
    friend_points = forms.IntegerField(label=gettext_lazy("Points for the friend"), min_value=0, max_value=1_000_000)
    friend_coupon = forms.CharField(
        label=gettext_lazy("Coupon for the friend"), help_text=gettext_lazy("Its key; empty: none."), max_length=40, required=False
    )  # fmt: skip
    least = forms.CharField(
        label=gettext_lazy("Kept of the first order, at least, in yuan"), max_length=12, help_text=gettext_lazy("After refunds.")
    )  # fmt: skip
    keep_days = forms.IntegerField(
        label=gettext_lazy("Days the first order has to be kept"), help_text=gettext_lazy("From the payment on; then both get it."),
        min_value=1, max_value=180,
    )  # fmt: skip
    leave_days = forms.IntegerField(
        label=gettext_lazy("A friend who leaves within so many days does not count"), min_value=0, max_value=365
    )
    most_per_month = forms.IntegerField(
        label=gettext_lazy("Friends that count per member in thirty days"), min_value=1, max_value=1000
    )

    def clean_coupon(self) -> str:
        return _known(self.cleaned_data["coupon"])

    def clean_friend_coupon(self) -> str:
        return _known(self.cleaned_data["friend_coupon"])

    def clean_least(self) -> int:
        try:
            amount = cents(self.cleaned_data["least"])
        except ValueError:
            amount = 0
        if not 1 <= amount <= 10**9:
            raise forms.ValidationError(_("An amount such as 99.00 is expected."))
        return amount

    def wanted(self) -> dict[str, Any]:
        given = dict(self.cleaned_data)
        return given | {"least_cents": given.pop("least")}


def initial(row: Program) -> dict[str, Any]:
    names = [name for name in ProgramForm.base_fields if name != "least"]
    return {name: getattr(row, name) for name in names} | {"least": yuan(row.least_cents)}


def _known(key: str) -> str:
    if key and not Template.objects.filter(key=key, state=Template.State.RUNNING).exists():
        raise forms.ValidationError(_("There is no running coupon with the key %(key)s.") % {"key": key})
    return key
