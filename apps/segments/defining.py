"""What a segment is: its name, its rule with every version, or its list. Who is in it works out `building.py`."""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.core import audit, clock
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.events import services as events
from apps.segments import language
from apps.segments.language.errors import BadRule
from apps.segments.models import Build, RuleVersion, Segment


class KeyTaken(DomainError):
    code = "segment_key_taken"
    title = _("Another segment has this key already.")


@transaction.atomic
def create(*, key: str, name: str, rule: Any, by_user_id: int | None = None) -> Segment:
    """A segment by a rule; its members come with the next build. Raises ValidationFailed, KeyTaken."""
    read = read_rule(rule)
    made = _made(Segment(key=key, name=name, rule=rule, number=1, created_by_id=by_user_id))
    _take(made, read, by_user_id=by_user_id)
    return made


@transaction.atomic
def change_rule(*, segment_id: int, rule: Any, by_user_id: int | None = None) -> Segment:
    """A new version of the rule, counted from the next build on; the same rule again changes nothing.

    Raises ValidationFailed (also where the segment would ask about itself), NotFound.
    """
    held = _locked(segment_id, Segment.Kind.RULE)
    if held.rule == rule:
        return held
    read = read_rule(rule, of=segment_id)
    _tell("rule_changed", held, after={"rule": rule, "before": held.rule})
    held.rule, held.number = rule, held.number + 1
    _take(held, read, by_user_id=by_user_id)
    return held


@transaction.atomic
def rename(*, segment_id: int, name: str) -> None:
    """Raises NotFound."""
    held = _locked(segment_id)
    _tell("renamed", held, after={"name": name, "before": held.name})
    held.name = name
    held.save(update_fields=["name"])


@transaction.atomic
def create_list(*, key: str, name: str, member_ids: Collection[int] = (), by_user_id: int | None = None) -> Segment:
    """A list of members as somebody chose them; nobody comes in or goes out by itself. Raises KeyTaken."""
    made = _made(Segment(key=key, name=name, kind=Segment.Kind.LIST, is_due=False, created_by_id=by_user_id))
    if member_ids:
        change_list(segment_id=made.pk, add=member_ids)
    return made


@dataclass(frozen=True)
class Moved:
    """`build_id` names the passages; None where nobody came or went."""

    came: int = 0
    went: int = 0
    build_id: int | None = None


@transaction.atomic
def change_list(*, segment_id: int, add: Collection[int] = (), remove: Collection[int] = ()) -> tuple[int, int]:
    """Returns how many came in and went out; ids that are no active members are passed over. Raises NotFound."""
    moved = move(segment_id=segment_id, add=add, remove=remove)
    return moved.came, moved.went


@transaction.atomic
def move(
    *, segment_id: int, add: Collection[int] = (), remove: Collection[int] = (), replaces: bool = False, **why: Any
) -> Moved:
    """As `change_list`. `replaces`: all who are not in `add` go out. `why` goes to the audit trail. Raises NotFound."""
    held = _locked(segment_id, Segment.Kind.LIST)
    begun, moment = time.perf_counter(), clock.now()
    asked: dict[str, Any] = {
        "segment": segment_id,
        "moment": moment,
        "add": list(add),
        "remove": list(remove),
        "replaces": replaces,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CHANGE_LIST, asked)
        moved = Moved(*cursor.fetchone())
        cursor.execute(_SIZE_OF_LIST, asked)
        held.size, held.built_at = cursor.fetchone()[0], moment
    held.save(update_fields=["size", "built_at"])
    if moved.build_id is not None:
        seconds = time.perf_counter() - begun
        Build.objects.filter(pk=moved.build_id).update(size=held.size, seconds=seconds)
        events.publish(
            "segment.changed", key=str(moved.build_id), segment=held.key, entered=moved.came, left=moved.went
        )
        _tell("list_changed", held, after={"came": moved.came, "went": moved.went, **why})
    return moved


