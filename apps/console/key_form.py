"""The form of a new API key."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.stores.models import Scope, Store


class KeyForm(forms.Form):
    name = forms.CharField(
        label=pgettext_lazy("of a key", "Name"),
        help_text=gettext_lazy("Which program uses it, so that you know later what you revoke."),
        min_length=2,
        max_length=60,
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Who uses it"),
        choices=[("client", gettext_lazy("A server: order system, mini-program")), ("device", gettext_lazy("A till"))],
        widget=forms.RadioSelect,
        initial="client",
    )
    store = forms.ModelChoiceField(
        label=gettext_lazy("Store of the till"),
        queryset=Store.objects.none(),
        required=False,
        empty_label=gettext_lazy("No store"),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"),
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one of the scopes.")},
    )
    contact = forms.EmailField(
        label=gettext_lazy("Mail for changes"),
        help_text=gettext_lazy("Hears at least six months ahead when a version of the API ends."),
        required=False,
    )
    is_sandbox = forms.BooleanField(
        label=gettext_lazy("For trying out"),
        help_text=gettext_lazy("A test key works in the sandbox only; no real member gets anything."),
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["store"].queryset = Store.objects.filter(is_open=True).order_by("code")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("kind") == "device" and given.get("store") is None:
            self.add_error("store", _("Choose the store where the till stands."))
        return given
