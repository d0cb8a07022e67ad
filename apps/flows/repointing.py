"""Rows of a merged record go to the survivor, table by table as the apps' `privacy.py` declare (`on_merge="move"`), and back.

One statement per table. A row that the survivor already has under a unique key (a touch for the same occasion, the same tag)
stays with the alias: the survivor's own counts. What was moved is noted by key, so that an undoing gives back exactly that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Field, Model, UniqueConstraint

from apps.core import holdings
from apps.coupons import merging as coupons
from apps.coupons.models import Coupon
from apps.members import merging
from apps.members.models import Merge, MergeMove

# Sealed anew on the way, see `members.merging`; numbered anew under the limit per member, see `coupons.merging`.
ELSEWHERE = frozenset({merging.IDENTITIES, coupons.COUPON})


@dataclass(frozen=True)
class Load:
    """What a merge would do to one table: rows that move, rows that stay with the alias because of a unique key."""

    model: str
    label: str
    moving: int
    staying: int


@dataclass(frozen=True)
class Table:
    """A table whose rows move. `key` is the column that names a row, `free` the condition that a row hurts no unique key."""

    model: str
    label: str
    name: str
    member: str
    key: str
    key_type: str
    free: str

    def count(self) -> str:
        return (
            f"select count(*) filter (where {self.free}), count(*) from {self.name} t"
            f" where t.{self.member} = %(giver)s and %(taker)s is not null"
        )

    def move(self, only: str = "") -> str:
        return (
            f"update {self.name} t set {self.member} = %(taker)s where t.{self.member} = %(giver)s"
            f" and {self.free} {only} returning t.{self.key}"
        )

    def give_back(self) -> str:
        return self.move(f"and t.{self.key} = any(%(keys)s::{self.key_type}[])")


def tables() -> Iterator[Table]:
    """Every table that a merge re-points, lowest floor first."""
    for held in holdings.holdings():
        if held.on_merge == "move" and held.model not in ELSEWHERE:
            yield _table(held.model, held.member)


def move(merge: Merge, *, to_id: int | None = None) -> dict[str, int]:
    """Re-point all rows of the loser, noting which. Returns rows by table. Repeatable: a second time finds what came meanwhile.

    `to_id`: the survivor of the survivor, where that was merged since.
    """
    counted: dict[str, int] = {}
    for table in tables():
        row_ids = _run(table.move(), giver=merge.loser_id, taker=to_id or merge.survivor_id)
        merging.note(merge_id=merge.pk, model=table.model, row_ids=row_ids)
        if row_ids:
            counted[table.model] = len(row_ids)
    for model, notes in coupons.move(giver_id=merge.loser_id, taker_id=to_id or merge.survivor_id).items():
        merging.note(merge_id=merge.pk, model=model, row_ids=notes)
        if notes and model == coupons.COUPON:
            counted[model] = len(notes)
    return counted


def give_back(merge: Merge) -> dict[str, int]:
    """Return what this merge moved and the survivor still has. What came to the survivor since then stays."""
    counted: dict[str, int] = {}
    for table in tables():
        keys = _noted(merge, table.model)
        if keys:
            back = _run(table.give_back(), giver=merge.survivor_id, taker=merge.loser_id, keys=keys)
            counted[table.model] = len(back)
    notes = {model: _noted(merge, model) for model in (coupons.COUPON, coupons.SPENT)}
    if returned := coupons.give_back(giver_id=merge.survivor_id, taker_id=merge.loser_id, notes=notes):
        counted[coupons.COUPON] = returned
    return counted


def loads(*, survivor_id: int, loser_id: int) -> list[Load]:
    """What `move` would do, without a write; tables without rows are left out."""
    found = []
    with connection.cursor() as cursor:
        for table in tables():
            cursor.execute(table.count(), {"giver": loser_id, "taker": survivor_id})
            moving, held = cursor.fetchone()
            if held:
                found.append(Load(model=table.model, label=table.label, moving=moving, staying=held - moving))
    if moving := Coupon.objects.filter(member_id=loser_id).count():
        label = str(Coupon._meta.verbose_name_plural)
        found.append(Load(model=coupons.COUPON, label=label, moving=moving, staying=0))
    return found


def _noted(merge: Merge, model: str) -> list[str]:
    noted = MergeMove.objects.filter(merge=merge, model=model).values_list("row_ids", flat=True)
    return [key for row_ids in noted for key in row_ids]


def _run(statement: str, **values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]


def _table(label: str, member: str) -> Table:
    model = holdings.model_of(label)
    field = model._meta.get_field(member)
    assert isinstance(field, Field)  # noqa: S101 - a declared path ends in a column
    key = _key(model)
    return Table(
        model=label,
        label=str(model._meta.verbose_name_plural),
        name=connection.ops.quote_name(model._meta.db_table),
        member=connection.ops.quote_name(str(field.column)),
        key=connection.ops.quote_name(str(key.column)),
        key_type=str(key.rel_db_type(connection)),
        free=_free(model, field),
    )


def _key(model: type[Model]) -> "Field[Any, Any]":
    """The primary key, or the numbering column of a table whose key spans several."""
    if isinstance(model._meta.pk, Field) and model._meta.pk.column:
        return model._meta.pk
    field = model._meta.get_field("id")
    assert isinstance(field, Field)  # noqa: S101
    return field


def _free(model: type[Model], member: "Field[Any, Any]") -> str:
    """True for a row `t` whose like the taker does not have. Partial keys are taken as whole ones: rather stay than clash.

    An empty column clashes with nothing, as in the database.
    """
    conditions = []
    for names in _unique_keys(model):
        fields = [model._meta.get_field(name) for name in names]
        if member not in fields:
            continue
        others = [field for field in fields if field != member]
        same = "".join(f" and o.{field.column} = t.{field.column}" for field in others)  # type: ignore[union-attr]
        table = connection.ops.quote_name(model._meta.db_table)
        conditions.append(f"not exists (select from {table} o where o.{member.column} = %(taker)s{same})")
    return " and ".join(conditions) or "true"


def _unique_keys(model: type[Model]) -> Iterator[tuple[str, ...]]:
    for constraint in model._meta.constraints:
        if isinstance(constraint, UniqueConstraint) and constraint.fields:
            yield tuple(constraint.fields)
    for together in model._meta.unique_together:
        yield tuple(together)
    for field in model._meta.concrete_fields:
        if field.unique:
            yield (field.name,)
