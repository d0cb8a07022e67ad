"""Tills of the stores and the PINs of the people who work at them."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.console import scope
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.flows import own_cards
from apps.stores import credentials, pins, tills
from apps.stores.models import Device, Pin, Staff, Store

PERMISSION = "counter.work"
MANAGE = "counter.tills"


@require_http_methods(["GET", "HEAD"])
def page(request: HttpRequest) -> HttpResponse:
    """One's own PIN; who manages tills sees those of their stores, and their people."""
    access = request.access  # type: ignore[attr-defined]
    facts: dict[str, Any] = {
        "has_pin": Pin.objects.filter(staff_id=access.staff_id).exists(),
        "has_phone": bool(own_cards.known([access.staff_id])),
        "may_manage": access.can(MANAGE),
    }
    if access.can(MANAGE):
        facts |= _managed(request)
    return render(request, "console/tills.html", facts)


@require_POST
def bind(request: HttpRequest) -> HttpResponse:
    """The browser that asks becomes a till of the store."""
    access = request.access  # type: ignore[attr-defined]
    store_id = _key(request, "store")
    _require_store(access.store_ids(MANAGE), store_id)
    try:
        issued = tills.bind(name=request.POST.get("name", ""), store_id=store_id or 0, staff_id=access.staff_id)
    except ValidationFailed as refusal:
        messages.error(request, str(refusal.facts["errors"][0]["message"]))  # type: ignore[index]
        return redirect("console:tills")
    return tills.remember(redirect("counter:home"), secret=issued.secret)


@require_POST
def revoke(request: HttpRequest, till: str) -> HttpResponse:
    kind, device_id = credentials.named(till)
    device = Device.objects.filter(pk=device_id, till__isnull=False).first() if kind == "device" else None
    _require_store(request.access.store_ids(MANAGE), device.store_id if device else None)  # type: ignore[attr-defined]
    if not credentials.revoke(kind="device", credential_id=device_id):
        raise NotFound
    messages.success(request, _("This browser is no till any more. Its next request is refused."))
    return redirect("console:tills")


@require_POST
def pin(request: HttpRequest) -> HttpResponse:
    """One's own PIN, or that of somebody in one's stores."""
    access = request.access  # type: ignore[attr-defined]
    staff_id = _key(request, "staff") or access.staff_id
    if staff_id != access.staff_id:
        _require_store(
            access.store_ids(MANAGE), Staff.objects.values_list("store_id", flat=True).filter(pk=staff_id).first()
        )
    try:
        if request.POST.get("pin"):
            pins.keep(staff_id=staff_id, pin=request.POST["pin"].strip())
        if "phone" in request.POST:
            own_cards.keep(staff_id=staff_id, phone=request.POST["phone"][:40])
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("console:tills")
    messages.success(request, _("Saved. It counts at the till from now on."))
    return redirect("console:tills")


def _managed(request: HttpRequest) -> dict[str, Any]:
    where = scope.of(request, permission=MANAGE)
    devices = Device.objects.filter(till__isnull=False, revoked_at=None).select_related("store", "till__bound_by")
    people = Staff.objects.filter(is_active=True, store__isnull=False).select_related("store", "pin")
    stores = Store.objects.filter(is_open=True)
    if where.ids is not None:
        devices, people = devices.filter(store_id__in=where.ids), people.filter(store_id__in=where.ids)
        stores = stores.filter(pk__in=where.ids)
    here = people.order_by("store__name", "name")
    at_tills = [row for row in here if pins.may(row, permission=PERMISSION, store_id=row.store_id or 0)]
    linked = own_cards.known([row.pk for row in at_tills])
    return {
        "tills": [(credentials.public_id(kind="device", credential_id=row.pk), row) for row in devices.order_by("store__name", "name")],
        "people": [(row, hasattr(row, "pin"), row.pk in linked) for row in at_tills],
        "stores": [(row.pk, row.name, row.pk == where.chosen) for row in stores.order_by("name")],
    }  # fmt: skip


def _require_store(store_ids: list[int] | None, store_id: int | None) -> None:
    """Raises NotFound for a store beyond one's reach."""
    if store_id is None or (store_ids is not None and store_id not in store_ids):
        raise NotFound


def _key(request: HttpRequest, name: str) -> int | None:
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
