"""Business time: when a store, or the house (`None`), is open, and how much of that lies between two moments.

The hours of a day, in this order: the store's own special day; everybody's special day; where public holidays are kept, the public day
(off, or a worked weekend with Monday's hours); the weekday. A store without hours of its own has the brand's; where nobody ever said
any, `hours_are_known` is False and business time counts by `FALLBACK`. Nights belong to the day they begin on. All in shop time
(Asia/Shanghai, which changes no clocks).

Load a `Calendar` once and ask it often; the functions below load one per call.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Q

from apps.core import brand, clock
from apps.stores import hours, public_holidays
from apps.stores.places import PublicDay, SpecialDay, StorePlace

HOURS, KEEPS_PUBLIC_DAYS = "stores.hours", "stores.keeps_public_days"
FALLBACK: hours.Week = [[["10:00", "21:00"]]] * hours.DAYS
_ENDLESS, _LOOK_BACK = 100_000, 60  # days
_DAY = timedelta(days=1)
CERTAIN = public_holidays.certain()
Interval = tuple[datetime, datetime]
_Special = tuple[date, str, int | None, hours.Day]


@dataclass(frozen=True)
class Calendar:
    """`exceptions`: the hours of days that are not as their weekday says; of a window or of all time, as it was loaded."""

    week: hours.Week
    hours_are_known: bool = True
    exceptions: Mapping[date, hours.Day] = field(default_factory=dict)

    def day(self, day: date) -> hours.Day:
        found = self.exceptions.get(day)
        return self.week[day.weekday()] if found is None else found

    def intervals(self, day: date) -> list[Interval]:
        """Those that begin on this day, in order; none when it is a day off."""
        midnight = clock.day_start(day)
        return [
            (midnight + timedelta(minutes=begins), midnight + timedelta(minutes=ends))
            for begins, ends in hours.spans(self.day(day))
        ]

    def is_open(self, moment: datetime) -> bool:
        """The first moment of an interval is open, its end is not."""
        today = clock.local_date(moment)
        return any(begins <= moment < ends for day in (today - _DAY, today) for begins, ends in self.intervals(day))

    def open_time(self, since: datetime, until: datetime) -> timedelta:
        """Business time between two moments; none where `until` is not later."""
        total = timedelta()
        for begins, ends in self._running(since):
            if begins >= until:
                break
            total += max(min(ends, until) - max(begins, since), timedelta())
        return total

    def after(self, since: datetime, time: timedelta) -> datetime | None:
        """The first moment by which that much business time has passed; None when the house does not open that long."""
        left = time
        if left <= timedelta():
            return since
        for begins, ends in self._running(since):
            start = max(begins, since)
            if ends - start >= left:
                return start + left
            left -= max(ends - start, timedelta())
        return None

    def before(self, until: datetime, time: timedelta) -> datetime | None:
        """A moment from which that much business time has passed by `until`; None when the house was not open that long in 60 days."""
        day = clock.local_date(until)
        for earlier in range(_LOOK_BACK):
            since = clock.day_start(day - timedelta(days=earlier))
            if (run := self.open_time(since, until)) >= time:
                return self.after(since, run - time)
        return None

    def _running(self, since: datetime) -> Iterator[Interval]:
        """Intervals that end after `since`, each minute once: what a night takes of the next day's first interval is cut off there."""
        edge = since
        first = clock.local_date(since) - _DAY
        for later in range(_reach(self, first)):
            for begins, ends in self.intervals(first + timedelta(days=later)):
                if ends > edge:
                    yield max(begins, edge), ends
                    edge = ends


def _reach(calendar: Calendar, first: date) -> int:
    """Enough days: an open week always comes round, a closed one opens on special days only."""
    if any(calendar.week):
        return _ENDLESS
    return max(((day - first).days + 1 for day in calendar.exceptions), default=0)


