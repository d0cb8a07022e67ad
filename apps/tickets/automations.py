"""Automations: what sets them off, what must hold, and the runs they leave. flows/ticket_automations runs them.

Loops end in three ways: a fact that an automation led to carries which (`chain`), and none of these is run again on it; a chain has
`LONGEST` at most; and one automation does not touch one ticket more than `A_DAY` times in 24 hours. Each stop is a run in the list.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import audit, shapes
from apps.core.errors import NotFound, ValidationFailed
from apps.core.shapes import kind as one_kind
from apps.tickets import actions as acts
from apps.tickets import life
from apps.tickets.models import Automation, AutomationRun, Ticket

LONGEST, A_DAY = 5, 20
# The fact behind each trigger, and what else must be so.
TRIGGERS: dict[str, tuple[str, Callable[[Mapping[str, Any]], bool]]] = {
    "opened": ("ticket.opened", lambda _said: True),
    "member_said": ("ticket.said", lambda said: said.get("side") == life.MEMBER),
    "staff_said": ("ticket.said", lambda said: said.get("side") != life.MEMBER),
    "moved": ("ticket.moved", lambda _said: True),
    "changed": ("ticket.changed", lambda _said: True),
    "due_soon": ("ticket.due_soon", lambda _said: True),
    "missed": ("ticket.missed", lambda _said: True),
}
_WORD = {"type": "string", "maxLength": 60}
_WORDS = {"type": "array", "items": _WORD, "minItems": 1, "maxItems": 20}
# Each asks for one of the values; `not` turns it round.
SCHEMA: dict[str, Any] = {
    "type": "array",
    "minItems": 0,
    "maxItems": 10,
    "items": {
        "oneOf": [
            one_kind(name, ["values"], values=_WORDS, **{"not": {"type": "boolean"}})
            for name in (
                "kind",
                "state",
                "priority",
                "channel",
                "store",
                "skill",
                "tag",
                "move",
                "text",
                "segment",
                "person",
            )
        ]
        + [one_kind("tier", ["least"], least=shapes.whole(100, 0), **{"not": {"type": "boolean"}})]
    },
}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What conditions are asked about: the ticket, the move of the fact, the words that set it off, the member's segments."""

    ticket: Ticket
    move: str = ""
    text: str = ""
    segments: Callable[[], Sequence[str]] = lambda: ()


@transaction.atomic
def save(
    *,
    automation_id: int | None,
    name: str,
    trigger: str,
    conditions: Any,
    actions: Any,
    position: int = 0,
    is_active: bool = True,
) -> Automation:
    """A new one without `automation_id`. Raises ValidationFailed, NotFound."""
    acts.check(actions, for_nobody=True)
    name, errors = " ".join(name.split()), []
    if not 0 < len(name) <= 60 or Automation.objects.filter(name=name).exclude(pk=automation_id or 0).exists():
        errors.append({"pointer": "/name", "code": "invalid", "message": _("A name of its own, up to 60 letters.")})
    if trigger not in TRIGGERS:
        errors.append({"pointer": "/trigger", "code": "invalid", "message": _("Choose one of the list.")})
    for at, code in shapes.findings(SCHEMA, conditions, "/conditions"):
        errors.append({"pointer": at, "code": code, "message": str(shapes.TEXTS[code])})
    if errors:
        raise ValidationFailed(errors=errors)
    row = one(automation_id) if automation_id else Automation()
    row.name, row.trigger, row.conditions, row.actions = name, trigger, conditions, actions
    row.position, row.is_active = position, is_active
    audit.sign()
    row.save()
    return row


def one(automation_id: int) -> Automation:
    """Raises NotFound."""
    row = Automation.objects.filter(pk=automation_id).first()
    if row is None:
        raise NotFound
    return row


def set_off(fact: str, said: Mapping[str, Any]) -> list[Automation]:
    """Those that a fact sets off, in their order."""
    names = [name for name, (of, holds) in TRIGGERS.items() if of == fact and holds(said)]
    return list(Automation.objects.filter(trigger__in=names, is_active=True).order_by("position", "pk"))


def holds(row: Automation, facts: Facts) -> bool:
    """Whether all of its conditions do."""
    return all(_one_holds(one, facts) != one.get("not", False) for one in row.conditions)


def stop(row: Automation, *, ticket_id: int, chain: Sequence[int], moment: datetime) -> str:
    """Why it must not run now: the outcome to keep, "" where it may."""
    if row.pk in chain or len(chain) >= LONGEST:
        return AutomationRun.Outcome.LOOP
    since = moment - timedelta(days=1)
    runs = AutomationRun.objects.filter(ticket_id=ticket_id, automation=row, at__gt=since)
    return AutomationRun.Outcome.BRAKE if runs.exclude(outcome="brake").count() >= A_DAY else ""


def _one_holds(one: Mapping[str, Any], facts: Facts) -> bool:
    row, what = facts.ticket, one["kind"]
    if what == "tier":
        return row.tier_rank >= int(one["least"])
    values = set(one["values"])
    if what == "tag":
        return bool(values & set(row.tags))
    if what == "text":
        return any(value.lower() in facts.text.lower() for value in values)
    if what == "segment":
        return bool(values & set(facts.segments()))
    plain = {
        "kind": row.kind, "state": row.state, "priority": str(row.priority), "channel": row.channel,
        "store": str(row.store_id or ""), "skill": row.skill, "move": facts.move, "person": str(row.assignee_id or ""),
    }  # fmt: skip
    return plain[what] in values
