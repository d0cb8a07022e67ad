"""Stores as members find them: address, position, opening hours, special days; and the hours of the whole brand."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.console.rule_words import WEEKDAYS
from apps.console.store_form import PLACE, PlaceForm, PublicDaysForm, SpecialDayForm, WeekForm
from apps.core import brand, clock, ids
from apps.core.errors import Forbidden, NotFound, ValidationFailed
from apps.stores import calendar_edits, calendars, hours, nearby
from apps.stores.models import Store
from apps.stores.places import SpecialDay

PREFIX, VIEW, EDIT, ALL = "sto", "stores.view", "stores.edit", "stores.hours"
EVERYWHERE = "all"


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The reader's stores, and what members see of each."""
    found = list(_mine(request, VIEW).select_related("region", "place").order_by("-is_open", "code"))
    moment = clock.now()
    now = nearby.calendars_around(moment, [store.pk for store in found])
    rows = [
        {
            "store": store,
            "public_id": ids.encode(PREFIX, store.pk),
            "place": getattr(store, "place", None),
            "today": nearby.today(now[store.pk], moment=moment),
            "may_edit": request.access.can(EDIT),  # type: ignore[attr-defined]
        }
        for store in found
    ]
    return render(request, "console/stores.html", {"rows": rows, "may_all": _may_all(request)})


@require_http_methods(["GET", "HEAD", "POST"])
def store(request: HttpRequest, store: str) -> HttpResponse:
    row = _one(request, store)
    form = PlaceForm(request.POST or None, place=nearby.place(row.pk))
    if request.method == "POST" and form.is_valid() and _saved(form, lambda: _save(form, row.pk)):
        messages.success(request, _("Saved “%(name)s”") % {"name": row.name})
        return redirect("console:stores")
    return _store_page(request, row, form=form)


@require_http_methods(["GET", "HEAD", "POST"])
def brand_hours(request: HttpRequest) -> HttpResponse:
    """What counts for stores without hours of their own."""
    form = WeekForm(
        request.POST or None, week=brand.read(calendars.HOURS), keeps=brand.read(calendars.KEEPS_PUBLIC_DAYS)
    )
    if request.method == "POST" and form.is_valid():
        keeps = form.cleaned_data["keeps_public_days"]
        if _saved(form, lambda: calendar_edits.save_default(week=form.week(), keeps_public_days=keeps)):
            messages.success(request, _("Saved."))
            return redirect("console:store_hours")
    return _hours_page(request, form=form)


@require_POST
def add_day(request: HttpRequest, store: str) -> HttpResponse:
    """A special day of a store, or of `all`."""
    row = _owner(request, store)
    form = SpecialDayForm(request.POST)
    store_id = row.pk if row else None
    if form.is_valid() and _saved(form, lambda: _add(form, store_id)):
        messages.success(request, _("Saved."))
        return _back(row, store)
    return _store_page(request, row, day_form=form) if row else _hours_page(request, day_form=form)


@require_POST
def remove_day(request: HttpRequest, store: str, day: str) -> HttpResponse:
    row = _owner(request, store)
    if (which := parse_date(day)) is None:
        raise NotFound
    calendar_edits.remove_day(store_id=row.pk if row else None, day=which)
    messages.success(request, _("The day is as its weekday says again."))
    return _back(row, store)


@require_POST
def public_days(request: HttpRequest) -> HttpResponse:
    form = PublicDaysForm(request.POST)
    if form.is_valid() and _saved(form, lambda: _take_public(request, form.cleaned_data["text"])):
        return redirect("console:store_hours")
    return _hours_page(request, public_form=form)


def _take_public(request: HttpRequest, text: str) -> None:
    taken = calendar_edits.take_public_days(text=text)
    messages.success(request, ngettext("%(count)s day taken in.", "%(count)s days taken in.", taken) % {"count": taken})


def _store_page(request: HttpRequest, row: Store, **forms_given: Any) -> HttpResponse:
    form = forms_given.get("form") or PlaceForm(place=nearby.place(row.pk))
    facts = {"store": row, "form": form, "owner": ids.encode(PREFIX, row.pk)} | _days(row.pk, forms_given)
    return render(request, "console/store.html", facts, status=_status(forms_given))


def _hours_page(request: HttpRequest, **forms_given: Any) -> HttpResponse:
    week, keeps = brand.read(calendars.HOURS), brand.read(calendars.KEEPS_PUBLIC_DAYS)
    facts = {
        "form": forms_given.get("form") or WeekForm(week=week, keeps=keeps),
        "public_form": forms_given.get("public_form") or PublicDaysForm(),
        "public": calendars.public_days(_since(), None),
        "fallback": hours.write(calendars.FALLBACK[0]),
        "owner": EVERYWHERE,
    }
    return render(request, "console/store_hours.html", facts | _days(None, forms_given), status=_status(forms_given))


def _days(store_id: Any, forms_given: dict[str, Any]) -> dict[str, Any]:
    rows = SpecialDay.objects.filter(store_id=store_id, day__gte=_since()).order_by("day")
    told = [{"row": row, "hours": hours.write(row.hours), "weekday": _weekday(row)} for row in rows]
    return {"special": told, "day_form": forms_given.get("day_form") or SpecialDayForm()}


def _weekday(row: SpecialDay) -> str:
    return "" if row.weekday is None else str(WEEKDAYS[row.weekday])


def _since() -> Any:
    return clock.local_date(clock.now()) - timedelta(days=31)


def _status(forms_given: dict[str, Any]) -> int:
    return 422 if any(form.errors for form in forms_given.values()) else 200


def _add(form: SpecialDayForm, store_id: int | None) -> None:
    said = form.cleaned_data
    calendar_edits.save_day(
        calendar_edits.NewDay(
            store_id=store_id, day=said["day"], kind=said["kind"], weekday=said["weekday"], spans=said["spans"],
            name=said["name"],
        )
    )  # fmt: skip


def _save(form: PlaceForm, store_id: int) -> None:
    said = {name: form.cleaned_data[name] for name in PLACE}
    keeps = form.cleaned_data["keeps_public_days"]
    nearby.save(store_id=store_id, week=form.week(), keeps_public_days=keeps, **said)


def _saved(form: forms.Form, act: Callable[[], object]) -> bool:
    """Whether the service took it; what it refused stands in the form."""
    try:
        act()
    except ValidationFailed as refusal:
        for error in refusal.facts["errors"]:  # type: ignore[attr-defined]
            name = error["pointer"].strip("/")
            form.add_error(name if name in form.fields else None, error["message"])
        return False
    return True


def _owner(request: HttpRequest, store: str) -> Store | None:
    """The store that is meant; None for all of them, which only who reaches all may change."""
    if store == EVERYWHERE:
        _all_or_refuse(request)
        return None
    return _one(request, store)


def _one(request: HttpRequest, store: str) -> Store:
    row: Store | None = _mine(request, EDIT).filter(pk=ids.decode(PREFIX, store)).first()
    if row is None:
        raise NotFound
    return row


def _back(row: Store | None, store: str) -> HttpResponse:
    return redirect("console:store", store) if row else redirect("console:store_hours")


def _may_all(request: HttpRequest) -> bool:
    return bool(request.access.can(ALL))  # type: ignore[attr-defined]


def _all_or_refuse(request: HttpRequest) -> None:
    if not _may_all(request):
        raise Forbidden


def _mine(request: HttpRequest, permission: str) -> Any:
    reach = request.access.store_ids(permission)  # type: ignore[attr-defined]
    return Store.objects.all() if reach is None else Store.objects.filter(pk__in=reach)
