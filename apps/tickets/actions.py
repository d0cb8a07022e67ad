"""What a macro or an automation does: a list of acts as data, checked when it is written, done in one transaction.

Texts may hold variables; `Fill` puts values in (flows/ticket_texts.py), so that this app need not know members' points and tiers.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.core import clock, shapes
from apps.core.errors import ValidationFailed
from apps.core.shapes import kind as one_kind
from apps.tickets import assigning, changing, life
from apps.tickets import services as tickets
from apps.tickets.models import Message, Ticket
from apps.tickets.services import Actor

Action = Mapping[str, Any]
Fill = Callable[[str], str]
ME, TURN, NOBODY = "me", "turn", "nobody"
_TEXT = {"type": "string", "maxLength": 2_000}
_WORD = {"type": "string", "maxLength": 30}
_HAN, _LATIN = re.compile(r"[\u3400-\u9fff]"), re.compile(r"[A-Za-z]{2}")
MOVES = sorted(
    {name for moves in life.MOVES.values() for name, move in moves.items() if life.AGENT in move.by} - {"merge"}
)
SCHEMA: dict[str, Any] = {
    "type": "array",
    "minItems": 1,
    "maxItems": 10,
    "items": {
        "oneOf": [
            one_kind("reply", ["text"], text=_TEXT, text_en=_TEXT),
            one_kind("note", ["text"], text=_TEXT),
            one_kind("move", ["move"], move={"type": "string", "enum": MOVES}),
            one_kind("priority", ["value"], value=shapes.whole(3)),
            one_kind("kind", ["value"], value={"type": "string", "enum": list(Ticket.Kind.values)}),
            one_kind("skill", ["value"], value=_WORD),
            one_kind("store", ["value"], value=shapes.whole(2**53)),
            one_kind("attribute", ["name", "value"], name=_WORD, value={"type": "string", "maxLength": 100}),
            one_kind("tag", ["add"], add={"type": "array", "items": _WORD, "minItems": 1, "maxItems": 12}),
            one_kind("untag", ["remove"], remove={"type": "array", "items": _WORD, "minItems": 1, "maxItems": 12}),
            one_kind("assign", ["to"], to={"type": "string", "enum": [ME, TURN, NOBODY]}),
            one_kind("assign_to", ["staff"], staff=shapes.whole(2**53)),
        ]
    },
}
_FIELDS = {"priority": "priority", "kind": "kind", "skill": "skill", "store": "store_id"}


def check(actions: Any, *, for_nobody: bool = False) -> None:
    """`for_nobody`: nobody presses a button, so there is no "me". Raises ValidationFailed."""
    found = list(shapes.findings(SCHEMA, actions, "/actions")) or list(_by_meaning(actions, for_nobody))
    if found:
        raise ValidationFailed(
            errors=[{"pointer": at, "code": code, "message": str(shapes.TEXTS[code])} for at, code in found]
        )


def _by_meaning(actions: Sequence[Action], for_nobody: bool) -> Iterator[tuple[str, str]]:
    for number, action in enumerate(actions):
        values = _values(Ticket(attributes={}, tags=[]), action)
        if not all(changing.fits(name, value) for name, value in values.items()):
            yield f"/actions/{number}", "unknown_value"
        if for_nobody and action["kind"] == "assign" and action["to"] == ME:
            yield f"/actions/{number}/to", "unknown_value"


@transaction.atomic
def do(
    *, ticket_id: int, actions: Sequence[Action], by: Actor, source: str, fill: Fill, moment: datetime | None = None
) -> None:
    """All of it or nothing; `source` makes its words once. Raises what the acts do: MoveRefused, ValidationFailed, NotFound."""
    moment = moment or clock.now()
    for number, action in enumerate(actions):
        _do(ticket_id, action, by=by, source=f"{source}:{number}", fill=fill, moment=moment)


def wording(action: Action, *, in_english: bool) -> str:
    """The text of an answer in the member's language, where it was written in it."""
    return str((in_english and action.get("text_en")) or action["text"])


def writes_english(said: Sequence[Message]) -> bool:
    """Whether the member's newest words with letters hold no Chinese ones; `said` oldest first."""
    for one in reversed(said):
        if one.side == life.MEMBER and _HAN.search(one.text):
            return False
        if one.side == life.MEMBER and _LATIN.search(one.text):
            return True
    return False


def _do(ticket_id: int, action: Action, *, by: Actor, source: str, fill: Fill, moment: datetime) -> None:
    what = action["kind"]
    if what in {"reply", "note"}:
        said = list(Message.objects.filter(ticket_id=ticket_id, side=life.MEMBER).order_by("pk"))
        text = fill(wording(action, in_english=writes_english(said)))
        tickets.say(ticket_id=ticket_id, by=by, text=text, source=source, is_internal=what == "note", moment=moment)
    elif what == "move":
        tickets.move(ticket_id=ticket_id, move=action["move"], by=by, moment=moment)
    elif what == "assign" and action["to"] == TURN:
        assigning.give_out(ticket_id=ticket_id, moment=moment)
    else:
        row = tickets.locked(ticket_id)
        values = _values(row, action, staff_id=by.staff_id)
        tickets.change(ticket_id=ticket_id, values=values, by=by, moment=moment)


def _values(row: Ticket, action: Action, *, staff_id: int | None = None) -> dict[str, Any]:
    """What an act changes about a ticket; nothing for words and moves."""
    what = action["kind"]
    if what in _FIELDS:
        return {_FIELDS[what]: action["value"]}
    if what == "attribute":
        return {"attributes": {action["name"]: action["value"]}}
    if what == "tag":
        return {"tags": [*row.tags, *action["add"]]}
    if what == "untag":
        return {"tags": [tag for tag in row.tags if tag not in action["remove"]]}
    if what == "assign_to":
        return {"assignee_id": action["staff"]}
    if what == "assign" and action["to"] != TURN:
        return {"assignee_id": staff_id if action["to"] == ME else None}
    return {}
