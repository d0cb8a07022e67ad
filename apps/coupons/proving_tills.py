"""Many tills read one coupon at the same instant: for the races of the tests, and at full scale for `prove_value`."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from apps.core import clock, crowds
from apps.coupons import redeeming
from apps.coupons.basket import Basket, Line, Shopper
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Coupon, Use
from apps.coupons.redeeming import Act, Place
from apps.stores.models import Store

SESSIONS = 64  # of the database, of the hundred it has


@dataclass
class Till:
    """One till and what it was told. `told`: coupon and the store that had it first; `odd`: any other answer."""

    number: int
    store: Store
    won: list[int] = field(default_factory=list)
    told: list[tuple[int, str]] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def scan(self, coupon: Coupon, *, began: float) -> None:
        """`began`: when all tills read it (`time.monotonic`); waiting for a session counts."""
        try:
            redeeming.redeem(act(coupon, f"till:{self.number}:{coupon.pk}", self.store, f"R{self.number}"))
            self.won.append(coupon.pk)
        except CouponRefused as refused:
            if refused.code == "coupon_already_redeemed" and refused.facts["at"]:
                self.told.append((coupon.pk, str(refused.facts["store"])))
            else:
                self.odd.append(refused.code)
        except Exception as error:
            self.odd.append(repr(error)[:200])
        self.seconds.append(time.monotonic() - began)


def act(coupon: Coupon, source: str, store: Store, reference: str = "") -> Act:
    """¥200 are paid in a store, with this coupon."""
    bought = Basket((Line(1, 20_000),), at=clock.now(), store=store.code, channel="store")
    return Act(
        [coupon.pk], Shopper(coupon.member_id or 0), bought, source, Place(store_id=store.pk, reference=reference)
    )


def scan_at_once(*, coupons: Sequence[Coupon], stores: Sequence[Store], tills: int, processes: int = 1) -> list[Till]:
    """Every till scans every coupon, all tills the same one at the same instant: as many at once as there are sessions for."""
    sessions = min(tills, SESSIONS)

    def work(seat: int, gate: crowds.Gate) -> list[Till]:
        mine = [Till(number, stores[number % len(stores)]) for number in range(seat, tills, sessions)]
        for coupon in coupons:
            began = gate.wait()
            for till in mine:
                till.scan(coupon, began=began)
        return mine

    return [till for mine in crowds.run(work, seats=sessions, processes=processes) for till in mine]


def zeros(crowd: Sequence[Till], coupons: Sequence[Coupon]) -> dict[str, int]:
    """Everything that must be nought."""
    first = dict(Use.objects.filter(coupon__in=coupons, state="done").values_list("coupon_id", "store__code"))
    won = [coupon_id for till in crowd for coupon_id in till.won]
    return {
        "used_twice": len(won) - len(set(won)),
        "not_used": len(coupons) - len(set(won)),
        "not_kept": len(set(won) ^ set(first)),
        "told_wrong": sum(store != first.get(coupon_id) for till in crowd for coupon_id, store in till.told),
        "other_answers": sum(len(till.odd) for till in crowd),
    }
