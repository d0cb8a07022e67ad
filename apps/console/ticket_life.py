"""The life of a ticket in sentences: who did what, and for each changed field what it was and is."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext, pgettext_lazy

from apps.console.ticket_words import ACTS
from apps.core import ids
from apps.stores.models import Staff, Store
from apps.tickets.models import Entry, Ticket

FIELDS = {
    "priority": pgettext_lazy("ticket", "How pressing"),
    "assignee_id": pgettext_lazy("task", "Who"),
    "store_id": pgettext_lazy("ticket", "Store"),
    "kind": pgettext_lazy("ticket", "Kind"),
    "skill": pgettext_lazy("ticket", "Skill"),
    "tags": pgettext_lazy("ticket", "Tags"),
    "attributes": pgettext_lazy("ticket", "Also noted"),
}
_TONES = {
    "missed": "bad",
    "raised": "bad",
    "warned": "warn",
    "escalated": "warn",
    "refund": "ok",
    "resolve": "ok",
    "agree": "ok",
}


def told(row: Ticket, *, since: int = 0) -> list[dict[str, Any]]:
    """Newest first; `since`: only what came after that entry."""
    return sentences(list(Entry.objects.filter(ticket=row, pk__gt=since).select_related("by").order_by("-pk")))


def sentences(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    names = _names(entries)
    return [
        {
            "key": one.pk,
            "title": str(ACTS.get(one.act, one.act)),
            "moment": one.at,
            "text": " · ".join(filter(None, [one.by.name if one.by else "", *_changes(one, names), _other(one)])),
            "tone": _TONES.get(one.act, ""),
        }
        for one in entries
    ]


def _names(entries: Sequence[Entry]) -> dict[str, dict[int, str]]:
    """Of people and stores that the changes name."""
    found: dict[str, set[int]] = {"assignee_id": set(), "store_id": set()}
    for one in entries:
        for name, keys in found.items():
            keys |= {value for value in (one.before.get(name), one.after.get(name)) if value}
    return {
        "assignee_id": dict(Staff.objects.filter(pk__in=found["assignee_id"]).values_list("pk", "name")),
        "store_id": dict(Store.objects.filter(pk__in=found["store_id"]).values_list("pk", "name")),
    }


def _changes(one: Entry, names: dict[str, dict[int, str]]) -> list[str]:
    changed = []
    for name, label in FIELDS.items():
        if name in one.after:
            now = _value(name, one.after[name], names)
            was = _value(name, one.before[name], names) if name in one.before else ""
            changed.append(f"{label}: {was} → {now}" if was else f"{label}: {now}")
    return changed


def _value(name: str, value: Any, names: dict[str, dict[int, str]]) -> str:
    if name == "priority":
        return str(dict(Ticket.Priority.choices).get(value, value))
    if name == "kind":
        return str(dict(Ticket.Kind.choices).get(value, value))
    if name in names:
        empty = _("nobody yet") if name == "assignee_id" else _("Head office")
        return names[name].get(value, empty)
    if isinstance(value, list):
        return ", ".join(value) or pgettext("ticket", "none")
    return str(value or pgettext("ticket", "none"))


def _other(one: Entry) -> str:
    """The other ticket of a merge, a split or a link, as an address shows it."""
    key = one.after.get("ticket")
    return ids.encode("tkt", key) if key else ""
