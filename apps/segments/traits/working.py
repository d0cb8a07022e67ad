"""Values of traits: all of them when the definition is new or time has moved it, else of the members alone who changed.

Called by the builder of segments before it looks at rules: whatever asks about a trait then sees it as of the same moment.
"""

import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction

from apps.core import clock
from apps.members import consents
from apps.segments.language import BadRule
from apps.segments.models import Trait, TraitRun
from apps.segments.traits import compiling

HOUR = 3600
COLUMN = {"number": "number", "text": "text", "date": "at", "words": "words"}


def is_due(trait: Trait, moment: datetime) -> bool:
    if trait.is_due or trait.full_at is None:
        return True
    if trait.moves == "days":
        return clock.local_date(trait.full_at) < clock.local_date(moment)
    return trait.moves == "hours" and (moment - trait.full_at).total_seconds() >= HOUR


def live() -> list[Trait]:
    return list(Trait.objects.filter(archived_at=None).order_by("id"))


def refresh(traits: Iterable[Trait], *, moment: datetime, only: str = "") -> tuple[set[str], list[str]]:
    """Keys of the traits of which a value changed, and of those that failed: these keep their values and are tried again.

    `only` as in `language.compiled`. Each in a savepoint of its own.
    """
    changed, failed = set(), []
    for trait in traits:
        begun = time.perf_counter()
        try:
            with transaction.atomic():
                moved = _written(trait, moment=moment, only=only)
                if only and moved:
                    trait.save(update_fields=["size"])
                elif not only:
                    trait.is_due, trait.full_at = False, moment
                    trait.save(update_fields=["size", "is_due", "full_at"])
                    seconds = time.perf_counter() - begun
                    TraitRun.objects.create(
                        trait=trait, is_full=True, as_of=moment, changed=moved, size=trait.size, seconds=seconds
                    )
        except (DatabaseError, BadRule) as wrong:
            _failed(trait, wrong, moment=moment, is_full=not only)
            failed.append(trait.key)
        else:
            changed |= {trait.key} if moved else set()
    return changed, failed


def _written(trait: Trait, *, moment: datetime, only: str) -> int:
    query, params = compiling.compiled(trait.definition, moment=moment, only=only)
    column = COLUMN[trait.type]
    among = f"and t.member_id in ({only})" if only else ""
    statement = _WRITE.format(query=query, column=column, among=among, base=BASE)
    with connection.cursor() as cursor:
        cursor.execute(statement, params | {"trait": trait.pk})
        found, gone, come, changed = cursor.fetchone()
    trait.size = max(trait.size + come - gone, 0) if only else found
    return int(gone + changed)


def _failed(trait: Trait, wrong: Exception, *, moment: datetime, is_full: bool) -> None:
    """Every minute anew, so that the same failure is one line."""
    words = (wrong.code if isinstance(wrong, BadRule) else type(wrong.__cause__ or wrong).__name__)[:200]
    said: dict[str, Any] = {"as_of": moment, "is_full": is_full, "size": trait.size, "seconds": 0, "error": words}
    last = TraitRun.objects.filter(trait=trait).order_by("-id").first()
    if last and last.error == words:
        TraitRun.objects.filter(pk=last.pk).update(**said)
    else:
        TraitRun.objects.create(trait=trait, **said)
    Trait.objects.filter(pk=trait.pk).update(is_due=True)


def forget(*, member_ids: Iterable[int]) -> None:
    """No figure of these members is kept; the next run decides anew."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, {"ids": list(member_ids)})


BASE = f"m.status = 'active' and {consents.PROFILED}"
_WRITE = """
with answer as materialized (
    select a.member_id, a.v from ({query}) a join members_member m on m.id = a.member_id where {base}
), gone as (
    delete from segments_traitvalue t where t.trait_id = %(trait)s {among}
        and not exists (select from answer a where a.member_id = t.member_id)
    returning t.member_id
), kept as (
    insert into segments_traitvalue as t (trait_id, member_id, {column})
    select %(trait)s, member_id, v from answer order by member_id
    on conflict (trait_id, member_id) do update set {column} = excluded.{column}
    where t.{column} is distinct from excluded.{column}
    returning (xmax = 0) as is_new
)
select (select count(*) from answer), (select count(*) from gone), (select count(*) from kept where is_new), (select count(*) from kept)
"""
_FORGET = """
with gone as (delete from segments_traitvalue where member_id = any(%(ids)s) returning trait_id)
update segments_trait t set size = greatest(t.size - g.n, 0)
from (select trait_id, count(*) as n from gone group by 1) g where t.id = g.trait_id
"""
