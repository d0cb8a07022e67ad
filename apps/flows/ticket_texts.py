"""Texts of macros and automations: the variables that care knows, for the member of a ticket. What has no value is not sent."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from apps.care import policies, templates
from apps.care.templates import BadTemplate
from apps.core import clock
from apps.core.errors import ValidationFailed
from apps.tickets.actions import Action, Fill
from apps.tickets.models import Ticket


def check(actions: Sequence[Action]) -> None:
    """Raises ValidationFailed where a text asks for what nobody knows. For acts that `actions.check` has let pass."""
    errors = []
    for number, action in enumerate(actions):
        for name in ("text", "text_en"):
            try:
                templates.parse(action.get(name) or "-")
            except BadTemplate as wrong:
                message = f"{policies.TEXTS[wrong.code]} {wrong.word}".strip()
                errors.append({"pointer": f"/actions/{number}/{name}", "code": wrong.code, "message": message})
    if errors:
        raise ValidationFailed(errors=errors)


def filler(ticket: Ticket, *, moment: datetime | None = None) -> Fill:
    """Puts this member's values in. Raises ValidationFailed for a text whose value is missing."""

    def fill(text: str) -> str:
        done, missing = filled(text, member_id=ticket.member_id, moment=moment)
        if missing:
            told = _("There is no value for: %(names)s") % {"names": ", ".join(missing)}
            raise ValidationFailed(errors=[{"pointer": "/text", "code": "missing_value", "message": told}])
        return done

    return fill


def filled_all(texts: Sequence[str], *, member_id: int) -> list[str]:
    """Many texts for one member, by one statement; what has no value stays as it was written."""
    names = {name for text in texts for name in templates.variables(text)}
    values = templates.values_of([member_id], names=names, moment=clock.now())[member_id]
    return [_put(text, values)[0] for text in texts]


def filled(text: str, *, member_id: int, moment: datetime | None = None) -> tuple[str, list[str]]:
    """The text, and the variables that have no value; those stand in it as they were written."""
    names = templates.variables(text)
    values: dict[str, Any] = {}
    if names:
        values = templates.values_of([member_id], names=names, moment=moment or clock.now())[member_id]
    return _put(text, values)


def _put(text: str, values: Mapping[str, Any]) -> tuple[str, list[str]]:
    missing = [name for name in templates.variables(text) if not values.get(name)]
    shown = dict(values) | {name: "{{ " + name + " }}" for name in missing}
    return templates.render(text, values=shown, missing={}).text, missing


def has_variables(text: str) -> bool:
    """Whether a text that is about to be sent still asks for a value."""
    try:
        return bool(templates.variables(f"- {text}"))
    except BadTemplate as wrong:
        return wrong.code == "unknown_variable"
