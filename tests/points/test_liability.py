"""The report of what the shop owes: equal to the ledger at the end of any day, cohort by cohort, however often it was tallied."""

import random
import threading
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.db import connection

from apps.core import clock
from apps.members.models import Member
from apps.points import ladders, liability, tallying
from apps.points import services as points
from apps.points.liability import Cohort, Totals
from apps.points.models import Currency, DayTotal, Entry, Lot, Outlook, Tally, Use
from apps.stores.models import Store
from tests.points.accounts import MONDAY, earn, hold, spend
from tests.points.test_model import Life

KINDS = ("earn", "earn", "wait", "spend", "spend", "hold", "capture", "let_go", "give_back", "reverse")


def live_on(life: Life, dice: random.Random, steps: int) -> None:
    for _ in range(steps):
        life.step(dice.choice(KINDS), dice.randint(1, 60), dice.randint(0, 30))
        if dice.random() < 0.3:
            life.step("time", 24 * dice.choice((1, 5, 16)), 0)


Where = tuple[int | None, date]  # the store and the month of the earning


def slow(on: date) -> tuple[Totals, dict[Where, list[int]]]:
    """The same figures by walking through every line, in the plainest way."""
    end, sums, months = clock.day_end(on), [0, 0, 0, 0], defaultdict(lambda: [0, 0, 0, 0, 0, 0])
    lots = {lot.pk: lot for lot in Lot.objects.select_related("entry")}
    month = {key: (lot.entry.store_id, clock.local_date(lot.earned_at).replace(day=1)) for key, lot in lots.items()}
    for line in Entry.objects.filter(account__currency__key="points", at__lt=end):
        for place, name in enumerate(("amount", "pending", "held", "debt")):
            sums[place] += getattr(line, name)
        for lot in line.lots.all():
            place, sign = (4, -1) if line.kind == "transfer_in" else (0, 1)
            months[month[lot.pk]][place] += sign * lot.amount
        back = line.kind in {"return", "release"}
        first = line.reverses if back else line
        for use in line.uses.all():
            months[month[use.lot_id]][_column(use, line, first)] += use.amount
        for use in _captured(line):
            months[month[use.lot_id]][5] -= use.amount
            months[month[use.lot_id]][1] += use.amount
    return Totals(*sums), dict(months)


def _column(use: Use, line: Entry, first: Entry) -> int:
    if use.kind == Use.Kind.EXPIRE:
        return 2
    if use.kind != Use.Kind.SPEND or first.kind == "adjust":
        return 3
    if first.kind == "hold" and line.kind in {"hold", "release"}:
        return 5
    return 4 if first.kind == "transfer_out" else 1


def _captured(line: Entry) -> list[Use]:
    """What is left of the hold that the line captures."""
    if line.kind != "capture":
        return []
    uses = Use.objects.filter(kind=Use.Kind.SPEND)
    return [*uses.filter(entry=line.reverses), *uses.filter(entry__kind="release", entry__reverses=line.reverses)]


def told(on: date) -> tuple[Totals, dict[date, list[int]]]:
    return liability.totals(currency="points", on=on), columns(liability.cohorts(currency="points", on=on))


def columns(found: list[Cohort]) -> dict[date, list[int]]:
    return {one.month: [one.granted, one.spent, one.expired, one.taken_back, one.moved, one.aside] for one in found}


def added(parts: dict[Where, list[int]], by: int) -> dict[Any, list[int]]:
    """Summed by one half of the key."""
    sums: dict[Any, list[int]] = {}
    for key, row in parts.items():
        sums[key[by]] = [a + b for a, b in zip(sums.get(key[by], [0] * 6), row, strict=True)]
    return sums


