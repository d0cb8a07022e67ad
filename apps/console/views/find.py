"""⌘K: pages by name; members by phone tail, name, number or card, orders and tickets by number, while typing."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from apps.analytics.lists import members as listed
from apps.analytics.lists import orders as listed_orders
from apps.console import palette
from apps.members import selectors as members
from apps.tickets import queues

SHOWN = 6
LEAST = 2  # characters before members are looked for


@require_POST
def find(request: HttpRequest) -> HttpResponse:
    """POST, so that what was typed stands in no address and no log."""
    text = " ".join(request.POST.get("q", "").replace("\0", "").split())[:60]
    access = request.access  # type: ignore[attr-defined]
    facts: dict[str, object] = {"q": text, "pages": palette.pages(request, text)}
    if len(text) >= LEAST and access.can("members.view"):
        stores = access.store_ids("members.view")
        found = members.search(text=text, store_ids=stores, limit=SHOWN)
        rows = listed.of_ids(member_ids=found.member_ids, stores=stores)
        phones = members.masked_phones(found.member_ids)
        facts["members"] = [{**row, "phone": phones.get(row["id"], "")} for row in rows]
    if len(text) >= LEAST and access.can("orders.view"):
        facts["orders"] = listed_orders.by_number(number=text, stores=access.store_ids("orders.view"))
    if len(text) >= LEAST and access.can("tickets.view"):
        facts["tickets"] = queues.by_number(text, access.store_ids("tickets.view"))
    kinds = [facts.get(kind) for kind in ("pages", "members", "orders", "tickets")]
    facts["count"] = sum(len(rows) for rows in kinds if isinstance(rows, list))
    answer = render(request, "console/_find.html", facts)
    answer["Cache-Control"] = "no-store"
    return answer
