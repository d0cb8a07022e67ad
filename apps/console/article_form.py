"""The form of a help article."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.tickets.article_models import Article


class ArticleForm(forms.Form):
    topic = forms.ChoiceField(label=pgettext_lazy("help", "Topic"), choices=Article.Topic.choices)
    title = forms.CharField(label=pgettext_lazy("help", "Title"), max_length=80)
    body = forms.CharField(
        label=pgettext_lazy("help", "Text"), max_length=8_000, widget=forms.Textarea(attrs={"rows": 8})
    )
    words = forms.CharField(
        label=_("Search words"),
        help_text=_("What members call it, with blanks between."),
        max_length=300,
        required=False,
    )
    title_en = forms.CharField(label=_("Title in English"), max_length=120, required=False)
    body_en = forms.CharField(
        label=_("Text in English"), max_length=12_000, required=False, widget=forms.Textarea(attrs={"rows": 8})
    )
    is_published = forms.BooleanField(label=_("Members see it"), required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, initial=0, min_value=0, max_value=10**9)

    def __init__(self, *args: Any, row: Article | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if row is not None:
            self.initial.update({name: getattr(row, name) for name in self.fields})
