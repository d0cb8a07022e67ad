"""The audit trail: who did what, newest first."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.analytics import keyset
from apps.console import asked, machine_words, people
from apps.core.models import AuditEntry, User


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Narrowed by the beginning of the action, the actor's log-in name, or an exact object."""
    wanted = {name: request.GET.get(name, "").strip()[:60].replace("\0", "") for name in ("action", "actor", "object")}
    cursor = keyset.read(request.GET.get("at", ""), kinds=[int])
    rows = _narrowed(wanted)
    if cursor:
        rows = rows.filter(pk__gt=cursor.key[0]) if cursor.is_back else rows.filter(pk__lt=cursor.key[0])
    found = list(rows.order_by("id" if cursor and cursor.is_back else "-id").values()[: keyset.SIZE + 1])
    page = keyset.page(found, cursor=cursor, key=["id"])
    names = people.log_in_names(row["actor"] for row in page.rows)
    shown = [{**row, **_said(row, names)} for row in page.rows]
    facts = {"rows": shown, "wanted": wanted, "is_narrowed": any(wanted.values()), **asked.pager(request, page)}
    return render(request, "console/audit.html", facts)


def _said(row: dict[str, Any], names: dict[str, str]) -> dict[str, str]:
    return {
        "who": names.get(row["actor"]) or machine_words.actor(row["actor"]),
        "said": machine_words.act(row["action"]),
        "thing": machine_words.thing(row["object_type"]),
    }


def _narrowed(wanted: dict[str, str]) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.all()
    if wanted["action"]:
        rows = rows.filter(action__startswith=wanted["action"])
    if wanted["actor"]:
        user_id = User.objects.filter(username=wanted["actor"]).values_list("pk", flat=True).first()
        rows = rows.filter(actor=f"user:{user_id}" if user_id else wanted["actor"])
    if wanted["object"]:
        kind, _colon, key = wanted["object"].partition(":")
        rows = rows.filter(object_type=kind, **({"object_id": key} if key else {}))
    return rows
