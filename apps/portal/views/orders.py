"""The member's purchases."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from apps.core import ids
from apps.orders import selectors as orders
from apps.orders.models import Order
from apps.portal import shell
from apps.portal.shell import Facts

PAGE = 20
PREFIX = "ord"
_STATUS = Order.Status
_KINDS: dict[str, dict] = {
    "": {},
    "open": {"statuses": (_STATUS.RECORDED, _STATUS.PAID, _STATUS.SHIPPED, _STATUS.READY)},
    "done": {"statuses": (_STATUS.RECEIVED,)},
    "refunded": {"is_refunded": True},
}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Newest first; `?kind=` narrows, `?after=` is the cursor of the next page. htmx asks for the rows alone."""
    kind = request.GET.get("kind", "")
    kind = kind if kind in _KINDS else ""
    after = request.GET.get("after", "")[:60]
    found = orders.find(
        member_id=request.member.member_id,  # type: ignore[attr-defined]
        cursor=after,
        limit=PAGE,
        **_KINDS[kind],
    )
    facts: Facts = {"rows": found.rows, "older": found.older, "kind": kind}
    if request.headers.get("HX-Request") and after:
        return shell.part(request, "portal/_order_rows.html", facts)
    return shell.page(request, "portal/orders.html", {**facts, "tabs": _tabs(kind)}, at="orders")


@require_safe
def order(request: HttpRequest, order: str) -> HttpResponse:
    """One order with its lines and what was given back; somebody else's does not exist."""
    found = orders.detail(
        order_id=ids.decode(PREFIX, order),
        member_id=request.member.member_id,  # type: ignore[attr-defined]
    )
    kept = found.order.total_cents - found.order.refunded_cents
    return shell.page(request, "portal/order.html", {"found": found, "kept_cents": kept}, at="orders")


def _tabs(kind: str) -> list[tuple[str, str, bool]]:
    """(kind, label, is_current)"""
    labels = {
        "": _("All"),
        "open": pgettext("orders", "Open"),
        "done": pgettext("orders", "Received"),
        "refunded": pgettext("orders", "Refunded"),
    }
    return [(key, label, key == kind) for key, label in labels.items()]
