"""Macros: written by the desk, tried before they are used. Their history is the audit trail's."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from apps.core import audit
from apps.core.errors import NotFound, ValidationFailed
from apps.tickets import actions as acts
from apps.tickets.models import Macro, MacroUse, Ticket


@transaction.atomic
def save(*, macro_id: int | None, name: str, kinds: Sequence[str], actions: Any, is_active: bool = True) -> Macro:
    """A new one without `macro_id`. Raises ValidationFailed (the name is another's, an act is none), NotFound."""
    acts.check(actions)
    name = " ".join(name.split())
    errors = []
    if not 0 < len(name) <= 60 or Macro.objects.filter(name=name).exclude(pk=macro_id or 0).exists():
        errors.append({"pointer": "/name", "code": "invalid", "message": _("A name of its own, up to 60 letters.")})
    if not set(kinds) <= set(Ticket.Kind.values):
        errors.append({"pointer": "/kinds", "code": "invalid", "message": _("Choose one of the list.")})
    if errors:
        raise ValidationFailed(errors=errors)
    row = one(macro_id) if macro_id else Macro()
    row.name, row.kinds, row.actions, row.is_active = name, sorted(kinds), actions, is_active
    audit.sign()
    row.save()
    MacroUse.objects.get_or_create(macro=row)
    return row


def one(macro_id: int) -> Macro:
    """Raises NotFound."""
    row = Macro.objects.filter(pk=macro_id).first()
    if row is None:
        raise NotFound
    return row


def for_ticket(ticket: Ticket, *, limit: int = 100) -> list[Macro]:
    """Those that count for its kind, the most used first."""
    fitting = Macro.objects.filter(Q(kinds=[]) | Q(kinds__contains=[ticket.kind]), is_active=True)
    return list(fitting.order_by("-use__times", "name")[:limit])


def used(macro_id: int) -> None:
    MacroUse.objects.filter(macro_id=macro_id).update(times=F("times") + 1)
