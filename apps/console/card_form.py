"""The form of a content card."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.care.cards import services
from apps.care.models import Card
from apps.core.errors import ValidationFailed


class CardForm(forms.ModelForm):
    class Meta:
        model = Card
        fields = services.FIELDS
        widgets = {
            "starts_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "ends_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }
        help_texts = {
            "slot": _("home is the members' start page; other places are asked for by mini-programs."),
            "link": _("A page of ours such as /my/mall/, or https://…; empty: it leads nowhere."),
            "priority": _("The lowest first; three are shown at once."),
        }

    def show(self, refusal: ValidationFailed) -> None:
        errors: Any = refusal.facts["errors"]
        for error in errors:
            name = error["pointer"].strip("/")
            self.add_error(name if name in self.fields else None, error["message"])
