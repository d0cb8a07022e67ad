"""U2-1 measured: from a scan to what the clerk sees, with a hand that thinks 400 ms before each tap. Writes the table of
docs/counter.md: `bin/test tests/e2e/test_counter_times.py -m nightly -q -s`.
"""

import statistics
import sys
import time
from collections.abc import Callable

import pytest

from apps.core import brand
from apps.flows import counter_rules
from apps.members import member_codes
from tests.counter.conftest import PIN, Shop
from tests.coupons import making
from tests.e2e.test_counter import At, Gun, at, shop
from tests.e2e.visits import Visit
from tests.points.gifts import gift, take

__all__ = ["at", "shop"]
RUNS, THINK, PAUSE = 10, 400, 1_300  # PAUSE, like THINK in ms: a member shows 30 codes a minute at most
pytestmark = pytest.mark.nightly


class Clerk:
    """Each act begins with a scan, or a PIN, and ends when its result stands on the screen."""

    def __init__(self, visit: Visit, shop: Shop) -> None:
        self.page, self.shop, self.gun = visit.page, shop, Gun(visit.page)
        self.member = shop.house.members["mine"]
        self.template = making.template("thirty", making.terms(minimum_cents=20_000), per_member=None)
        self.gift, self.taps, self.number, self.code = gift(points=50), 0, 0, ""

    def tap(self, selector: str) -> None:
        self.taps += 1
        self.page.wait_for_timeout(THINK)
        self.page.locator(selector).first.click()

    def strip(self, amount: str = "88") -> None:
        self.page.locator("#amount").fill(amount)
        self.gun.scan(member_codes.show(member_id=self.member.pk).code)
        self.page.wait_for_selector("[data-screen=member]")

    def take_in(self) -> None:
        self.page.wait_for_timeout(THINK)
        self.gun.scan(f"POS{self.number:07d}")
        self.tap("#take")
        self.page.wait_for_selector("[data-screen=ok]")

    def earn(self) -> None:
        self.strip()
        self.take_in()

    def coupon(self) -> None:
        self.strip("268")
        self.take_in()

    def points(self) -> None:
        self.strip()
        self.tap("[data-points]")
        self.take_in()

    def hand_over(self) -> None:
        self.gun.scan(self.code)
        self.page.wait_for_selector("[data-screen=gift]")
        self.tap("#take")
        self.page.wait_for_selector("[data-screen=handed]")

    def unlock(self) -> None:
        self.page.locator("#pin").press_sequentially(PIN, delay=70)
        self.tap("#lock .go")
        self.page.wait_for_selector("#lock", state="hidden")

    def before(self, act: Callable[[], None]) -> None:
        """What has to be there, outside the time."""
        self.taps, self.number = 0, self.number + 1
        if act == self.coupon:
            making.coupon(self.template, self.member)
        if act == self.hand_over:
            self.code = take(self.member, self.gift, f"times-{self.number}").code
        if act == self.unlock:
            self.page.locator("#lock-now").click()
            self.page.locator(f"[data-staff='{self.shop.clerk.pk}']").click()

    def after(self) -> None:
        self.page.evaluate("document.querySelector('#result [data-next], #after [data-next]').click()")
        self.page.wait_for_selector("#view [data-screen=idle]")
        self.page.wait_for_function("document.getElementById('result').hidden")
        self.page.wait_for_timeout(PAUSE)

    def time(self, act: Callable[[], None]) -> tuple[int, float, float]:
        """Taps, median and the 95th of a hundred in seconds."""
        times = []
        for _ in range(RUNS):
            self.before(act)
            began = time.monotonic()
            act()
            times.append(time.monotonic() - began)
            self.after()
        return self.taps, statistics.median(times), statistics.quantiles(times, n=20)[-1]


def test_the_acts_of_a_counter_take_a_median_of_less_than_eight_seconds(at: At, shop: Shop):
    brand.write(counter_rules.SETTING, {"per_member": 10_000})
    shop.rich("mine", 90_000)
    clerk = Clerk(at(), shop)
    acts = {
        "scan to strip": clerk.strip, "scan to earned": clerk.earn, "scan to coupon redeemed": clerk.coupon,
        "scan to points redeemed": clerk.points, "scan to gift handed over": clerk.hand_over, "PIN to open till": clerk.unlock,
    }  # fmt: skip

    found = {name: clerk.time(act) for name, act in acts.items()}

    for name, (taps, median, late) in found.items():
        sys.stdout.write(f"\n| {name} | {taps} | {median:.2f} s | {late:.2f} s |")
    assert [name for name, (taps, median, late) in found.items() if taps > 3 or median > 8 or late > 15] == []
