"""Bookings at the counter: who comes today, noted with one click; services and where they are offered."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.bookings import people as rotas
from apps.bookings import selectors, services
from apps.bookings.models import Booking, Offer, Person, Service
from apps.console import asked, people, scope
from apps.core import clock, ids
from apps.core.errors import DomainError, NotFound
from apps.stores.models import Staff, Store

BOOKING, SERVICE = "bkg", "bks"
WORK = "bookings.work"


class ServiceForm(forms.Form):
    name = forms.CharField(label=pgettext_lazy("booking", "Name"), max_length=60)
    name_en = forms.CharField(label=gettext_lazy("Name in English"), max_length=60, required=False)
    kind = forms.ChoiceField(label=pgettext_lazy("booking", "Kind"), choices=Service.Kind.choices)
    minutes = forms.IntegerField(label=gettext_lazy("Length in minutes"), min_value=5, max_value=1440)
    days_ahead = forms.IntegerField(label=gettext_lazy("Days ahead, at most"), min_value=0, max_value=180)
    notice_minutes = forms.IntegerField(
        label=gettext_lazy("Not later than so many minutes before"),
        help_text=gettext_lazy("For booking, moving and cancelling by the member."),
        min_value=0,
        max_value=10_080,
    )
    note = forms.CharField(
        label=gettext_lazy("Note"), required=False, max_length=300, widget=forms.Textarea(attrs={"rows": 2})
    )


class EditForm(ServiceForm):
    is_active = forms.BooleanField(label=gettext_lazy("Members can book it"), required=False)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """A day, or with `?view=week` its week, in the reader's stores."""
    where = scope.of(request, permission="bookings.view")
    today = clock.local_date(clock.now())
    day = asked.a_date(request, name="day") or today
    if not date(2000, 1, 1) <= day <= date(2100, 1, 1):
        raise NotFound
    is_week = request.GET.get("view") == "week"
    first = day - timedelta(days=day.weekday()) if is_week else day
    last = first + timedelta(days=6 if is_week else 0)
    rows = selectors.of_days(first=first, last=last, store_ids=where.ids)
    days: dict[date, list[dict[str, Any]]] = {}
    for row in rows[:500]:
        days.setdefault(clock.local_date(row.slot.starts_at), []).append(_shown(row))
    facts = {
        "days": list(days.items()), "first": first, "last": last, "today": today, "is_week": is_week, "day": day,
        "earlier": first - timedelta(days=1), "later": last + timedelta(days=1), "stores": where.options,
        "may_work": request.access.can(WORK),  # type: ignore[attr-defined]
        "kept_away": selectors.no_shows(moment=clock.now(), store_ids=where.ids), "rate_days": selectors.RATE_DAYS,
    }  # fmt: skip
    return render(request, "console/bookings.html", facts)


@require_POST
def act(request: HttpRequest, booking: str) -> HttpResponse:
    """`arrived`: the member is at the counter; `cancel`: they called."""
    row = Booking.objects.select_related("slot__offer").filter(pk=ids.decode(BOOKING, booking)).first()
    allowed = request.access.store_ids(WORK)  # type: ignore[attr-defined]
    if row is None or (allowed is not None and row.slot.offer.store_id not in allowed):
        raise NotFound
    try:
        if request.POST.get("do") == "cancel":
            services.cancel(booking_id=row.pk)
        else:
            services.arrive(booking_id=row.pk)
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("Noted."))
    return redirect(f"{reverse('console:bookings')}?day={clock.local_date(row.slot.starts_at)}")


