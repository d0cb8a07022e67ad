"""Forms of where a store is and when it is open; the same for the hours of the whole brand."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.console.rule_words import WEEKDAYS
from apps.stores import hours
from apps.stores.places import SpecialDay, StorePlace


class WeekForm(forms.Form):
    """Seven lines like "10:00–12:30, 14:00–21:00"."""

    def __init__(self, *args: Any, week: hours.Week, keeps: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for day in range(hours.DAYS):
            self.fields[f"day_{day}"] = HoursField(label=WEEKDAYS[day])
            self.initial[f"day_{day}"] = hours.write(week[day]) if week else ""
        self.fields["keeps_public_days"] = forms.BooleanField(
            label=gettext_lazy("Closed on public holidays, open on weekends worked for them"), required=False
        )
        self.initial["keeps_public_days"] = keeps

    @property
    def days(self) -> list[Any]:
        return [self[f"day_{day}"] for day in range(hours.DAYS)]

    def week(self) -> hours.Week:
        """[] where no day has any: then nothing is known, which is not closed."""
        week = [self.cleaned_data[f"day_{day}"] for day in range(hours.DAYS)]
        return week if any(week) else []


class HoursField(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=120, **kwargs)
        self.widget.attrs |= {"autocomplete": "off", "placeholder": "10:00–22:00"}

    def clean(self, value: Any) -> Any:
        try:
            return hours.parse(super().clean(value))
        except ValueError as wrong:
            raise forms.ValidationError(str(wrong)) from None


PLACE = ("address", "phone", "latitude", "longitude", "time_zone")


class PlaceForm(WeekForm):
    address = forms.CharField(label=gettext_lazy("Address"), max_length=120, required=False)
    phone = forms.CharField(label=gettext_lazy("Phone"), max_length=30, required=False)
    latitude = forms.FloatField(
        label=gettext_lazy("Latitude"), required=False, help_text=gettext_lazy("Degrees as in GPS (WGS 84): 31.2109")
    )
    longitude = forms.FloatField(
        label=gettext_lazy("Longitude"), required=False, help_text=gettext_lazy("For example 121.4389")
    )

    time_zone = forms.CharField(
        label=gettext_lazy("Time zone of its members"),
        help_text=gettext_lazy("Such as Asia/Tokyo: messages reach them by their own clock. Empty: shop time."),
        max_length=40,
        required=False,
    )

    def __init__(self, *args: Any, place: StorePlace, **kwargs: Any) -> None:
        super().__init__(*args, week=place.hours, keeps=place.keeps_public_days, **kwargs)
        self.initial.update((name, getattr(place, name)) for name in PLACE)


class SpecialDayForm(forms.Form):
    day = forms.DateField(label=gettext_lazy("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    kind = forms.ChoiceField(label=gettext_lazy("What is special"), choices=SpecialDay.Kind.choices)
    weekday = forms.TypedChoiceField(
        label=pgettext_lazy("special day", "As on a"), choices=list(enumerate(WEEKDAYS)), coerce=int, initial=0
    )
    spans = HoursField(label=pgettext_lazy("special day", "Hours"))
    name = forms.CharField(label=gettext_lazy("Name"), max_length=40, required=False)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("kind") == SpecialDay.Kind.HOURS and not said.get("spans") and "spans" not in self.errors:
            self.add_error("spans", _("Write intervals like 10:00-12:30, 14:00-21:00."))
        return said


class PublicDaysForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("Lines of a CSV file"),
        help_text=gettext_lazy("day,off or worked,name: 2027-02-04,off,春节"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
    )
