"""What may be changed about a ticket besides its state, and what each may be."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import ValidationFailed
from apps.stores.models import Staff, Store
from apps.tickets import life
from apps.tickets.models import Ticket

MOST_TAGS, MOST_ATTRIBUTES = 12, 20
_WORD = re.compile(r"[^\s,;\x00-\x1f]{1,30}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
_KIND_OPEN = frozenset({life.NEW, life.WORKING, life.WAITING})  # states that every kind has


def checked(ticket: Ticket, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they are kept. `attributes` are put beside those that are there; None takes one away. Raises ValidationFailed."""
    kept, errors = {}, []
    for name, value in values.items():
        rule = _RULES.get(name)
        found = rule(ticket, value) if rule else _REFUSED
        if found is _REFUSED:
            errors.append({"pointer": f"/{name}", "code": "invalid", "message": _("This can't be set to that.")})
        else:
            kept[name] = found
    if errors:
        raise ValidationFailed(errors=errors)
    return kept


def fits(name: str, value: Any) -> bool:
    """Whether some ticket could have it: for whoever writes a rule before there is a ticket."""
    return name in _RULES and _RULES[name](Ticket(state=life.NEW, attributes={}), value) is not _REFUSED


def kinds(ticket: Ticket) -> list[str]:
    """Which it can be now; its own is among them."""
    has_lines = ticket.lines.exists()
    others = [kind for kind in Ticket.Kind.values if has_lines or kind not in life.ABOUT_LINES]
    return [
        kind for kind in Ticket.Kind.values if kind == ticket.kind or (ticket.state in _KIND_OPEN and kind in others)
    ]


def told(values: Mapping[str, Any]) -> dict[str, Any]:
    """As a ticket's life keeps it: of attributes their names, as what stands in them may be about people."""
    return {name: sorted(value) if name == "attributes" else value for name, value in values.items()}


_REFUSED = object()


def _priority(_ticket: Ticket, value: Any) -> Any:
    return value if type(value) is int and value in Ticket.Priority.values else _REFUSED


def _assignee(_ticket: Ticket, value: Any) -> Any:
    there = value is None or Staff.objects.filter(pk=value, is_active=True, user__isnull=False).exists()
    return value if there else _REFUSED


def _store(_ticket: Ticket, value: Any) -> Any:
    return value if value is None or Store.objects.filter(pk=value).exists() else _REFUSED


def _kind(ticket: Ticket, value: Any) -> Any:
    """Another kind, while both have the state; what is about goods needs their lines."""
    return value if value in (kinds(ticket) if ticket.pk else Ticket.Kind.values) else _REFUSED


def _skill(_ticket: Ticket, value: Any) -> Any:
    return value if value == "" or (isinstance(value, str) and _WORD.fullmatch(value)) else _REFUSED


def _tags(_ticket: Ticket, value: Any) -> Any:
    if not isinstance(value, list) or not all(isinstance(one, str) and _WORD.fullmatch(one) for one in value):
        return _REFUSED
    kept = sorted(set(value))
    return kept if len(kept) <= MOST_TAGS else _REFUSED


def _attributes(ticket: Ticket, value: Any) -> Any:
    if not isinstance(value, dict) or not all(_NAME.fullmatch(str(name)) for name in value):
        return _REFUSED
    if not all(one is None or (isinstance(one, str) and 0 < len(one) <= 100) for one in value.values()):
        return _REFUSED
    kept = {name: one for name, one in {**ticket.attributes, **value}.items() if one is not None}
    return kept if len(kept) <= MOST_ATTRIBUTES else _REFUSED


_RULES: dict[str, Callable[[Ticket, Any], Any]] = {
    "priority": _priority,
    "assignee_id": _assignee,
    "store_id": _store,
    "kind": _kind,
    "skill": _skill,
    "tags": _tags,
    "attributes": _attributes,
}
NAMES = tuple(_RULES)
