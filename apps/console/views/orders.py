"""Orders: list, one order, giving money back."""

import secrets

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.analytics.lists import orders as listed
from apps.console import asked, refunds, scope
from apps.console.refunds import RefundForm
from apps.core import ids, money
from apps.core.errors import DomainError
from apps.orders import by_hand
from apps.orders import selectors as orders
from apps.orders.models import Order
from apps.orders.moves import PAID_STATES
from apps.points import by_order

PREFIX = "ord"


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    where = scope.of(request, permission="orders.view")
    wanted = listed.Wanted(
        stores=request.access.store_ids("orders.view"),  # type: ignore[attr-defined]
        store_id=where.chosen,
        status=asked.one_of(request, name="status", allowed=Order.Status.values),
        is_refunded=request.GET.get("refunded") == "1",
        is_unpaid=request.GET.get("status") in {Order.Status.RECORDED, Order.Status.CANCELLED},
        first=asked.a_date(request, name="first"),
        last=asked.a_date(request, name="last"),
        number=request.GET.get("number", "").strip()[:64].replace("\0", ""),
    )
    page = listed.find(wanted=wanted, cursor=request.GET.get("at", ""))
    return render(
        request,
        "console/orders.html",
        {
            "rows": page.rows,
            "wanted": wanted,
            "stores": where.options,
            "statuses": [
                ("", _("All paid"), not wanted.status),
                *((value, label, value == wanted.status) for value, label in Order.Status.choices),
            ],
            "refunded": [("", _("All"), not wanted.is_refunded), ("1", _("With refund"), wanted.is_refunded)],
            **asked.pager(request, page),
        },
    )


@require_safe
def order(request: HttpRequest, order: str) -> HttpResponse:
    return _page(request, order, form=None)


@require_POST
def pay(request: HttpRequest, order: str) -> HttpResponse:
    """The shop took the payment outside: asked once on the page. A double click is one payment."""
    detail = _detail(request, order, permission="orders.pay")
    try:
        by_hand.mark_paid(order_id=detail.order.id)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Paid. Points and stage of the member follow within seconds."))
    return redirect("console:order", order)


@require_POST
def refund(request: HttpRequest, order: str) -> HttpResponse:
    """Asked once for the consequences, then done once: the request key makes a double click one refund."""
    detail = _detail(request, order, permission="orders.refund")
    form = RefundForm(request.POST, detail=detail)
    if not form.is_valid():
        return _page(request, order, form=form, status=422)
    if "confirm" not in request.POST:
        return _page(request, order, form=form, preview=refunds.preview(form=form, detail=detail))
    try:
        made = by_hand.refund(
            order_id=detail.order.id,
            source=f"console:{form.cleaned_data['request_key']}",
            amount_cents=form.amount_cents,
            line_id=form.line_id,
        )
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return _page(request, order, form=form, status=refusal.status)
    messages.success(request, _("Refunded %(amount)s.") % {"amount": money.show(made.amount_cents)})
    return redirect("console:order", order)


def _detail(request: HttpRequest, public_id: str, *, permission: str = "orders.view") -> orders.Detail:
    stores = request.access.store_ids(permission)  # type: ignore[attr-defined]
    return orders.detail(order_id=ids.decode(PREFIX, public_id), store_ids=stores)


def _page(
    request: HttpRequest, public_id: str, *, form: RefundForm | None, status: int = 200, **more: object
) -> HttpResponse:
    detail = _detail(request, public_id)
    may_refund = request.access.can("orders.refund") and detail.refundable_cents > 0  # type: ignore[attr-defined]
    if form is None and may_refund:
        form = RefundForm(detail=detail, initial={"what": "whole", "request_key": secrets.token_urlsafe(12)})
    access = request.access  # type: ignore[attr-defined]
    is_paid = detail.order.status in PAID_STATES
    facts = {
        "detail": detail,
        "order": detail.order,
        "is_paid": is_paid,
        "may_pay": "pay" in detail.moves and access.can("orders.pay"),
        "points": by_order.of(order_id=detail.order.id, is_paid=is_paid, language=get_language() or "")
        if access.can("points.view")
        else None,
        "lines": detail.lines,
        "form": form if may_refund else None,
        "public_id": public_id,
        "discount_cents": sum(line.discount_cents for line in detail.lines),
        "net_cents": detail.order.total_cents - detail.order.refunded_cents,
    }
    return render(request, "console/order.html", facts | more, status=status)
