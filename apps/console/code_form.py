"""The form of a new tracked code."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.activity import targets
from apps.activity.errors import TargetRefused
from apps.activity.models import Code
from apps.stores.models import Staff, Store


class CodeForm(forms.Form):
    """`stores`: those the reader may make codes for; None is every store, and none at all."""

    name = forms.CharField(
        label=pgettext_lazy("of a code", "Name"), help_text=gettext_lazy("What staff call it."), max_length=60
    )
    target = forms.CharField(
        label=gettext_lazy("Leads to"),
        help_text=gettext_lazy(
            "A page of this site (/my/), a mini-program page (mini:pages/live/room?id=7), or https:// and an allowed host."
        ),
        max_length=targets.MOST,
        initial=targets.HOME,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "off"}),
    )
    channel = forms.ChoiceField(
        label=gettext_lazy("Where it stands"),
        choices=[one for one in Code.Channel.choices if one[0] != Code.Channel.FRIEND],
    )
    campaign = forms.CharField(
        label=gettext_lazy("Campaign"),
        max_length=60,
        required=False,
        widget=forms.TextInput(attrs={"list": "campaigns"}),
    )
    poster = forms.CharField(
        label=gettext_lazy("Poster or place"),
        help_text=gettext_lazy("Tells two posters in one store apart."),
        max_length=60,
        required=False,
    )
    store = forms.ModelChoiceField(
        label=gettext_lazy("Store"), queryset=Store.objects.none(), required=False, empty_label=gettext_lazy("No store")
    )
    staff = forms.CharField(
        label=gettext_lazy("Staff number"),
        help_text=gettext_lazy("For a staff card: whose it is."),
        max_length=40,
        required=False,
    )
    slug = forms.RegexField(
        label=gettext_lazy("Short code"),
        help_text=gettext_lazy("4 to 12 letters and digits. Empty: a random one."),
        regex=r"^[0-9A-Za-z]{4,12}\Z",
        required=False,
        error_messages={"invalid": gettext_lazy("Use 4 to 12 letters and digits.")},
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "off", "maxlength": "12"}),
    )

    def __init__(self, *args: Any, stores: list[int] | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stores = stores
        choice = self.fields["store"]
        found = Store.objects.filter(is_open=True).order_by("code")
        choice.queryset = found if stores is None else found.filter(pk__in=stores)  # type: ignore[attr-defined]
        if stores is not None:
            choice.required, choice.empty_label = True, None  # type: ignore[attr-defined]

    def clean_target(self) -> str:
        try:
            return targets.checked(self.cleaned_data["target"])
        except TargetRefused as refusal:
            raise forms.ValidationError(str(refusal)) from None

    def clean_staff(self) -> Staff | None:
        number = self.cleaned_data["staff"].strip()
        if not number:
            return None
        people = Staff.objects.filter(is_active=True)
        if self._stores is not None:
            people = people.filter(store_id__in=self._stores)
        found = people.filter(code=number).first()
        if found is None:
            raise forms.ValidationError(_("Nobody active has this staff number."))
        return found
