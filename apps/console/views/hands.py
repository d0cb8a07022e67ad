"""Points granted by hand: who grants how much, beside the median of the store."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.analytics import insiders
from apps.console import asked, scope
from apps.core import alerts
from apps.core.errors import NotFound
from apps.points import telling
from apps.points.models import Entry
from apps.stores.models import Staff

PERMISSION = "points.insiders"
LINES = 50


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """`?staff=` shows the lines behind one person's figures."""
    where = scope.of(request, permission=PERMISSION)
    rows = insiders.hands(store_ids=where.ids)
    facts = {
        "rows": [(row, _why(row)) for row in rows],
        "till_rows": [(row, _why(row)) for row in insiders.at_tills(store_ids=where.ids)],
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
    rows = [*alerts.unseen(insiders.KIND), *alerts.unseen(insiders.AT_TILLS)]
    staff = Staff.objects.in_bulk([row.facts["staff_id"] for row in rows])
    return [
        {"id": row.pk, "at": row.at, "staff": person, "grants": row.facts["grants"]}
        for row in rows
        if (person := staff.get(row.facts["staff_id"])) and (store_ids is None or person.store_id in store_ids)
    ]


def _why(row: insiders.Hand) -> str:
    """The reason in words; "" for who does not stand out."""
    reasons = []
    if row.is_often:
        reasons.append(
            _("%(count)s grants, store median %(median)s") % {"count": row.grants, "median": f"{row.median_grants:g}"}
        )
    if row.is_much:
        reasons.append(
            _("%(points)s points, store median %(median)s")
            % {"points": f"{row.points:,}", "median": f"{row.median_points:,.0f}"}
        )
    if row.is_one_sided:
        reasons.append(_("%(share)s%% of them to one member") % {"share": round(100 * row.top_share)})
    if row.is_split:
        reasons.append(
            ngettext(
                "split over the limit of one grant %(count)s time",
                "split over the limit of one grant %(count)s times",
                row.splits,
            )
            % {"count": row.splits}
        )
    return " · ".join(reasons)
