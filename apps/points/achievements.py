"""Achievements: a number to reach within a period, for points. Reached once, rewarded once; a refund that takes the number below the
target takes the reward back, and it may be reached again.

Values are always counted anew from orders, sign-ins and events of the period, never added up, so nothing can be counted twice.
`measure`: {"kind": "orders", "min_cents"?: N} | {"kind": "spend_cents"} | {"kind": "sign_ins"} | {"kind": "event", "name": "..."}.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from apps.core import clock
from apps.events import services as events
from apps.members import selectors as members
from apps.members.models import Member
from apps.points import facts, reckoning
from apps.points import services as points
from apps.points.earning import Achievement, Attainment
from apps.points.models import Entry

LIFE = "life"
REACHED, TAKEN_BACK = "achievement.reached", "achievement.taken_back"


@dataclass(frozen=True)
class Progress:
    """How far a member is in the present period. `value` may exceed `target`."""

    key: str
    name: str
    name_en: str
    kind: str
    value: int
    target: int
    period: str
    points: int
    coupon_key: str
    currency: str
    completed_at: datetime | None

    @property
    def is_complete(self) -> bool:
        return self.completed_at is not None


def progress(*, member_id: int, moment: datetime | None = None) -> list[Progress]:
    """All live achievements with the member's present numbers; nothing is written."""
    today = clock.local_date(moment or clock.now())
    family = members.family(members.current_id(member_id))
    found = []
    for one in Achievement.objects.filter(is_active=True).select_related("currency"):
        label = period_label(one.period, today)
        reached = Attainment.objects.filter(achievement=one, member__in=family, period=label, taken_back_at=None)
        found.append(
            Progress(
                key=one.key,
                name=one.name,
                name_en=one.name_en,
                kind=one.measure["kind"],
                value=_value(one, family, *_bounds(one, today)),
                target=one.target,
                period=one.period,
                points=one.points,
                coupon_key=one.coupon_key,
                currency=one.currency.key,
                completed_at=reached.exclude(completed_at=None).values_list("completed_at", flat=True).first(),
            )
        )
    return found


def refresh(*, member_id: int, days: Sequence[date] = (), moment: datetime | None = None) -> int:
    """Count anew for the periods that `days` lie in (shop days; default: today), reward what is reached, take back what no longer
    is. Returns how many achievements changed. One refresh of a member at a time; repeatable."""
    moment = moment or clock.now()
    current = members.current_id(member_id)
    every = list(Achievement.objects.select_related("currency"))
    if not every:
        return 0
    wanted = {
        (one.pk, period_label(one.period, day)): (one, day)
        for day in days or [clock.local_date(moment)]
        for one in every
    }
    with transaction.atomic():
        member = Member.objects.select_for_update(no_key=True).get(pk=current)
        family = members.family(current)
        return sum(_settle(member, family, one, day, moment) for one, day in wanted.values())


def for_order(*, order_id: int, moment: datetime | None = None) -> int:
    """The periods of an order that was paid, or given back."""
    with connection.cursor() as cursor:
        cursor.execute("select member_id, paid_at from orders_order where id = %s and paid_at is not null", [order_id])
        row = cursor.fetchone()
    return refresh(member_id=row[0], days=[clock.local_date(row[1])], moment=moment) if row else 0


def period_label(period: str, day: date) -> str:
    """What the period is called in the books: "life", "2026-11", "2026Q4", "2026"."""
    match period:
        case "month":
            return f"{day:%Y-%m}"
        case "quarter":
            return f"{day.year}Q{(day.month - 1) // 3 + 1}"
        case "year":
            return str(day.year)
    return LIFE


def _settle(member: Member, family: list[int], one: Achievement, day: date, moment: datetime) -> bool:
    label = period_label(one.period, day)
    value = _value(one, family, *_bounds(one, day))
    rows = list(Attainment.objects.filter(achievement=one, member__in=family, period=label).order_by("pk"))
    complete = [row for row in rows if row.completed_at and row.taken_back_at is None]
    if value < one.target:
        for row in complete:
            _take_back(row, one, moment)
    own = next((row for row in rows if row.member_id == member.pk), None)
    if own is None and value:
        own = Attainment.objects.create(achievement=one, member=member, period=label, value=value)
    if own is None:
        return bool(complete) and value < one.target
    Attainment.objects.filter(pk=own.pk).update(value=value)
    if value >= one.target and not complete and _may_complete(one, member):
        _complete(own, one, member, moment)
        return True
    return bool(complete) and value < one.target


