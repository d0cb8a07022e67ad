"""Points granted by hand: who grants how much, beside the median of the store."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe

from apps.analytics import insiders
from apps.console import asked, hand_words, scope
from apps.core import alerts
from apps.core.errors import NotFound
from apps.points import telling
from apps.points.models import Entry

PERMISSION = "points.insiders"
LINES = 50


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """`?staff=` shows the lines behind one person's figures."""
    where = scope.of(request, permission=PERMISSION)
    rows = insiders.hands(store_ids=where.ids)
    facts = {
        "rows": [(row, hand_words.why(row)) for row in rows],
        "till_rows": [(row, hand_words.why(row)) for row in insiders.at_tills(store_ids=where.ids)],
        "out": sum(row.stands_out for row in rows),
        "days": insiders.DAYS,
        "stores": where.options,
        "alerts": _alerts(where.ids),
    }
    chosen = asked.a_key(request, name="staff")
    if chosen is not None and any(row.staff_id == chosen for row in rows):
        lines = Entry.objects.filter(staff_id=chosen, kind=Entry.Kind.ADJUST).select_related("account__member", "store")
        told = telling.tell(list(lines.order_by("-pk")[:LINES]), language=get_language() or "")
        facts |= {"lines": told, "person": next(row for row in rows if row.staff_id == chosen)}
    return render(request, "console/hands.html", facts)


@require_POST
def seen(request: HttpRequest) -> HttpResponse:
    wanted = request.POST.get("alert", "")
    if wanted not in {str(row["id"]) for row in _alerts(request.access.store_ids(PERMISSION))}:  # type: ignore[attr-defined]
        raise NotFound
    alerts.see(alert_id=int(wanted), user_id=request.access.user_id)  # type: ignore[attr-defined]
    return redirect("console:hands")


def _alerts(store_ids: list[int] | None) -> list[dict[str, object]]:
    return [
        {"id": one.alert.pk, "at": one.alert.at, "staff": one.staff, "grants": one.hand.grants}
        for one in insiders.noticed(store_ids=store_ids)
    ]
