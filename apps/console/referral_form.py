"""The referral program as a form: yuan in place of 分, percent in place of permille, coupons by key."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.money import cents, yuan
from apps.coupons.models import Template
from apps.referral.models import Program

MOST_STEPS = 10


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
    most_per_network = forms.IntegerField(
        label=gettext_lazy("Friends that count per member and network in thirty days"), min_value=1, max_value=1000,
        help_text=gettext_lazy("A household shares one network, and so do many phones on one table."),
    )  # fmt: skip
    steps = forms.CharField(
        label=gettext_lazy("Steps: friends that count, and points on top"), required=False, max_length=200,
        help_text=gettext_lazy("Such as 3:300, 10:1500. Given once each; taken back when fewer friends count."),
    )  # fmt: skip
    first = forms.DecimalField(
        label=gettext_lazy("Commission for the inviter, in percent"), min_value=0, max_value=50, max_digits=3, decimal_places=1,
        help_text=gettext_lazy("Of all that an invited friend keeps buying, in money. 0: none"),
    )  # fmt: skip
    second = forms.DecimalField(
        label=gettext_lazy("Commission for who invited the inviter, in percent"), min_value=0, max_value=50, max_digits=3,
        decimal_places=1, help_text=gettext_lazy("At most as much as the inviter gets; the law allows no third level."),
    )  # fmt: skip
    commission_days = forms.IntegerField(
        label=gettext_lazy("Days from the joining on whose purchases bring commission"), min_value=1, max_value=3650
    )
    freeze_days = forms.IntegerField(
        label=gettext_lazy("Days a commission is frozen"),
        help_text=gettext_lazy("From the payment on; refunds take it back, later too."),
        min_value=1, max_value=180,
    )  # fmt: skip
    withdrawal = forms.CharField(label=gettext_lazy("Paid out at once, at least, in yuan"), max_length=12)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("first") is not None and given.get("second") is not None and given["second"] > given["first"]:
            self.add_error("second", _("At most as much as the inviter gets."))
        return given

    def clean_steps(self) -> list[dict[str, int]]:
        found: dict[int, int] = {}
        for part in self.cleaned_data["steps"].replace("，", ",").replace("：", ":").split(","):
            friends, colon, points = (text.strip() for text in part.partition(":"))
            is_right = colon and all(text.isascii() and text.isdigit() and len(text) < 7 for text in (friends, points))
            if part.strip() and not (is_right and 1 <= int(friends) <= 1000 and int(points) >= 1):
                raise forms.ValidationError(_("Write it like 3:300, 10:1500."))
            if part.strip():
                found[int(friends)] = int(points)
        if len(found) > MOST_STEPS:
            raise forms.ValidationError(_("At most %(most)s steps.") % {"most": MOST_STEPS})
        return [{"friends": friends, "points": found[friends]} for friends in sorted(found)]

    def clean_withdrawal(self) -> int:
        return _amount(self.cleaned_data["withdrawal"])

    def clean_coupon(self) -> str:
        return _known(self.cleaned_data["coupon"])

    def clean_friend_coupon(self) -> str:
        return _known(self.cleaned_data["friend_coupon"])

    def clean_least(self) -> int:
        return _amount(self.cleaned_data["least"])

    def wanted(self) -> dict[str, Any]:
        given = dict(self.cleaned_data)
        named = {f"{name}_permille": int(given.pop(name) * 10) for name in ("first", "second")}
        named |= {"least_cents": given.pop("least"), "least_withdrawal_cents": given.pop("withdrawal")}
        return given | named


def initial(row: Program) -> dict[str, Any]:
    same = [name for name in ProgramForm.base_fields if name not in ("steps", "least", "first", "second", "withdrawal")]
    return {name: getattr(row, name) for name in same} | {
        "least": yuan(row.least_cents), "withdrawal": yuan(row.least_withdrawal_cents),
        "steps": ", ".join(f"{step['friends']}:{step['points']}" for step in row.steps),
        "first": Decimal(row.first_permille) / 10, "second": Decimal(row.second_permille) / 10,
    }  # fmt: skip


def _amount(text: str) -> int:
    try:
        amount = cents(text)
    except ValueError:
        amount = 0
    if not 1 <= amount <= 10**9:
        raise forms.ValidationError(_("An amount such as 99.00 is expected."))
    return amount


def _known(key: str) -> str:
    if key and not Template.objects.filter(key=key, state=Template.State.RUNNING).exists():
        raise forms.ValidationError(_("There is no running coupon with the key %(key)s.") % {"key": key})
    return key
