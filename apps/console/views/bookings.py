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

from apps.bookings import selectors, services
from apps.bookings.models import Booking, Offer, Service
from apps.console import asked, people, scope
from apps.core import clock, ids
from apps.core.errors import DomainError, NotFound
from apps.stores.models import Store

BOOKING = "bkg"
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
        "rows": [{"row": row, "offers": offers.get(row.pk, [])} for row in Service.objects.order_by("pk")],
    }  # fmt: skip
    return render(request, "console/booking_services.html", facts, status=422 if form.errors else 200)


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
