"""The weekly routine as one form in four steps: the stream, the coupon of the groups, trying on, the aim."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.bookings.models import Service
from apps.community.models import Group, LiveCode
from apps.console.live_form import LiveForm
from apps.core.money import cents
from apps.flows.live_week import CouponWanted, WeekWanted
from apps.stores.models import Store


class WeekForm(LiveForm):
    """What `LiveForm` asks of the stream, and the rest of the round."""

    coupon_name = forms.CharField(label=gettext_lazy("Name of the coupon"), max_length=60)
    coupon_name_en = forms.CharField(label=gettext_lazy("Name in English"), max_length=60, required=False)
    off = forms.CharField(label=gettext_lazy("So much off, in yuan"), max_length=12)
    minimum = forms.CharField(label=gettext_lazy("From an order of, in yuan"), max_length=12, required=False)
    most = forms.IntegerField(label=gettext_lazy("How many there are in all"), min_value=1, max_value=1_000_000)
    valid_days = forms.IntegerField(
        label=gettext_lazy("Valid for so many days from the claim on"), min_value=1, max_value=365
    )
    minutes_after = forms.IntegerField(
        label=gettext_lazy("Minutes after the end in which it can be claimed"), min_value=0, max_value=1440
    )
    groups = forms.MultipleChoiceField(
        label=gettext_lazy("Groups that may claim it"), widget=forms.CheckboxSelectMultiple
    )
    live_code = forms.ChoiceField(
        label=gettext_lazy("Live code that leads into them"), required=False,
        help_text=gettext_lazy("The report begins with who came by it."),
    )  # fmt: skip
    service = forms.ChoiceField(label=gettext_lazy("What is booked"), required=False)
    service_name = forms.CharField(
        label=gettext_lazy("Name of the new service"), max_length=60, required=False, help_text=gettext_lazy("Such as “Try on”.")
    )  # fmt: skip
    service_name_en = forms.CharField(label=gettext_lazy("Name in English"), max_length=60, required=False)
    service_minutes = forms.IntegerField(
        label=gettext_lazy("Its length in minutes"), min_value=5, max_value=240, required=False
    )
    stores = forms.MultipleChoiceField(
        label=gettext_lazy("Stores in which it can be tried on"), widget=forms.CheckboxSelectMultiple
    )
    at_once = forms.IntegerField(label=gettext_lazy("Members at once in each"), min_value=1, max_value=100)
    aim = forms.IntegerField(
        label=gettext_lazy("Share of sales that the groups shall bring, in percent"), min_value=0, max_value=100
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["coupons"], self.fields["revision"]
        groups = Group.objects.filter(dismissed_at=None).order_by("-id")[:200]
        self._choose("groups", [(row.key, f"{row} ({row.people})") for row in groups])
        codes = LiveCode.objects.filter(is_active=True).order_by("-id")
        self._choose("live_code", [("", _("None")), *((str(row.pk), row.name) for row in codes)])
        services = Service.objects.filter(is_active=True).order_by("pk")
        self._choose("service", [("", _("A new one")), *((str(row.pk), str(row)) for row in services)])
        self._choose("stores", [(str(row.pk), row.name) for row in Store.objects.filter(is_open=True).order_by("code")])

    def clean_off(self) -> int:
        return _amount(self.cleaned_data["off"], least=1)

    def clean_minimum(self) -> int:
        return _amount(self.cleaned_data["minimum"] or "0", least=0)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if not given.get("service") and not (given.get("service_name") and given.get("service_minutes")):
            self.add_error("service_name", _("Name the new service and say how long it takes, or choose one."))
        return given

    def week(self) -> WeekWanted:
        given = self.cleaned_data | {"coupons": ()}
        self.cleaned_data = given
        return WeekWanted(
            stream=self.wanted(),
            coupon=CouponWanted(
                name=given["coupon_name"], name_en=given["coupon_name_en"], cents=given["off"], minimum_cents=given["minimum"],
                most=given["most"], days=given["valid_days"], minutes_after=given["minutes_after"],
            ),
            groups=given["groups"],
            live_code_id=int(given["live_code"]) if given["live_code"] else None,
            service_id=int(given["service"]) if given["service"] else None,
            service_name=given["service_name"], service_name_en=given["service_name_en"],
            service_minutes=given["service_minutes"] or 30,
            stores={int(key): given["at_once"] for key in given["stores"]},
            aim_percent=given["aim"],
        )  # fmt: skip

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]


def _amount(text: str, *, least: int) -> int:
    try:
        amount = cents(text)
    except ValueError:
        amount = -1
    if not least <= amount <= 10**9:
        raise forms.ValidationError(_("An amount such as 99.00 is expected."))
    return amount
