"""What changed between two graphs, step by step and field by field."""

from dataclasses import dataclass
from typing import Any

from apps.care.journeys.grammar import DEFAULTS


@dataclass(frozen=True)
class Change:
    """One field. `step` is the key of the step, "" for the journey itself; None stands for what is not there."""

    step: str
    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Difference:
    """`added` and `removed` are steps as the graphs hold them; `changes` are about steps that stand in both, or the journey."""

    added: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    changes: list[Change]

    @property
    def is_nothing(self) -> bool:
        return not (self.added or self.removed or self.changes)


def difference(before: dict[str, Any], after: dict[str, Any]) -> Difference:
    """Two graphs as `JourneyVersion.graph` or a draft holds them; a field that is left out has its default."""
    old, new = ({raw["key"]: raw for raw in one["nodes"]} for one in (before, after))
    changes = _fields("", DEFAULTS | before, DEFAULTS | after, leave={"nodes"})
    for key, raw in new.items():
        if key in old:
            changes += _fields(key, old[key], raw, leave={"key"})
    if before["nodes"][0]["key"] != after["nodes"][0]["key"]:
        changes.append(Change("", "start", before["nodes"][0]["key"], after["nodes"][0]["key"]))
    return Difference(
        added=[raw for key, raw in new.items() if key not in old],
        removed=[raw for key, raw in old.items() if key not in new],
        changes=changes,
    )


def _fields(step: str, before: dict[str, Any], after: dict[str, Any], *, leave: set[str]) -> list[Change]:
    names = [name for name in dict.fromkeys([*before, *after]) if name not in leave]
    return [
        Change(step, name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    ]
