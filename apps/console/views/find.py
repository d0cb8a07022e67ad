"""⌘K: members by phone tail, name, number or card, orders and tickets by number, while typing."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from apps.analytics.lists import members as listed
from apps.analytics.lists import orders as listed_orders
from apps.members import selectors as members
from apps.tickets import queues

SHOWN = 6


@require_POST
def find(request: HttpRequest) -> HttpResponse:
    """POST, so that what was typed stands in no address and no log."""
    text = " ".join(request.POST.get("q", "").replace("\0", "").split())[:60]
    facts: dict[str, object] = {"q": text}
    if len(text) >= 2:
        stores = request.access.store_ids("members.view")  # type: ignore[attr-defined]
        found = members.search(text=text, store_ids=stores, limit=SHOWN)
        rows = listed.of_ids(member_ids=found.member_ids, stores=stores)
        phones = members.masked_phones(found.member_ids)
        facts["members"] = [{**row, "phone": phones.get(row["id"], "")} for row in rows]
        if request.access.can("orders.view"):  # type: ignore[attr-defined]
            reach = request.access.store_ids("orders.view")  # type: ignore[attr-defined]
            facts["orders"] = listed_orders.by_number(number=text, stores=reach)
        if request.access.can("tickets.view"):  # type: ignore[attr-defined]
            facts["tickets"] = queues.by_number(text, request.access.store_ids("tickets.view"))  # type: ignore[attr-defined]
    answer = render(request, "console/_find.html", facts)
    answer["Cache-Control"] = "no-store"
    return answer
