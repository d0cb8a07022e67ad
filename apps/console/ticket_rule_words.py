"""Macros and automations in sentences: what sets them off, what must hold, what they do."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from apps.console.ticket_words import MOVES
from apps.segments.models import Segment
from apps.stores.models import Staff, Store
from apps.tickets.models import Ticket

TRIGGERS = {
    "opened": pgettext_lazy("ticket trigger", "A ticket is opened"),
    "member_said": pgettext_lazy("ticket trigger", "The member writes"),
    "staff_said": pgettext_lazy("ticket trigger", "We write"),
    "moved": pgettext_lazy("ticket trigger", "Its state changes"),
    "changed": pgettext_lazy("ticket trigger", "Something about it is changed"),
    "due_soon": pgettext_lazy("ticket trigger", "A promise is near"),
    "missed": pgettext_lazy("ticket trigger", "A promise was missed"),
}
OUTCOMES = {
    "done": pgettext_lazy("automation", "done"),
    "refused": pgettext_lazy("automation", "refused"),
    "loop": pgettext_lazy("automation", "stopped: it led to itself"),
    "brake": pgettext_lazy("automation", "stopped: too often in a day"),
}
CONDITIONS = {
    "kind": pgettext_lazy("ticket condition", "Kind"),
    "state": pgettext_lazy("ticket condition", "State"),
    "priority": pgettext_lazy("ticket condition", "How pressing"),
    "channel": pgettext_lazy("ticket condition", "How it came"),
    "store": pgettext_lazy("ticket condition", "Store"),
    "skill": pgettext_lazy("ticket condition", "Skill"),
    "tag": pgettext_lazy("ticket condition", "Has a tag"),
    "move": pgettext_lazy("ticket condition", "Step"),
    "text": pgettext_lazy("ticket condition", "The words say"),
    "segment": pgettext_lazy("ticket condition", "The member is in"),
    "person": pgettext_lazy("ticket condition", "Who has it"),
}
_DOES = {
    "reply": pgettext_lazy("ticket act", "Answers"),
    "note": pgettext_lazy("ticket act", "Notes among staff"),
    "tag": pgettext_lazy("ticket act", "Adds tags"),
    "untag": pgettext_lazy("ticket act", "Takes tags away"),
    "assign": pgettext_lazy("ticket act", "Gives it"),
}
_NOT, _NONE = pgettext_lazy("ticket condition", "not"), pgettext_lazy("ticket", "none")
_ASSIGN = {
    "me": pgettext_lazy("ticket act", "to whoever presses it"),
    "turn": pgettext_lazy("ticket act", "to whose turn it is"),
    "nobody": pgettext_lazy("ticket act", "to nobody"),
}


def actions(done: Sequence[Mapping[str, Any]]) -> list[str]:
    return [_action(one) for one in done]


def conditions(asked: Sequence[Mapping[str, Any]]) -> list[str]:
    return [_condition(one) for one in asked]


def _action(one: Mapping[str, Any]) -> str:
    what = one["kind"]
    said = {
        "reply": lambda: f"{_DOES['reply']}: {' / '.join(filter(None, (one['text'], one.get('text_en'))))}",
        "note": lambda: f"{_DOES['note']}: {one['text']}",
        "move": lambda: str(MOVES[one["move"]]),
        "priority": lambda: f"{CONDITIONS['priority']}: {Ticket.Priority(one['value']).label}",
        "kind": lambda: f"{CONDITIONS['kind']}: {Ticket.Kind(one['value']).label}",
        "skill": lambda: f"{CONDITIONS['skill']}: {one['value'] or _NONE}",
        "store": lambda: f"{CONDITIONS['store']}: {_name(Store, one['value'])}",
        "attribute": lambda: f"{one['name']}: {one['value']}",
        "tag": lambda: f"{_DOES['tag']}: {', '.join(one['add'])}",
        "untag": lambda: f"{_DOES['untag']}: {', '.join(one['remove'])}",
        "assign": lambda: f"{_DOES['assign']} {_ASSIGN[one['to']]}",
        "assign_to": lambda: f"{_DOES['assign']} → {_name(Staff, one['staff'])}",
    }
    return said[what]()


def _condition(one: Mapping[str, Any]) -> str:
    if one["kind"] == "tier":
        return _("Tier from rank %(rank)s on") % {"rank": one["least"]}
    values = ", ".join(_value(one["kind"], value) for value in one["values"])
    is_not = f" {_NOT}" if one.get("not") else ""
    return f"{CONDITIONS[one['kind']]}{is_not}: {values}"


def _value(kind: str, value: str) -> str:
    choices: dict[str, Any] = {
        "kind": dict(Ticket.Kind.choices),
        "state": dict(Ticket.State.choices),
        "priority": {str(key): label for key, label in Ticket.Priority.choices},
        "move": MOVES,
    }
    if kind in choices:
        return str(choices[kind].get(value, value))
    if kind in {"store", "person"}:
        return _name(Store if kind == "store" else Staff, value)
    if kind == "segment":
        return Segment.objects.filter(key=value).values_list("name", flat=True).first() or value
    return value


def _name(model: Any, key: Any) -> str:
    return str(model.objects.filter(pk=key).values_list("name", flat=True).first() or key)
