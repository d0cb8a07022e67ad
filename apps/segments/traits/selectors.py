"""What a trait says of one member right now, and how its values lie."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction

from apps.segments.language import BadRule
from apps.segments.models import Trait, TraitRun, TraitValue
from apps.segments.traits import compiling, working


@dataclass(frozen=True)
class Tried:
    """`value`: number, text, moment or list; None: there is none. `error`: a code, or the name of what the database said."""

    value: Any = None
    error: str = ""


def tried(definition: dict[str, Any], *, member_id: int, moment: datetime) -> Tried:
    """What a valid definition would say of the member now; nothing is written."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            query, params = compiling.compiled(definition, moment=moment, only="select %(member)s::bigint")
            cursor.execute("set local jit = off; set local statement_timeout = '10s'")
            cursor.execute(
                f"select a.v from ({query}) a join members_member m on m.id = a.member_id where {working.BASE}",
                params | {"member": member_id},
            )
            row = cursor.fetchone()
    except (DatabaseError, BadRule) as wrong:
        return Tried(error=wrong.code if isinstance(wrong, BadRule) else type(wrong.__cause__ or wrong).__name__)
    return Tried(value=row[0] if row else None)


def newest_runs(trait: Trait, limit: int = 10) -> list[TraitRun]:
    return list(TraitRun.objects.filter(trait=trait).order_by("-id")[:limit])


def failures() -> dict[int, str]:
    """The newest run's error by trait, of those whose newest run failed."""
    newest = TraitRun.objects.order_by("trait_id", "-id").distinct("trait_id").values_list("trait_id", "error")
    return {trait_id: error for trait_id, error in newest if error}


def samples(trait: Trait, limit: int = 10) -> list[tuple[int, Any]]:
    """Members with their values, the highest numbers and the latest moments first: (member id, value)."""
    column = working.COLUMN[trait.type]
    found = TraitValue.objects.filter(trait=trait)
    order = ["-number", "-at", "member_id"] if trait.type in {"number", "date"} else ["member_id"]
    return list(found.order_by(*order).values_list("member_id", column)[:limit])
