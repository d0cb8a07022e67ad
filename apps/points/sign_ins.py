"""The daily sign-in: once per shop day, days in a row, days made up, and the calendar. Rewards are given by rules of trigger sign_in.

A day's points come with the day; the points of a step come when the run of days is first that long, by signing in or by making a
day up. `reached` on each row is how long its run was when it was written: no step is given twice in one run.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.errors import DomainError, NotFound
from apps.members import selectors as members
from apps.members.models import Member
from apps.points import awards, facts
from apps.points import services as points
from apps.points.earning import SignIn
from apps.points.reckoning import Occasion

DAYS_BACK = 7  # that may be made up, where the rule does not say


class MakeUpRefused(DomainError):
    """`why`: not_offered, not_missed, too_old, used_up."""

    code = "make_up_refused"
    title = _("This day cannot be made up.")


@dataclass(frozen=True)
class Signed:
    """One day. `points` were given for it now, steps included; a day signed before gives nothing again."""

    on: date
    streak: int
    points: int
    is_new: bool


@dataclass(frozen=True)
class Terms:
    """How days are made up: free ones left this month, and what the next costs beyond them (None: not for points)."""

    is_offered: bool = False
    free_left: int = 0
    points: int | None = None
    days_back: int = 0


@dataclass(frozen=True)
class Day:
    on: date
    state: str  # signed, made_up, missed, open (today), ahead


@dataclass(frozen=True)
class Calendar:
    """A month. `streak` as of today: it holds until today is over. `steps` are (day of the streak, points) of the live rule."""

    days: tuple[Day, ...]
    streak: int
    is_signed_today: bool
    make_up: Terms
    steps: tuple[tuple[int, int], ...]


@transaction.atomic
def sign_in(*, member_id: int, moment: datetime | None = None) -> Signed:
    """Sign in for the shop day of `moment`. Again on the same day: a no-op. Raises NotFound for who has left."""
    moment = moment or clock.now()
    member_id = _lock(member_id)
    return _sign(member_id, clock.local_date(moment), moment, is_made_up=False)


@transaction.atomic
def make_up(*, member_id: int, on: date, moment: datetime | None = None) -> Signed:
    """Fill a missed day: free while the month has free ones, else for points. Again: a no-op. Raises MakeUpRefused, NotEnoughPoints."""
    moment = moment or clock.now()
    member_id, today = _lock(member_id), clock.local_date(moment)
    if done := SignIn.objects.filter(member_id=member_id, on=on).first():
        return Signed(on, done.streak, 0, is_new=False)
    terms = _terms(member_id, today)
    if not terms.is_offered:
        raise MakeUpRefused(why="not_offered")
    if on >= today:
        raise MakeUpRefused(why="not_missed")
    if on < today - timedelta(days=terms.days_back):
        raise MakeUpRefused(why="too_old")
    if not terms.free_left:
        if terms.points is None:
            raise MakeUpRefused(why="used_up")
        points.spend(member_id=member_id, amount=terms.points, source=f"make_up:{on}", moment=moment)
    return _sign(member_id, on, moment, is_made_up=True)


def calendar(*, member_id: int, month: date, moment: datetime | None = None) -> Calendar:
    """The shop month that `month` lies in."""
    today = clock.local_date(moment or clock.now())
    member_id = members.current_id(member_id)
    first = month.replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    rows = dict(SignIn.objects.filter(member_id=member_id, on__range=(first, last)).values_list("on", "is_made_up"))
    newest = SignIn.objects.filter(member_id=member_id, on__gte=today - timedelta(days=1), on__lte=today).order_by(
        "-on"
    )
    latest = newest.first()
    return Calendar(
        days=tuple(Day(day, _state(day, today, rows)) for day in _days(first, last)),
        streak=latest.streak if latest else 0,
        is_signed_today=bool(latest and latest.on == today),
        make_up=_terms(member_id, today),
        steps=_steps(),
    )


def count_anew(*, member_id: int) -> None:
    """Days in a row from the days themselves: after records were joined, or a day was filled in between."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [member_id])


_COUNT = """
update points_signin s set streak = r.n
from (select id, row_number() over (partition by g order by "on") as n
      from (select id, "on", "on" - (row_number() over (order by "on"))::int as g from points_signin where member_id = %s) d) r
where s.id = r.id and s.streak <> r.n
"""


def _sign(member_id: int, on: date, moment: datetime, *, is_made_up: bool) -> Signed:
    before = SignIn.objects.filter(member_id=member_id, on=on - timedelta(days=1)).first()
    row, is_new = SignIn.objects.get_or_create(
        member_id=member_id,
        on=on,
        defaults={"streak": before.streak + 1 if before else 1, "is_made_up": is_made_up, "at": moment},
    )
    if not is_new:
        return Signed(on, row.streak, 0, is_new=False)
    count_anew(member_id=member_id)
    run = SignIn.objects.filter(member_id=member_id, on__range=_run(member_id, on))
    figures = run.aggregate(longest=Max("streak"), reached=Max("reached"))
    run.filter(pk=row.pk).update(reached=max(figures["longest"], figures["reached"]))
    # a made-up day gives no points of its own; the steps that the longer run has reached are given
    given = [] if is_made_up else [Occasion("sign_in", member_id, f"sign_in:{on}", moment, streak=figures["longest"])]
    given += [
        Occasion("sign_in", member_id, f"sign_in:{on}:s{step}", moment, name="step", streak=step)
        for step in range(figures["reached"] + 1, figures["longest"] + 1)
    ]
    made = awards.reward(occasions=given, moment=moment)
    row.refresh_from_db(fields=["streak"])
    return Signed(on, row.streak, sum(one.points for one in made if one.rule.is_spendable), is_new=True)


def _run(member_id: int, on: date) -> tuple[date, date]:
    """First and last day of the days in a row around `on`."""
    streak = SignIn.objects.values_list("streak", flat=True).get(member_id=member_id, on=on)
    first = on - timedelta(days=streak - 1)
    later = SignIn.objects.filter(member_id=member_id, on__gte=on).order_by("on").values_list("on", "streak")
    last = on
    for day, number in later.iterator():
        if (day - first).days + 1 != number:
            break
        last = day
    return first, last


def _lock(member_id: int) -> int:
    """One sign-in of a member at a time."""
    current = members.current_id(member_id)
    here = Member.objects.select_for_update(no_key=True).filter(pk=current, status__in=facts.HERE)
    if here.first() is None:
        raise NotFound(member_id=member_id)
    return current


def _terms(member_id: int, today: date) -> Terms:
    offers = [rule.definition["make_up"] for rule in facts.live_rules("sign_in") if "make_up" in rule.definition]
    if not offers:
        return Terms()
    offer, first = offers[0], clock.day_start(today.replace(day=1))
    used = SignIn.objects.filter(member_id=member_id, is_made_up=True, at__gte=first).count()
    free = max(offer.get("free_per_month", 0) - used, 0)
    return Terms(True, free, offer.get("points"), offer.get("days_back", DAYS_BACK))


def _steps() -> tuple[tuple[int, int], ...]:
    found = [step for rule in facts.live_rules("sign_in") for step in rule.definition["give"].get("steps", ())]
    return tuple(sorted((step["day"], step["points"]) for step in found))


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _state(day: date, today: date, rows: dict[date, bool]) -> str:
    if day in rows:
        return "made_up" if rows[day] else "signed"
    if day == today:
        return "open"
    return "missed" if day < today else "ahead"
