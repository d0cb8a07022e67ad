"""What a person may do alone, by role: brand settings above which a second person has to agree.

Two forms: one figure, `alone`; or `each` for one act and `day` for all of a person in a shop day. A role that is not named may nothing.
Settings that keep more than that check their figures by role with `check_figures`.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.db import connection

from apps.core import brand
from apps.core.models import User
from apps.stores.models import Role, Staff

_NOTHING = {"each": 0, "day": 0}


def declare(setting: str, *, default: Mapping[str, int], most: int) -> None:
    """A setting of one figure by role, 0 to `most`."""
    check = _by_role(lambda said: _is_whole(said, most), "a whole number for each role is expected")
    brand.declare(setting, default=dict(default), check=check)


def declare_by_day(setting: str, *, default: Mapping[str, Mapping[str, int]], most: int) -> None:
    """A setting of `each` and `day` by role, 0 to `most`."""

    def fits(said: Any) -> bool:
        is_pair = isinstance(said, dict) and said.keys() == _NOTHING.keys()
        return is_pair and all(_is_whole(number, most) for number in said.values())

    check = _by_role(fits, "the whole numbers each and day are expected for each role")
    brand.declare(setting, default={role: dict(pair) for role, pair in default.items()}, check=check)


def alone(setting: str, *, by: User) -> int:
    """The figure of this person's role; 0 without a staff card."""
    card = Staff.objects.filter(user=by, is_active=True).first()
    return int(brand.read(setting).get(card.role, 0)) if card else 0


def by_day(setting: str, *, role: str) -> dict[str, int]:
    """`each` and `day` of a role."""
    return _NOTHING | brand.read(setting).get(role, {})


def check_figures(value: Any, *, names: Collection[str], most: int) -> None:
    """Whole numbers, 0 to `most`, under some of the names for some of the roles. Raises ValueError."""

    def fits(said: Any) -> bool:
        return isinstance(said, dict) and set(said) <= set(names) and all(_is_whole(one, most) for one in said.values())

    _by_role(fits, f"whole numbers for each role are expected: {', '.join(names)}")(value)


def take_turn(what: str, *, staff_id: int) -> None:
    """Judge what one person does of a kind one after the other, until the end of the transaction: no sum slips past a day's limit."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext(%s), %s)", [what, staff_id])


def _by_role(fits: Callable[[Any], bool], wanted: str) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        if not isinstance(value, dict) or not set(value) <= set(Role.values) or not all(map(fits, value.values())):
            raise ValueError(wanted)

    return check


def _is_whole(said: Any, most: int) -> bool:
    return isinstance(said, int) and not isinstance(said, bool) and 0 <= said <= most