def _may_complete(one: Achievement, member: Member) -> bool:
    return one.is_active and one.points > 0 and member.status in facts.HERE


def _complete(row: Attainment, one: Achievement, member: Member, moment: datetime) -> None:
    times = row.times + 1
    points.earn(
        member_id=member.pk, amount=one.points, currency=one.currency.key, source=_source(row, times), moment=moment
    )
    row.coupon_key = one.coupon_key
    Attainment.objects.filter(pk=row.pk).update(
        times=times, completed_at=moment, taken_back_at=None, coupon_key=row.coupon_key
    )
    _tell(REACHED, row, one, member.pk, times)


def _take_back(row: Attainment, one: Achievement, moment: datetime) -> None:
    """The reward's line may stand in the books of a record that was merged since."""
    line = Entry.objects.get(source=_source(row, row.times), account__currency=one.currency_id)
    left = sum(amount - taken for amount, taken in line.lots.values_list("amount", "reversed"))
    if left:
        points.reverse(entry_id=line.pk, amount=left, source=f"{line.source}:back", moment=moment)
    Attainment.objects.filter(pk=row.pk).update(taken_back_at=moment)
    _tell(TAKEN_BACK, row, one, row.member_id, row.times)


def _tell(name: str, row: Attainment, one: Achievement, member_id: int, times: int) -> None:
    """Only what gives a coupon is told. The coupon's source names the attainment alone: reached anew, it is the same coupon."""
    if row.coupon_key:
        events.publish(
            name, key=f"{row.pk}:{times}", lane=f"member:{member_id}", attainment_id=row.pk, member_id=member_id,
            coupon_key=row.coupon_key, origin=one.key, source=f"achievement:{row.pk}",
        )  # fmt: skip


def stands(*, attainment_id: int) -> bool:
    """Reached, and not taken back."""
    return Attainment.objects.filter(pk=attainment_id, completed_at__isnull=False, taken_back_at=None).exists()


def _source(row: Attainment, times: int) -> str:
    return f"achievement:{row.pk}:{times}"


def _bounds(one: Achievement, day: date) -> tuple[datetime, datetime]:
    """The period's moments [from, until), within the achievement's own days."""
    first, last = reckoning.period(one.period, day)
    first, last = max(first, one.starts_on or date(2000, 1, 1)), min(last, one.ends_on or date(2999, 12, 31))
    return clock.day_start(first), clock.day_end(last)


_KEPT = """
select count(*) filter (where o.total_cents >= %(least)s), coalesce(sum(o.total_cents - o.refunded_cents), 0)::bigint
from orders_order o where o.member_id = any(%(family)s) and o.paid_at >= %(first)s and o.paid_at < %(end)s and o.status <> 'cancelled'
  and o.total_cents > o.refunded_cents
"""
_SIGNED = 'select count(*) from points_signin where member_id = any(%(family)s) and "on" >= %(from)s and "on" < %(to)s'
_HAPPENED = """
select count(*) from activity_event where member_id = any(%(family)s) and occurred_at >= %(first)s and occurred_at < %(end)s
  and name = %(name)s
"""


def _value(one: Achievement, family: list[int], first: datetime, end: datetime) -> int:
    values: dict[str, Any] = {
        "family": family,
        "first": first,
        "end": end,
        "from": clock.local_date(first),
        "to": clock.local_date(end),
        "name": one.measure.get("name", ""),
        "least": one.measure.get("min_cents", 0),
    }
    statement, column = {
        "orders": (_KEPT, 0),
        "spend_cents": (_KEPT, 1),
        "sign_ins": (_SIGNED, 0),
        "event": (_HAPPENED, 0),
    }[one.measure["kind"]]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.fetchone()[column])


def check(measure: Any) -> Iterator[str]:
    """What is wrong with a measure: JSON pointers; nothing for a good one."""
    kinds = {"orders": {"min_cents"}, "spend_cents": set[str](), "sign_ins": set[str](), "event": {"name"}}
    if not isinstance(measure, dict) or measure.get("kind") not in kinds:
        yield "/measure/kind"
        return
    yield from (f"/measure/{name}" for name in sorted(measure.keys() - kinds[measure["kind"]] - {"kind"}))
    if measure["kind"] == "event" and not isinstance(measure.get("name"), str):
        yield "/measure/name"
