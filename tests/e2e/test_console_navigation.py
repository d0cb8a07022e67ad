"""Every page of the back office's navigation in a real browser, every night: clean at three widths in both languages, and its LCP.

`SIYU_SHOTS=some/folder` keeps a picture of each, see `docs/design.md`.
"""

import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import product

import pytest

from apps.analytics import rollup
from apps.analytics.study import refreshing
from apps.points import defaults
from apps.stores.models import Role
from tests.console import a_day, world
from tests.console.world import House
from tests.e2e.test_codes import enter  # noqa: F401 - fixture
from tests.e2e.test_console import Open
from tests.e2e.test_portal_budgets import WATCHED, slowly
from tests.e2e.visits import NO_SOCKET, Visit, keep
from tests.processes import Simulator

pytestmark = [pytest.mark.e2e, pytest.mark.nightly, pytest.mark.django_db(transaction=True)]
WIDTHS = (360, 768, 1440)


@pytest.fixture
def house(transactional_db: None, simulator: Simulator) -> House:
    """Filled, so that pages show what they have; with a day on which something happened."""
    made = world.build()
    defaults.install()
    a_day.live(made, made.moment - timedelta(minutes=5))
    rollup.roll_up(moment=made.moment, days=60)
    refreshing.run(moment=made.moment, whole=True)
    return made


def places(found: Visit) -> list[str]:
    """What the navigation offers, as it stands on the page."""
    links = found.page.eval_on_selector_all(".c-nav a[href]", "all => all.map((one) => one.getAttribute('href'))")
    return list(dict.fromkeys(link for link in links if link.startswith("/console/")))


@pytest.mark.parametrize(("width", "language"), list(product(WIDTHS, ("zh-hans", "en"))))
def test_every_page_of_the_navigation_is_clean(enter: Open, house: House, width: int, language: str):  # noqa: F811
    found = enter(Role.ADMIN, width=width, language=language)
    found.page.add_init_script(NO_SOCKET)
    found.go("/console/")
    every = places(found)
    assert len(every) > 55
    for path in every:
        found.go(path)
        found.check()
        keep(found.page, name=f"{path.strip('/').replace('/', '-')}-{width}-{language}")


def paints(found: Visit) -> Iterator[tuple[float, str]]:
    for path in places(found):
        found.go(path)
        yield found.page.evaluate("window.seen")["largest"] / 1000, path


def test_how_soon_each_page_shows_its_largest_part_on_a_slow_line(enter: Open, house: House):  # noqa: F811
    """Printed, slowest first: 1.6 Mbit/s, 150 ms, a quarter of this processor, nothing kept from before."""
    found = enter(Role.ADMIN)
    for script in (NO_SOCKET, WATCHED):
        found.page.add_init_script(script)
    slowly(found.page)
    found.go("/console/")
    told = sorted(paints(found), reverse=True)
    assert min(seconds for seconds, _path in told) > 0
    slowest = ", ".join(f"{path} {seconds:.2f}" for seconds, path in told[:8])
    sys.stdout.write(f"\nLCP of {len(told)} console pages, s: median {told[len(told) // 2][0]:.2f}; {slowest}\n")