@transaction.atomic
def archive(*, segment_id: int) -> None:
    """It is built no more, and its members are let go. Raises NotFound, ValidationFailed where another segment asks about it."""
    held = _locked(segment_id)
    asking = list(Segment.objects.filter(asks__contains=[segment_id], archived_at=None).values_list("name", flat=True))
    if asking:
        message = str(_("These segments ask about it: %(names)s") % {"names": ", ".join(asking)})
        raise ValidationFailed(errors=[{"pointer": "", "code": "segment_in_use", "message": message}])
    held.archived_at, held.size = clock.now(), 0
    held.save(update_fields=["archived_at", "size"])
    _tell("archived", held)
    with connection.cursor() as cursor:
        cursor.execute("delete from segments_membership where segment_id = %s", [segment_id])


def read_rule(rule: Any, *, of: int | None = None) -> language.Compiled:
    """A rule that is to be saved, for the segment `of`. Raises ValidationFailed with pointer and code."""
    try:
        read = language.compiled(rule, moment=clock.now())
        if of is not None and of in _reached(read.segments):
            raise BadRule("", "circle")
    except BadRule as wrong:
        error = {"pointer": wrong.pointer, "code": wrong.code, "message": str(wrong.text)}
        raise ValidationFailed(errors=[error]) from wrong
    return read


def in_order(segments: Iterable[Segment]) -> list[Segment]:
    """Each after all that it asks about."""
    left = {segment.pk: segment for segment in sorted(segments, key=lambda one: one.pk)}
    ordered: list[Segment] = []
    while left:
        ready = [one for one in left.values() if not left.keys() & set(one.asks)]
        if not ready:
            raise RuntimeError("segments ask about each other in a circle")
        ordered += ready
        for one in ready:
            del left[one.pk]
    return ordered


def _take(segment: Segment, read: language.Compiled, *, by_user_id: int | None) -> None:
    segment.moves, segment.asks, segment.is_due = read.moves, sorted(read.segments), True
    segment.save()
    RuleVersion.objects.create(segment=segment, number=segment.number, rule=segment.rule, by_id=by_user_id)


def _made(segment: Segment) -> Segment:
    if Segment.objects.filter(key=segment.key).exists():
        raise KeyTaken
    segment.save()
    _tell("created", segment, after={"key": segment.key, "rule": segment.rule})
    return segment


def _tell(what: str, segment: Segment, after: dict[str, Any] | None = None) -> None:
    audit.record(f"segment.{what}", object_type="segment", object_id=segment.pk, after=after)


def _locked(segment_id: int, kind: str = "") -> Segment:
    found = Segment.objects.select_for_update().filter(pk=segment_id, archived_at=None)
    held = (found.filter(kind=kind) if kind else found).first()
    if held is None:
        raise NotFound
    return held


def _reached(ids: Collection[int]) -> set[int]:
    """These segments and all that they ask about, however far."""
    asks = dict(Segment.objects.filter(archived_at=None).values_list("id", "asks"))
    found: set[int] = set()
    todo = list(ids)
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            todo += asks.get(one, [])
    return found


_CHANGE_LIST = """
with gone as (
    delete from segments_membership where segment_id = %(segment)s
        and (member_id = any(%(remove)s::bigint[]) or (%(replaces)s and member_id <> all(%(add)s::bigint[])))
    returning member_id
), come as (
    insert into segments_membership (segment_id, member_id, since)
    select %(segment)s, m.id, %(moment)s
    from (select unnest(%(add)s::bigint[]) except select unnest(%(remove)s::bigint[])) asked (id)
    join members_member m on m.id = asked.id and m.status = 'active' order by m.id
    on conflict do nothing returning member_id
), moved as (
    select member_id, true as is_entry from come union all select member_id, false from gone
), made as (
    insert into segments_build (segment_id, is_full, as_of, looked_at, entered, "left", size, seconds, error)
    select %(segment)s, false, %(moment)s, count(*), count(*) filter (where is_entry), count(*) filter (where not is_entry), 0, 0, ''
    from moved having count(*) > 0 returning id
), told as (
    insert into segments_passage (segment_id, member_id, build_id, is_entry, at)
    select %(segment)s, member_id, made.id, is_entry, %(moment)s from moved, made
), stirred as (
    insert into segments_stir (member_id) select member_id from moved
)
select (select count(*) from come), (select count(*) from gone), (select id from made)
"""
# A record that was merged may still stand in a list beside its survivor.
_SIZE_OF_LIST = """
select count(*) from segments_membership b join members_member m on m.id = b.member_id
where b.segment_id = %(segment)s and m.merged_into_id is null
"""
