"""What the brand decides about tickets."""

from typing import Any

from apps.core import brand
from apps.tickets import life

TARGETS, WINDOWS, LOAD, ESCALATE = "tickets.targets", "tickets.windows", "tickets.load", "tickets.escalate"
WARN, RAISE, VIP = "tickets.warn_minutes", "tickets.raise_minutes", "tickets.vip_rank"
CLOCKS = ("first", "next", "end")
# Minutes of business time by priority: first words, each further answer, the end.
_TARGETS = {
    "1": {"first": 30, "next": 60, "end": 660},
    "2": {"first": 120, "next": 240, "end": 1_980},
    "3": {"first": 660, "next": 660, "end": 4_620},
}
_WINDOWS = {life.RETURN: 7, life.EXCHANGE: 15, life.REPAIR: 365, life.REFUND: 30}  # days from the goods' coming


def _check_targets(value: Any) -> None:
    fits = isinstance(value, dict) and value.keys() == {"1", "2", "3"}
    if not fits or not all(isinstance(row, dict) and row.keys() == set(CLOCKS) for row in value.values()):
        raise ValueError("minutes of first, next and end are expected for each priority")
    if not all(type(number) is int and 1 <= number <= 100_000 for row in value.values() for number in row.values()):
        raise ValueError("1 to 100,000 minutes are expected")


def _check_windows(value: Any) -> None:
    if not isinstance(value, dict) or value.keys() != _WINDOWS.keys():
        raise ValueError("days for return, exchange, repair and refund are expected")
    if not all(type(days) is int and 0 <= days <= 3_650 for days in value.values()):
        raise ValueError("0 to 3,650 days are expected")


def _check_load(value: Any) -> None:
    if type(value) is not int or not 1 <= value <= 1_000:
        raise ValueError("1 to 1,000 open tickets are expected")


def _check_escalate(value: Any) -> None:
    if value not in {"notify", "manager"}:
        raise ValueError("notify or manager is expected")


def _check_warn(value: Any) -> None:
    if type(value) is not int or not 0 <= value <= 1_440:
        raise ValueError("0 to 1,440 minutes are expected")


def _check_rank(value: Any) -> None:
    if type(value) is not int or not 1 <= value <= 100:
        raise ValueError("a rank from 1 to 100 is expected")


brand.declare(TARGETS, default=_TARGETS, check=_check_targets)
brand.declare(WINDOWS, default=_WINDOWS, check=_check_windows)
brand.declare(LOAD, default=20, check=_check_load)
brand.declare(ESCALATE, default="notify", check=_check_escalate)
brand.declare(WARN, default=30, check=_check_warn)
brand.declare(
    RAISE, default=60, check=_check_warn
)  # after a missed promise; 0: nobody is told again. These and the minutes before are business time
brand.declare(
    VIP, default=3, check=_check_rank
)  # from this rank of tier on the queue of the dearest members shows a ticket
