"""Random lives: a sequence of refreshes equals one full refresh, and both equal the plain reading of the definitions."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.core import brand, clock
from apps.segments import refresh, rfm
from apps.segments.models import MemberStats, Snapshot, StageChange
from tests.segments import reference
from tests.segments.histories import Life, buy, cancel, day, goods, life, refund, shops
from tests.segments.reference import RULES

ODD_RULES = {
    "new_days": 45,
    "won_back_days": 50,
    "fixed_days": [10, 40, 400],
    "gap_factors": [0.5, 1.25, 2],
    "gap_clamp_days": [3, 100],
    "min_orders": 2,
}


@pytest.mark.django_db
@pytest.mark.parametrize("rules", [RULES, ODD_RULES], ids=["usual", "odd"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(1, 12))])
def test_refreshes_one_after_the_other_equal_a_full_one_and_the_definitions(seed: int, rules: dict[str, Any]) -> None:
    brand.write("segments.lifecycle", rules)
    world = World(random.Random(seed), rules)  # the same lives every time
    for step in range(10):
        world.happen()
        moment = world.next_moment()
        refresh.refresh(moment, full=step == 7)
        world.check(moment)
        refresh.refresh_members([one.member.pk for one in world.lives[:3]], moment)
        again = refresh.refresh(moment, full=True)
        assert (again.changed, again.stage_moves, again.scores_changed) == (0, 0, 0)


class World:
    """Some members whose lives go on between refreshes: orders on time, late and ahead, of nothing too, refunds, cancellations."""

    def __init__(self, rnd: random.Random, rules: dict[str, Any]) -> None:
        self.rnd, self.rules = rnd, rules
        self.shops, self.goods = shops(), goods()
        self.lives: list[Life] = []
        self.now = day(0)
        self.known: dict[int, tuple[str, set[int]]] = {}  # member → stage and kept orders at the last refresh
        self.refreshed_at: datetime | None = None

    def happen(self) -> None:
        self.lives += [life() for _ in range(self.rnd.randint(1, 4))]
        for one in self.lives:
            for _ in range(self.rnd.choice([0, 0, 0, 1, 1, 2, 5])):
                self.order(one)
            for purchase in list(one.purchases.values()):
                if self.rnd.random() < 0.06:
                    self.take_back(one, purchase)

    def order(self, one: Life) -> None:
        when = self.now + self.rnd.choice([1, 1, 1, -1, 0.3]) * timedelta(
            days=self.rnd.choice([0, 1, 7, 21, 30, 60, 63, 90, 120])
        )
        when += timedelta(seconds=self.rnd.choice([0, 0, 1, -1, 3600 * self.rnd.randint(0, 23)]))
        products = tuple(self.rnd.choices(self.goods, k=self.rnd.randint(0, 3)))
        store, channel = self.rnd.choice([None, *self.shops]), self.rnd.choice(["", "till", "web"])
        total = self.rnd.choice([0, 1, 5_000, 10_000, 25_000])
        buy(one, when, total=total, store=store, channel=channel, products=products)

    def take_back(self, one: Life, purchase: reference.Purchase) -> None:
        left = purchase.total - sum(amount for _, amount in purchase.refunds)
        if self.rnd.random() < 0.3:
            cancel(one, purchase, self.now)
        elif left > 1:
            at = max(purchase.paid_at, self.now) + timedelta(days=self.rnd.choice([-10, 0, 0, 5, 40]))
            refund(one, purchase, at, self.rnd.choice([left, left // 2]))

    def next_moment(self) -> datetime:
        self.now += timedelta(days=self.rnd.choice([0, 1, 1, 7, 9, 21, 30, 90]), seconds=self.rnd.choice([0, 0, 1]))
        return self.now

    def check(self, moment: datetime) -> None:
        snapshot = Snapshot.objects.get(on=clock.local_date(moment))
        for one in self.lives:
            purchases = list(one.purchases.values())
            row = one.stats
            expected = reference.stats(purchases, moment, one.member.joined_at, self.rules)
            found = {name: getattr(row, name) for name in expected}
            for name in ("gap_mean_days", "gap_median_days"):
                found[name] = None if found[name] is None else round(found[name], 6)
            assert found == expected
            self.check_scores(row, snapshot)
            self.check_history(one, row, moment)
        self.refreshed_at = moment

    def check_scores(self, row: MemberStats, snapshot: Snapshot) -> None:
        if not row.orders:
            assert (row.r, row.f, row.m, row.cell) == (None, None, None, "")
            return
        r = reference.score(row.last_order_at, [datetime.fromisoformat(cut) for cut in snapshot.r_cuts])
        f, m = reference.score(row.orders, snapshot.f_cuts), reference.score(row.net_cents, snapshot.m_cuts)
        assert (row.r, row.f, row.m, row.cell) == (r, f, m, rfm.cell(r=r, f=f, m=m))

    def check_history(self, one: Life, row: MemberStats, moment: datetime) -> None:
        """A line of history exactly where the stage differs, with its cause."""
        kept_now = reference.kept(one.purchases.values(), moment)
        before, kept_then = self.known.get(one.member.pk, ("", set()))
        written = list(
            StageChange.objects.filter(member=one.member, recorded_at=moment).values_list(
                "before", "after", "cause", "at"
            )
        )
        if self.refreshed_at == moment:
            written = written[-1:] if before != row.stage else []
        if before == row.stage:
            assert written == []
        else:
            assert written == [(before, row.stage, self.cause(one, row, kept_now, kept_then), row.stage_since)]
        self.known[one.member.pk] = (row.stage, {p.id for p in kept_now})

    def cause(self, one: Life, row: MemberStats, kept_now: list[reference.Purchase], kept_then: set[int]) -> str:
        if one.member.pk not in self.known or self.refreshed_at is None:
            return "first"
        if {p.id for p in kept_now if p.paid_at <= self.refreshed_at} != kept_then:
            return "corrected"
        newer = {p.paid_at for p in kept_now if p.paid_at > self.refreshed_at}
        return "order" if row.stage in {"new", "won_back", "active"} and row.stage_since in newer else "time"
