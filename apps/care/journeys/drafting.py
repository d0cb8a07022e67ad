"""Several people at one draft: what somebody else saved meanwhile is kept, and the same thing changed twice is asked about.

A change is a draft and the draft it began from (`base`). Parts are told apart by the steps' keys and the fields of the journey.
"""

import copy
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apps.care.journeys import editing, shaping
from apps.care.models import Journey

_ORDER = "nodes"


@dataclass(frozen=True)
class Merged:
    """`mine` and `theirs` are whole drafts that differ in `twice` only: the parts that both changed, "" for the first step."""

    mine: dict[str, Any]
    theirs: dict[str, Any]
    twice: list[str]


@dataclass(frozen=True)
class Kept:
    """`draft` is what stands now. With a conflict nothing was written, and both drafts are there to choose from."""

    draft: dict[str, Any]
    conflict: Merged | None = None
    others: bool = False  # somebody else's change was taken in


@transaction.atomic
def change(*, journey_id: int, base: Any, draft: Any) -> Kept:
    """Keep a draft that began from `base`. Raises NotFound."""
    journey = editing.locked(journey_id)
    now, base, draft = shaping.normal(journey.draft), shaping.normal(base), shaping.normal(draft)
    if draft == base:
        return Kept(draft=now, others=now != base)
    found = merged(base=base, mine=draft, theirs=now)
    if found.twice:
        return Kept(draft=now, conflict=found)
    editing.save_draft(journey_id=journey_id, draft=found.mine)
    return Kept(draft=found.mine, others=now not in (base, draft))


@transaction.atomic
def rename(*, journey_id: int, name: str, priority: int) -> Journey:
    """The name and the rank alone; the draft stays as it is in this moment. Raises NotFound."""
    draft = editing.locked(journey_id).draft
    return editing.save_draft(journey_id=journey_id, draft=draft, name=name, priority=priority)


@transaction.atomic
def create_copy(*, of: Journey, key: str, name: str) -> Journey:
    """A new draft with another's graph: its draft as it stands."""
    return editing.create(key=key, name=name, draft=copy.deepcopy(of.draft), priority=of.priority)


def merged(*, base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]) -> Merged:
    """Both changes of `base` in one draft, as far as they are about different parts."""
    parts = [_parts(one) for one in (base, mine, theirs)]
    chosen: dict[str, Any] = {}
    other: dict[str, Any] = {}
    twice: list[str] = []
    for name in dict.fromkeys(key for part in parts for key in part):
        was, own, their = (part.get(name) for part in parts)
        own_wins = their == was or own == their
        both = not own_wins and own != was
        chosen[name] = own if own_wins or both else their
        other[name] = own if own_wins else their
        if both:
            twice.append(name.removeprefix("/"))
    return Merged(mine=_whole(chosen), theirs=_whole(other), twice=twice)


def _parts(draft: dict[str, Any]) -> dict[str, Any]:
    """Fields by name, steps by "/key", the first step by "/": the rest of the order follows from the ways."""
    fields = {name: value for name, value in draft.items() if name != _ORDER}
    steps = {f"/{raw['key']}": raw for raw in draft[_ORDER]}
    return fields | steps | {"/": draft[_ORDER][0]["key"]}


def _whole(parts: dict[str, Any]) -> dict[str, Any]:
    steps = [raw for name, raw in parts.items() if name.startswith("/") and name != "/" and raw is not None]
    steps.sort(key=lambda raw: raw["key"] != parts["/"])
    fields = {name: value for name, value in parts.items() if not name.startswith("/") and value is not None}
    return shaping.in_order(copy.deepcopy(fields | {_ORDER: steps or [shaping.END]}))