@require_http_methods(["GET", "HEAD", "POST"])
def offered(request: HttpRequest) -> HttpResponse:
    """Services, where they are offered for how many at once, times of events."""
    start = {"minutes": 30, "days_ahead": 14, "notice_minutes": 60}
    is_new = request.method == "POST" and request.POST.get("do") == "service"
    form = ServiceForm(request.POST if is_new else None, initial=start)
    if is_new and form.is_valid():
        services.save_service(service_id=None, **form.cleaned_data)
        messages.success(request, _("Added."))
        return redirect("console:booking_services")
    if request.method == "POST" and not is_new:
        try:
            _offer(request)
        except DomainError as refusal:
            people.complain(request, refusal)
        else:
            messages.success(request, _("Saved."))
        return redirect("console:booking_services")
    offers: dict[int, list[Offer]] = {}
    for row in Offer.objects.filter(is_active=True).select_related("store").order_by("store__code"):
        offers.setdefault(row.service_id, []).append(row)
    facts = {
        "form": form, "stores": Store.objects.filter(is_open=True),
        "rows": [
            {"row": row, "id": ids.encode(SERVICE, row.pk), "offers": offers.get(row.pk, [])}
            for row in Service.objects.order_by("pk")
        ],
    }  # fmt: skip
    return render(request, "console/booking_services.html", facts, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def service(request: HttpRequest, service: str) -> HttpResponse:
    """One service: its fields, and who does it in each store on which weekdays."""
    row = Service.objects.filter(pk=ids.decode(SERVICE, service)).first()
    if row is None:
        raise NotFound
    is_people = request.method == "POST" and request.POST.get("do") == "people"
    start = {name: getattr(row, name) for name in EditForm.base_fields}
    form = EditForm(request.POST if request.method == "POST" and not is_people else None, initial=start)
    if is_people:
        _name_people(request, row)
        messages.success(request, _("Saved."))
        return redirect("console:booking_service", service)
    if request.method == "POST" and form.is_valid():
        services.save_service(service_id=row.pk, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("console:booking_service", service)
    facts = {"form": form, "row": row, "offers": _offers_with_people(row), "days": _weekdays()}
    return render(request, "console/booking_service.html", facts, status=422 if form.errors else 200)


def _name_people(request: HttpRequest, row: Service) -> None:
    """Fields `days-<staff>`, one for each weekday ticked. Raises NotFound."""
    given = request.POST
    offer = (
        Offer.objects.filter(service=row, pk=int(given["offer"])).first() if given.get("offer", "").isdigit() else None
    )
    if offer is None:
        raise NotFound
    wanted = {
        int(name.removeprefix("days-")): [int(day) for day in given.getlist(name) if day in "1234567" and day]
        for name in given
        if name.startswith("days-") and name.removeprefix("days-").isdigit()
    }
    rotas.name(offer_id=offer.pk, people=wanted)


def _offers_with_people(row: Service) -> list[dict[str, Any]]:
    offers = list(Offer.objects.filter(service=row, is_active=True).select_related("store").order_by("store__code"))
    named = {(one.offer_id, one.staff_id): one.weekdays for one in Person.objects.filter(offer__in=offers)}
    staff: dict[int | None, list[Staff]] = {}
    for one in Staff.objects.filter(is_active=True, store_id__in=[offer.store_id for offer in offers]):
        staff.setdefault(one.store_id, []).append(one)
    return [
        {"row": offer, "people": [(one, named.get((offer.pk, one.pk), [])) for one in staff.get(offer.store_id, [])]}
        for offer in offers
    ]


def _weekdays() -> list[tuple[int, str]]:
    names = [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")]
    return list(enumerate(names, start=1))


def _offer(request: HttpRequest) -> None:
    given = request.POST
    numbers = [given.get(name, "") for name in ("service", "store", "capacity")]
    if not all(text.isascii() and text.isdigit() and len(text) <= 9 for text in numbers):
        raise NotFound
    service, store, capacity = map(int, numbers)
    made = services.offer(service_id=service, store_id=store, capacity=min(capacity, 1000))
    if given.get("at"):
        try:
            starts_at = clock.start_of(given["at"])
        except ValueError:
            raise NotFound from None
        services.give_time(offer_id=made.pk, starts_at=starts_at)


def _shown(row: Booking) -> dict[str, Any]:
    return {
        "row": row, "id": ids.encode(BOOKING, row.pk), "from": f"{clock.local(row.slot.starts_at):%H:%M}",
        "until": f"{clock.local(row.slot.ends_at):%H:%M}", "is_due": row.state in ("booked", "missed"),
        "is_standing": row.state in ("booked", "waiting"),
    }  # fmt: skip
