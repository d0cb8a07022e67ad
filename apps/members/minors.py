"""Children under 14: until a guardian has agreed nothing is sent to them, and nothing they do is kept under their name.

One rule, in SQL over `members_member m` with the parameters of `as_of`. An unknown day or month of birth counts as the latest one;
without a year nobody is taken for a child.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from apps.core import clock
from apps.core.errors import NotFound

AGE = 14
_LATEST_BIRTHDAY = "(m.birth_year, coalesce(m.birth_month, 12), coalesce(m.birth_day, 31))"
CHILD = f"""coalesce(m.birth_year >= %(child_year)s
    and {_LATEST_BIRTHDAY} > (%(child_year)s, %(child_month)s, %(child_day)s), false)"""
_AGREED = """
        select {what} from members_consentnow g where g.member_id = m.id and g.purpose = 'guardian' and g.is_granted
        and (g.valid_until is null or g.valid_until > %(valid_at)s)
"""
# When a child will be none any more: the first moment of that shop day. A day that the month has not is the next month's first.
COMES_OF_AGE = f"""((make_date(m.birth_year + {AGE}, coalesce(m.birth_month, 12), 1) + coalesce(m.birth_day, 31)::int - 1)::timestamp
    at time zone 'Asia/Shanghai')"""
UNGUARDED = f"({CHILD} and not exists ({_AGREED.format(what='')}))"


@dataclass(frozen=True)
class Standing:
    """Whether a member is a child, and since when a guardian agrees. `agreed_at` None: nobody does (any more)."""

    is_child: bool
    agreed_at: datetime | None

    @property
    def is_unguarded(self) -> bool:
        return self.is_child and self.agreed_at is None


def as_of(moment: datetime) -> dict[str, Any]:
    """What consents and ages are judged by: `moment`, and the birthday of who turns 14 that shop day."""
    today = clock.local_date(moment)
    day = 28 if (today.month, today.day) == (2, 29) else today.day
    return {"valid_at": moment, "child_year": today.year - AGE, "child_month": today.month, "child_day": day}


def may_be_child(birth_year: int | None) -> bool:
    """False for who is certainly none: saves asking for their standing."""
    return birth_year is not None and clock.local_date(clock.now()).year - birth_year <= AGE


def standing(member_id: int) -> Standing:
    """Raises NotFound."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select {CHILD}, ({_AGREED.format(what='max(g.at)')}) from members_member m where m.id = %(member)s",
            as_of(clock.now()) | {"member": member_id},
        )
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    return Standing(is_child=row[0], agreed_at=row[1])


def counts() -> tuple[int, int]:
    """(members under 14, those of them without a guardian's consent), as of now."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select count(*), count(*) filter (where {UNGUARDED}) from members_member m"
            f" where m.birth_year >= %(child_year)s and m.status in ('active', 'frozen') and {CHILD}",
            as_of(clock.now()),
        )
        children, unguarded = cursor.fetchone()
    return children, unguarded
