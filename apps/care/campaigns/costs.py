"""What marketing cost: entered by hand or from a file, once per source, taken back by a row of its own, and added up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.care.models import Cost, Journey, Policy
from apps.core import audit, clock
from apps.core.errors import DomainError, NotFound

MOST_CENTS = 10**11
# The rows of a source that stands already are left out; those that say something else than what stands are named.
_ENTER = """
    with said as (
        select * from unnest(
            %(journeys)s::bigint[], %(policies)s::bigint[], %(channels)s::text[], %(days)s::date[], %(amounts)s::bigint[],
            %(notes)s::text[], %(sources)s::text[]
        ) as u(journey_id, policy_id, channel, day, amount_cents, note, source)
    ),
    made as (
        insert into care_cost (journey_id, policy_id, channel, day, amount_cents, note, source, corrects_id, by_id, at)
        select journey_id, policy_id, channel, day, amount_cents, note, source, null, %(by)s, %(at)s from said
        on conflict (source) do nothing returning source
    )
    select (select count(*) from made), array(
        select s.source from said s join care_cost c using (source)
        where (c.amount_cents, c.day, c.channel, coalesce(c.journey_id, 0), coalesce(c.policy_id, 0))
           <> (s.amount_cents, s.day, s.channel, coalesce(s.journey_id, 0), coalesce(s.policy_id, 0))
    )
"""
_TOTALS = """
    select coalesce(c.journey_id, p.journey_id), case when p.journey_id is null then c.policy_id end, c.channel,
        sum(c.amount_cents)::bigint
    from care_cost c left join care_policy p on p.id = c.policy_id
    where (%(since)s::date is null or c.day >= %(since)s) and (%(until)s::date is null or c.day <= %(until)s)
    group by 1, 2, 3 having sum(c.amount_cents) <> 0 order by 4 desc
"""


class SourceTaken(DomainError):
    code = "cost_source_taken"
    title = _(
        "This number stands already with another amount, day or campaign: %(sources)s. Take the old one back first."
    )


class TakenBack(DomainError):
    code = "cost_taken_back"
    title = _("This cost was taken back before.")


@dataclass(frozen=True)
class Entry:
    """`about`: key of a journey or a policy. `source` names the invoice or the row, so that it counts once."""

    about: str
    channel: str
    day: date
    amount_cents: int
    source: str
    note: str = ""


@dataclass(frozen=True)
class Total:
    """What one journey or policy cost on one channel, corrections taken off."""

    journey_id: int | None
    policy_id: int | None
    channel: str
    amount_cents: int


@transaction.atomic
def enter(entries: Sequence[Entry], *, user_id: int | None) -> int:
    """All or none; returns how many are new. Raises NotFound for an unknown key, SourceTaken."""
    audit.sign()
    journeys, policies = _keys({entry.about for entry in entries})
    params: dict[str, Any] = {
        "journeys": [journeys.get(entry.about) for entry in entries],
        "policies": [None if entry.about in journeys else policies[entry.about] for entry in entries],
        "channels": [entry.channel for entry in entries],
        "days": [entry.day for entry in entries],
        "amounts": [entry.amount_cents for entry in entries],
        "notes": [entry.note for entry in entries],
        "sources": [entry.source for entry in entries],
        "by": user_id,
        "at": clock.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ENTER, params)
        new, other = cursor.fetchone()
    if other:
        raise SourceTaken(sources=", ".join(sorted(other)[:5]))
    return int(new)


@transaction.atomic
def take_back(*, cost_id: int, user_id: int | None, note: str = "") -> Cost:
    """A row that cancels it. Raises NotFound (a correction is not corrected: enter it anew), TakenBack."""
    audit.sign()
    row = Cost.objects.filter(pk=cost_id, corrects=None).first()
    if row is None:
        raise NotFound
    back, is_new = Cost.objects.get_or_create(
        corrects=row,
        defaults={
            "journey_id": row.journey_id, "policy_id": row.policy_id, "channel": row.channel, "day": row.day,
            "amount_cents": -row.amount_cents, "note": note.strip()[:200], "source": f"back:{row.pk}", "by_id": user_id,
        },
    )  # fmt: skip
    if not is_new:
        raise TakenBack
    return back


def totals(*, since: date | None = None, until: date | None = None) -> list[Total]:
    """Dearest first; what was entered for a message of a journey counts for the journey. Both days count."""
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, {"since": since, "until": until})
        return [Total(*row) for row in cursor.fetchall()]


def names() -> list[tuple[str, str]]:
    """(key, name) of everything that may cost something: journeys, and the policies that stand alone."""
    journeys = Journey.objects.order_by("name").values_list("key", "name")
    return [*journeys, *Policy.objects.filter(journey=None).order_by("name").values_list("key", "name")]


def _keys(about: set[str]) -> tuple[dict[str, int], dict[str, int]]:
    journeys = dict(Journey.objects.filter(key__in=about).values_list("key", "pk"))
    policies = dict(Policy.objects.filter(key__in=about - journeys.keys()).values_list("key", "pk"))
    unknown = about - journeys.keys() - policies.keys()
    if unknown:
        raise NotFound(key=sorted(unknown)[0])
    return journeys, policies
