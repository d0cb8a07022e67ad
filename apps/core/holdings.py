"""What each table holds about a member, declared beside its app: shown on export, gone on erasure, moved on merge, purged by age.

Every app has a `privacy.py`: `HOLDINGS` names its tables that hold member data, `IMPERSONAL` ("orders.ImportRun", …) those that
do not; `PURGES` says when rows without a member go. What the declaration cannot say, functions do there:

    SHOWN: dict[str, Callable[[int], list[dict[str, object]]]]   model → rows shown to the member, in place of `export`
    ERASES: tuple[Callable[[int], None], ...]                    run before the declared erasure, in its transaction, repeatable

A test fails for a model that stands in none or two of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

from django.apps import apps
from django.db.models import Model, QuerySet
from django.utils.functional import Promise

Sensitivity = Literal["", "technical", "personal", "sensitive"]
Shown = Callable[[int], list[dict[str, object]]]
Erase = Callable[[int], None]


@dataclass(frozen=True)
class Holding:
    """One table with member data. `member` is the ORM path to the member's id: "member_id", "order__member_id".

    `export`: fields the member is shown. `on_erase`: "keep" needs a `reason` and empties the fields of `blank`.
    `on_merge`: "move" re-points `member` to the survivor, "stay" leaves the row (it follows another table, or is computed anew).
    `retain_days` after the time in `since` the purge deletes the row; None: as long as the membership lasts.
    `purpose` is a key of the processing record (`apps.flows.processing`).
    `sensitivity`: "sensitive" names the person, opens what names them, or concerns children; "personal" says something about
    them; "technical" is ids and times. A test fails for a table without one.
    """

    model: str
    member: str
    export: tuple[str, ...]
    on_erase: Literal["delete", "keep"]
    on_merge: Literal["move", "stay"]
    reason: str | Promise = ""
    retain_days: int | None = None
    since: str = ""
    blank: tuple[str, ...] = ()
    purpose: str = "membership"
    sensitivity: Sensitivity = ""

    def __post_init__(self) -> None:
        if self.on_erase == "keep" and not self.reason:
            raise ValueError(f"{self.model} is kept after erasure: say why")
        if (self.retain_days is not None) != bool(self.since):
            raise ValueError(f"{self.model}: retain_days and since belong together")

    def rows(self, member_id: int) -> QuerySet[Model]:
        """The member's rows, oldest first."""
        return model_of(self.model)._default_manager.filter(**{self.member: member_id}).order_by("pk")


@dataclass(frozen=True)
class Purge:
    """Rows of `model` go `days` after the time in `since`; where that is empty they stay. `only` narrows them further."""

    model: str
    days: int
    since: str
    only: dict[str, Any] = field(default_factory=dict)


def model_of(label: str) -> type[Model]:
    return apps.get_model(label)


def holdings() -> tuple[Holding, ...]:
    """Of every app, lowest floor first."""
    return tuple(holding for module in _modules() for holding in module.HOLDINGS)


def impersonal() -> tuple[str, ...]:
    """Tables of ours without member data."""
    return tuple(label for module in _modules() for label in getattr(module, "IMPERSONAL", ()))


def purges() -> tuple[Purge, ...]:
    """Every age limit: those of holdings and those of impersonal tables."""
    own = [
        Purge(model=held.model, days=held.retain_days, since=held.since)
        for held in holdings()
        if held.retain_days is not None
    ]
    return (*own, *(purge for module in _modules() for purge in getattr(module, "PURGES", ())))


def shown() -> dict[str, Shown]:
    """Rows for the member by model label, where the plain fields would not do."""
    return {label: rows for module in _modules() for label, rows in getattr(module, "SHOWN", {}).items()}


def erases() -> Iterator[Erase]:
    """Functions of the apps, highest floor first: what rests on a row goes before it."""
    for module in reversed(_modules()):
        yield from getattr(module, "ERASES", ())


@lru_cache(maxsize=1)
def _modules() -> tuple[ModuleType, ...]:
    """The `privacy` module of each of our apps that has models, in the order of INSTALLED_APPS. A missing one raises ImportError."""
    ours = (config for config in apps.get_app_configs() if config.name.startswith("apps."))
    return tuple(import_module(f"{config.name}.privacy") for config in ours if list(config.get_models()))
