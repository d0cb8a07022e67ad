"""The house's one clock. Ask it at the door or the top of a service and pass `moment` down."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

MOMENT = r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?)?$"  # a shop day, or a moment
SHOP_ZONE = ZoneInfo("Asia/Shanghai")
_frozen: ContextVar[datetime | None] = ContextVar("siyu_clock", default=None)


def now() -> datetime:
    """The present moment, aware, in UTC; the frozen one inside `frozen()`."""
    return _frozen.get() or datetime.now(UTC)


def is_frozen() -> bool:
    """Whether this thread or task runs inside `frozen()`."""
    return _frozen.get() is not None


@contextmanager
def frozen(moment: datetime) -> Iterator[datetime]:
    """Let time stand at `moment` (aware) for this thread or task: tests, replays, `--as-of`."""
    if moment.tzinfo is None:
        raise ValueError("the clock needs an aware moment")
    token = _frozen.set(moment)
    try:
        yield moment
    finally:
        _frozen.reset(token)


def local(moment: datetime) -> datetime:
    """The same moment on the shop's wall clock (Asia/Shanghai)."""
    return moment.astimezone(SHOP_ZONE)


def local_date(moment: datetime) -> date:
    return local(moment).date()


def day_start(day: date) -> datetime:
    """00:00 shop time of that calendar day."""
    return datetime(day.year, day.month, day.day, tzinfo=SHOP_ZONE)


def day_end(day: date) -> datetime:
    """The first moment after that calendar day, shop time."""
    return day_start(day + timedelta(days=1))


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """The time zones that there are, such as Asia/Tokyo."""
    return frozenset(available_timezones())


def parse(text: str) -> datetime:
    """ISO 8601 date or time; without an offset it is shop time; a bare date is its last moment. Raises ValueError."""
    if len(text) == 10:
        return day_end(date.fromisoformat(text)) - timedelta(microseconds=1)
    return _moment(text)


def start_of(text: str) -> datetime:
    """The first moment of a `from` written as MOMENT. Raises ValueError."""
    return day_start(date.fromisoformat(text)) if len(text) == 10 else _moment(text)


def end_of(text: str) -> datetime:
    """The first moment after a `to` written as MOMENT: a day counts to its end. Raises ValueError, OverflowError."""
    return day_end(date.fromisoformat(text)) if len(text) == 10 else _moment(text)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=SHOP_ZONE)
