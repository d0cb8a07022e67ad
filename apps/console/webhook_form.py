"""The form of a webhook endpoint."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core.errors import ValidationFailed
from apps.core.outbound import LONGEST_URL
from apps.webhooks.catalogue import FACTS


class EndpointForm(forms.Form):
    """`key` only while it is made. What the service refuses stands at its field."""

    name = forms.CharField(
        label=pgettext_lazy("endpoint", "Name"), help_text=_("Which system it is, such as the ERP."), max_length=60
    )
    key = forms.CharField(
        label=pgettext_lazy("endpoint", "Key"),
        help_text=_("Journeys name it by this. Small letters, digits and hyphens; it stays."),
        max_length=60,
    )
    url = forms.CharField(
        label=pgettext_lazy("endpoint", "Address"),
        help_text=_("https, a public host, port 443 or 8443."),
        max_length=LONGEST_URL,
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"}),
    )
    facts = forms.MultipleChoiceField(
        label=_("What it is told"), choices=[], widget=forms.CheckboxSelectMultiple, required=False
    )

    def __init__(self, *args: Any, is_new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["facts"].choices = [(fact, one.label) for fact, one in FACTS.items()]  # type: ignore[attr-defined]
        if not is_new:
            del self.fields["key"]

    def refused(self, refusal: ValidationFailed) -> None:
        errors: Any = refusal.facts["errors"]
        for one in errors:
            self.add_error(one["pointer"].strip("/"), one["message"])
