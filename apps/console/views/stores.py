"""Stores as members find them: address, position, opening hours."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from apps.console.rule_words import WEEKDAYS
from apps.core import clock, ids
from apps.core.errors import NotFound, ValidationFailed
from apps.stores import nearby
from apps.stores.models import Store
from apps.stores.places import StorePlace

PREFIX, VIEW, EDIT = "sto", "stores.view", "stores.edit"


class PlaceForm(forms.Form):
    address = forms.CharField(label=gettext_lazy("Address"), max_length=120, required=False)
    phone = forms.CharField(label=gettext_lazy("Phone"), max_length=30, required=False)
    latitude = forms.FloatField(
        label=gettext_lazy("Latitude"), required=False, help_text=gettext_lazy("Degrees as in GPS (WGS 84): 31.2109")
    )
    longitude = forms.FloatField(
        label=gettext_lazy("Longitude"), required=False, help_text=gettext_lazy("For example 121.4389")
    )

    def __init__(self, *args: Any, place: StorePlace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {name: getattr(place, name) for name in ("address", "phone", "latitude", "longitude")}
        for day in range(nearby.DAYS):
            span = place.hours[day] if place.hours else None
            for name, at in (("from", 0), ("until", 1)):
                key = f"{name}_{day}"
                widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
                self.fields[key] = forms.TimeField(required=False, widget=widget)
                self.initial[key] = span[at] if span else None

    @property
    def days(self) -> list[tuple[str, Any, Any]]:
        """Name of the day, and its two fields."""
        return [(str(WEEKDAYS[day]), self[f"from_{day}"], self[f"until_{day}"]) for day in range(nearby.DAYS)]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        for day in range(nearby.DAYS):
            if bool(said.get(f"from_{day}")) != bool(said.get(f"until_{day}")):
                self.add_error(None, _("A day has both times, or none when the store is closed."))
                break
        return said

    def hours(self) -> nearby.Hours:
        """[] where no day has any: then nothing is known, which is not closed."""
        said = self.cleaned_data
        spans = [
            [f"{said[f'from_{day}']:%H:%M}", f"{said[f'until_{day}']:%H:%M}"] if said[f"from_{day}"] else None
            for day in range(nearby.DAYS)
        ]
        return spans if any(spans) else []


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The reader's stores, and what members see of each."""
    found = _mine(request, VIEW).select_related("region", "place").order_by("-is_open", "code")
    moment = clock.now()
    rows = [
        {
            "store": store,
            "public_id": ids.encode(PREFIX, store.pk),
            "place": (place := getattr(store, "place", None)),
            "today": nearby.today(place.hours, moment=moment) if place else "",
            "may_edit": request.access.can(EDIT),  # type: ignore[attr-defined]
        }
        for store in found
    ]
    return render(request, "console/stores.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
def store(request: HttpRequest, store: str) -> HttpResponse:
    row = _mine(request, EDIT).filter(pk=ids.decode(PREFIX, store)).first()
    if row is None:
        raise NotFound
    form = PlaceForm(request.POST or None, place=nearby.place(row.pk))
    if request.method == "POST" and form.is_valid() and _save(form, row.pk):
        messages.success(request, _("Saved “%(name)s”") % {"name": row.name})
        return redirect("console:stores")
    return render(request, "console/store.html", {"form": form, "store": row}, status=422 if form.errors else 200)


def _save(form: PlaceForm, store_id: int) -> bool:
    said = {name: form.cleaned_data[name] for name in ("address", "phone", "latitude", "longitude")}
    try:
        nearby.save(store_id=store_id, hours=form.hours(), **said)
    except ValidationFailed as refusal:
        for error in refusal.facts["errors"]:  # type: ignore[attr-defined]
            name = error["pointer"].strip("/")
            form.add_error(name if name in form.fields else None, error["message"])
        return False
    return True


def _mine(request: HttpRequest, permission: str) -> Any:
    reach = request.access.store_ids(permission)  # type: ignore[attr-defined]
    return Store.objects.all() if reach is None else Store.objects.filter(pk__in=reach)