@pytest.mark.parametrize("policy", ["debt", "within_balance"])
def test_every_day_s_figures_are_the_ledger_s_with_refunds_merges_gifts_and_expiry(db: None, policy: str):
    dice = random.Random(policy)
    first, second = Life(policy), Life(policy)
    Currency.objects.filter(key="points").update(transfer={"daily_cap": 10_000, "fee_percent": 10, "expiry": "keep"})
    live_on(first, dice, 25)
    tallying.tally(moment=first.now)
    live_on(second, dice, 25)
    now = max(first.now, second.now)
    for life in (first, second):
        points.adjust(member_id=life.member.pk, amount=40, source="by:1", by=points.By(note="x"), moment=now)
    store = Store.objects.create(code="S1", name="One")
    at = points.By(store_id=store.pk)
    points.earn(member_id=first.member.pk, amount=500, source="s:many", by=at, moment=now)
    points.earn(member_id=second.member.pk, amount=70, source="s:old", by=at, moment=now - timedelta(days=70))
    held = points.hold(member_id=first.member.pk, amount=90, source="exchange:7", moment=now)
    spent = points.spend(member_id=first.member.pk, amount=80, source="exchange:8", moment=now)
    points.transfer(from_id=first.member.pk, to_id=second.member.pk, amount=100, source="gift", moment=now)
    points.adjust(member_id=first.member.pk, amount=-30, source="by:2", by=points.By(note="x"), moment=now)
    tallying.tally(moment=now)
    points.capture(entry_id=held.entry_id, amount=50, source="paid:7", moment=now)
    points.give_back(entry_id=spent.entry_id, amount=60, source="back:8", moment=now + timedelta(days=20))
    points.give_back(entry_id=held.entry_id, amount=20, source="back:7", moment=now + timedelta(days=35))
    points.join(from_id=second.member.pk, to_id=first.member.pk, source="merge:1", moment=now + timedelta(days=40))
    later = now + timedelta(days=400)
    points.settle_all(moment=later)
    points.let_go_expired(moment=later)
    tallying.tally(moment=later)
    assert tallying.tally(moment=later).lines == 0

    days = sorted({clock.local_date(line.at) for line in Entry.objects.all()})
    for day in [days[0] - timedelta(days=1), *days[:: max(1, len(days) // 8)], clock.local_date(later)]:
        sums, parts = slow(day)
        assert told(day) == (sums, added(parts, 1)), day
        found = liability.by_store(currency="points", on=day)
        assert {one.store_id: columns([one.whole])[one.whole.month] for one in found} == added(parts, 0), day
        mine = liability.cohorts(currency="points", on=day, stores=[store.pk])
        assert columns(mine) == {month: row for (where, month), row in parts.items() if where == store.pk}, day
        left = sum(one.left for one in mine)
        assert liability.outstanding(currency="points", days=[day], stores=[store.pk]) == [left]
    end = clock.local_date(later)
    left = defaultdict(int)
    for lot in Lot.objects.filter(remaining__gt=0):
        left[clock.local_date(lot.earned_at).replace(day=1)] += lot.remaining
    found = liability.cohorts(currency="points", on=end)
    assert {one.month: one.left - one.aside for one in found if one.left} == dict(left)
    whole = liability.totals(currency="points", on=end)
    assert sum(one.left for one in found) == whole.outstanding
    assert sum(one.aside for one in found) == whole.held == 0
    assert {kind for kind in ("return", "expire", "capture", "release", "lapse") if Entry.objects.filter(kind=kind)} == {
        "return", "expire", "capture", "release", "lapse",
    }  # fmt: skip


def test_what_is_set_aside_belongs_to_its_cohort_until_it_is_spent(member: Member):
    earn(member, 100, "order:1", moment=MONDAY - timedelta(days=40))
    earn(member, 50, "order:2")
    held = hold(member, 120, "exchange:1")
    tallying.tally(moment=MONDAY)
    assert [(one.granted, one.spent, one.aside, one.left) for one in liability.cohorts(currency="points", on=date(2026, 11, 30))] == [
        (100, 0, 100, 100), (50, 0, 20, 50),
    ]  # fmt: skip

    points.capture(entry_id=held.entry_id, source="paid", amount=110, moment=MONDAY + timedelta(minutes=1))
    tallying.tally(moment=MONDAY)

    assert [(one.spent, one.aside, one.left) for one in liability.cohorts(currency="points", on=date(2026, 11, 30))] == [
        (100, 0, 0), (10, 0, 40),
    ]  # fmt: skip
    assert liability.outstanding(currency="points", days=[date(2026, 10, 31), date(2026, 11, 30)]) == [100, 40]


def test_closed_months_foretell_what_runs_out_and_too_few_of_them_nothing():
    on = date(2026, 11, 30)
    closed = [Cohort(date(2026, month, 1), 5_000, 3_500, 1_000, 500, 0, 0) for month in (1, 2, 3)]
    going = Cohort(date(2026, 10, 1), 1_000, 100, 50, 100, 0, 0)  # 2/9 of 900 kept are 200, 50 went already
    spent = Cohort(date(2026, 11, 1), 1_000, 0, 0, 990, 0, 0)  # 10 kept, 2 expected
    never = Cohort(date(2026, 11, 1), 9_000, 9_000, 0, 0, 0, 0)  # its month is not over

    told = liability.forecast([*closed, going, spent, never], on=on)

    assert (told.rate, told.closed, told.expected) == (Fraction(2, 9), 3, {going.month: 150, spent.month: 2})
    assert liability.forecast([*closed[:2], going], on=on).rate is None
    assert liability.worth(150, cents_per_hundred=1) == 2


def test_the_outlook_is_by_last_month_and_tier_once_a_day(member: Member, friend: Member):
    ladders.install_defaults()
    earn(member, 70, "order:1", terms=points.Terms(expires_at=datetime(2026, 12, 31, 16, tzinfo=UTC)))
    earn(friend, 30, "order:2", terms=points.Terms(expiry={"kind": "never"}))
    earn(friend, 5, "order:3", terms=points.Terms(expires_at=MONDAY + timedelta(hours=1)))
    earn(friend, 9, "order:4", terms=points.Terms(is_pending=True))

    tallying.tally(moment=MONDAY + timedelta(hours=2))
    spend(member, 70, "exchange:1")
    tallying.tally(moment=MONDAY + timedelta(hours=3))
    assert liability.ends(currency="points") == [("2026-12", 70), ("", 30)]
    assert liability.by_tier(currency="points") == {"basic": 100}

    tallying.tally(moment=MONDAY + timedelta(days=1))
    assert liability.ends(currency="points") == [("", 30)]
    assert Outlook.objects.count() == 2


def test_a_line_whose_writer_is_slow_is_not_left_out(transactional_db: None):
    """A lower number that commits after a higher one."""
    first, second = (Member.objects.create(member_no=f"S-{number}") for number in (1, 2))
    for one in (first, second):
        earn(one, 1, "order:0")
    written, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        with connection.cursor() as cursor:
            cursor.execute("begin")
            earn(first, 100, "order:1")
            written.set()
            go_on.wait(20)
            cursor.execute("commit")
        connection.close()

    writer = threading.Thread(target=slowly)
    writer.start()
    assert written.wait(20)
    earn(second, 10, "order:2")
    sums: list[tallying.Tallied] = []
    counting = threading.Thread(target=lambda: (sums.append(tallying.tally(moment=MONDAY)), connection.close()))
    counting.start()
    counting.join(0.3)
    is_waiting = counting.is_alive()
    go_on.set()
    writer.join()
    counting.join(20)

    assert is_waiting
    assert (Tally.objects.get().granted, DayTotal.objects.get().balance) == (112, 112)
