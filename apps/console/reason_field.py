"""The field in which somebody says why."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core import reasons


class Reason(forms.CharField):
    """Its value is a reason as `reasons.said` keeps it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=gettext_lazy("Reason"), max_length=reasons.MOST, **kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return super().widget_attrs(widget) | {"minlength": str(reasons.LEAST_SIGNS)}

    def clean(self, value: Any) -> str:
        given = super().clean(value)
        found = reasons.said(given)
        if given and not found:
            raise forms.ValidationError(_("Say why, in a few words."))
        return found
