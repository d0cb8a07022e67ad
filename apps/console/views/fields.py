"""The brand's own member fields: the list, one field, and their values on a member."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from apps.console import cards, people
from apps.core import ids
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.members import attributes, fields
from apps.members.models import Attribute

PREFIX = "fld"


class FieldForm(forms.Form):
    label = forms.CharField(label=gettext_lazy("Name on the page"), max_length=40)
    key = forms.CharField(
        label=gettext_lazy("Key"),
        max_length=40,
        help_text=gettext_lazy(
            "Files and programs call the field by it: small letters, digits and _. It never changes."
        ),
    )
    type = forms.ChoiceField(label=gettext_lazy("Type"), choices=Attribute.Type.choices)
    choices = forms.CharField(
        label=gettext_lazy("Choices, one per line"), required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    position = forms.IntegerField(label=gettext_lazy("Place in the list"), min_value=0, max_value=999, required=False)
    is_shown = forms.BooleanField(label=gettext_lazy("On the member's page"), required=False, initial=True)
    is_searchable = forms.BooleanField(label=gettext_lazy("In search and filters"), required=False)

    def __init__(self, *args: Any, field: Attribute | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field:
            self.fields["key"].disabled = True
            self.initial = {
                "label": field.label, "key": field.key, "type": field.type, "choices": "\n".join(field.choices),
                "position": field.position, "is_shown": field.is_shown, "is_searchable": field.is_searchable,
            }  # fmt: skip
        else:
            del self.fields["position"]

    def save(self, field: Attribute | None) -> None:
        """Errors of the rules stand at their fields. Raises nothing: ask `errors` afterwards."""
        said = {name: self.cleaned_data[name] for name in ("label", "type", "is_shown", "is_searchable")}
        said["choices"] = self.cleaned_data["choices"].splitlines()
        try:
            if field:
                fields.change(field_id=field.pk, position=self.cleaned_data["position"] or 0, **said)
            else:
                fields.define(key=self.cleaned_data["key"], **said)
        except ValidationFailed as refusal:
            for error in refusal.facts["errors"]:  # type: ignore[attr-defined]
                self.add_error(error["pointer"].strip("/"), error["message"])
        except DomainError as refusal:
            self.add_error("key" if field is None else "type", str(refusal))


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    form = FieldForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save(None)
        if not form.errors:
            messages.success(request, _("Added “%(name)s”") % {"name": form.cleaned_data["label"]})
            return redirect("console:fields")
    counted = fields.counts()
    rows = [{"field": field, "members": counted.get(field.key, 0)} for field in Attribute.objects.all()]
    facts = {"form": form, "rows": rows}
    return render(request, "console/fields.html", facts, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def field(request: HttpRequest, field: str) -> HttpResponse:
    row = Attribute.objects.filter(pk=ids.decode(PREFIX, field)).first()
    if row is None:
        raise NotFound
    do = request.POST.get("do")
    if request.method == "POST" and do in {"retire", "bring_back"}:
        if do == "retire":
            fields.retire(field_id=row.pk)
            messages.success(
                request, _("“%(name)s” is retired: its values stay, new ones are not taken") % {"name": row.label}
            )
        else:
            fields.bring_back(field_id=row.pk)
            messages.success(request, _("“%(name)s” takes values again") % {"name": row.label})
        return redirect("console:fields")
    form = FieldForm(request.POST or None, field=row)
    if request.method == "POST" and form.is_valid():
        form.save(row)
        if not form.errors:
            messages.success(request, _("Changed “%(name)s”") % {"name": form.cleaned_data["label"]})
            return redirect("console:fields")
    facts = {"form": form, "field": row, "members": fields.counts().get(row.key, 0)}
    return render(request, "console/field.html", facts, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def values(request: HttpRequest, member: str) -> HttpResponse:
    """The fields of one member as a form; POST saves them. Answers the card alone."""
    row = people.one(request, member)
    facts: dict[str, object] = {"public_id": member, "is_open": True}
    if request.method == "POST":
        known = Attribute.objects.filter(retired_at=None, is_shown=True)
        given = {one.key: attributes.parsed(one, request.POST.get(f"f_{one.key}", "")) for one in known}
        try:
            attributes.set_attributes(member_id=row.pk, values=given)
        except ValidationFailed as refusal:
            errors = refusal.facts["errors"]
            facts["errors"] = {error["pointer"].rpartition("/")[2]: error["message"] for error in errors}  # type: ignore[attr-defined]
            facts["typed"] = {one.key: request.POST.get(f"f_{one.key}", "") for one in known}
        else:
            facts["is_open"] = False
            row.refresh_from_db(fields=["attributes"])
        if not request.htmx and not facts.get("errors"):  # type: ignore[attr-defined]
            return redirect("console:member", member)
    return render(request, "console/_member_fields.html", {"may_edit": True} | facts | cards.fields(row, facts))