def of_stores(
    store_ids: Sequence[int | None], *, since: date | None = None, until: date | None = None
) -> dict[int | None, Calendar]:
    """Four statements for any number; `since` and `until` narrow the exceptions that are read."""
    wanted = list(dict.fromkeys(store_ids))
    rows = StorePlace.objects.filter(store_id__in=[key for key in wanted if key is not None])
    places = {key: (week, keeps) for key, week, keeps in rows.values_list("store_id", "hours", "keeps_public_days")}
    default = (brand.read(HOURS), brand.read(KEEPS_PUBLIC_DAYS))
    special = _special(wanted, since, until)
    public = public_days(since, until)
    found = {}
    for key in wanted:
        week, keeps = _week(None if key is None else places.get(key), default)
        days = {day: (week or FALLBACK)[0] if is_working else [] for day, is_working, _name in public} if keeps else {}
        for kept in (special.get(None, []), special.get(key, [])):
            days |= {day: _hours(kind, week or FALLBACK, weekday, own) for day, kind, weekday, own in kept}
        found[key] = Calendar(week=week or FALLBACK, hours_are_known=bool(week), exceptions=days)
    return found


def of_store(store_id: int | None, *, since: date | None = None, until: date | None = None) -> Calendar:
    return of_stores([store_id], since=since, until=until)[store_id]


def is_open(store_id: int | None, moment: datetime) -> bool:
    today = clock.local_date(moment)
    return of_store(store_id, since=today - _DAY, until=today).is_open(moment)


def intervals(store_id: int | None, day: date) -> list[Interval]:
    """When it is open on that day, as moments; what begins on the day before is not repeated."""
    return of_store(store_id, since=day, until=day).intervals(day)


def _week(own: tuple[hours.Week, bool] | None, default: tuple[hours.Week, bool]) -> tuple[hours.Week, bool]:
    """A store with hours of its own decides about holidays itself too; without, both are the brand's."""
    return own if own is not None and own[0] else default


def _special(wanted: Sequence[int | None], since: date | None, until: date | None) -> dict[int | None, list[_Special]]:
    own = [key for key in wanted if key is not None]
    rows = SpecialDay.objects.filter(Q(store_id__in=own) | Q(store=None))
    if since is not None:
        rows = rows.filter(day__gte=since)
    if until is not None:
        rows = rows.filter(day__lte=until)
    found: dict[int | None, list[_Special]] = {}
    for owner, day, kind, weekday, own_hours in rows.values_list("store_id", "day", "kind", "weekday", "hours"):
        found.setdefault(owner, []).append((day, kind, weekday, own_hours))
    return found


def public_days(since: date | None, until: date | None) -> list[tuple[date, bool, str]]:
    """(day, whether it is worked, name), by day: what is certain, and what was handed in, which counts first."""
    rows = PublicDay.objects.all()
    if since is not None:
        rows = rows.filter(day__gte=since)
    if until is not None:
        rows = rows.filter(day__lte=until)
    known = {
        day: (day, is_working, name) for day, is_working, name in CERTAIN if (since or day) <= day <= (until or day)
    }
    known |= {row.day: (row.day, row.is_working, row.name) for row in rows}
    return [known[day] for day in sorted(known)]


def _hours(kind: str, week: hours.Week, weekday: int | None, own: hours.Day) -> hours.Day:
    if kind == SpecialDay.Kind.HOURS:
        return own
    return week[weekday] if kind == SpecialDay.Kind.WEEKDAY and weekday is not None else []


def _check_week(value: object) -> None:
    if not hours.is_week(value):
        raise ValueError("seven lists of intervals like 10:00 to 21:00 are expected, from Monday on")


def _check_flag(value: object) -> None:
    if not isinstance(value, bool):
        raise ValueError("yes or no is expected")


brand.declare(HOURS, default=[], check=_check_week)
brand.declare(KEEPS_PUBLIC_DAYS, default=False, check=_check_flag)
