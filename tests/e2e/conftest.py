"""The browser of every page test, and what walks through the members' pages share: a small house, a phone that opens pages."""

import os
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from apps.core import clock, requests
from apps.gateways import inbox
from apps.orders import services as orders
from apps.points import defaults, ladders, tiers
from apps.points import services as points
from apps.points.earning import SignIn
from tests.console import world
from tests.console.world import House
from tests.e2e.visits import Visit
from tests.processes import Simulator

# The last such flag counts, so Playwright's own stand here again. The two of the address bar, which nobody sees, each loaded a
# page of Chromium's own for every window: two thirds of what a visit cost (0.85 s of CPU, 0.33 s without).
OFF = (
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup",
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch",
)  # fmt: skip
FLAGS = [
    f"--disable-features={','.join(OFF)}",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 20_000  # ms for what has no time of its own to hold: a busy machine is slow, not wrong
Open = Callable[..., Visit]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One Chromium for the file. Its event loop lives in this thread, so Django must be told that the ORM may too."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as player:
        expect.set_options(timeout=PATIENCE)
        found = player.chromium.launch(executable_path=os.environ["SIYU_CHROMIUM"], args=FLAGS)
        yield found
        found.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def house(transactional_db: None, simulator: Simulator) -> House:
    """The member "mine" has three letters, an order with some money back, and points of every kind."""
    made = world.build()
    mine = made.members["mine"]
    texts = [
        ("您的订单已发出", "武康路店今天把您的订单交给了快递。"),
        ("好久不见", "沈mine，有40天没见到您了。"),
        ("欢迎", "谢谢您的光临。"),
    ]
    for number, (title, body) in enumerate(texts):
        letter = inbox.Letter(key=f"note:{number}", member_id=mine.pk, title=title, body=body)
        inbox.deliver_batch([letter], moment=made.moment - timedelta(hours=30 - number * 15))
    order = made.orders["mine"]
    orders.refund(order_id=order.pk, amount_cents=2_500, source="test", refunded_at=made.moment - timedelta(days=3))
    give_points(made)
    return made


def give_points(house: House) -> None:
    """12,480 to use, 280 of them until the end of the year; some on their way, some set aside, some spent; days signed in a row."""
    with requests.acting(actor="test"):
        defaults.install()
        ladders.install_defaults()
    mine, year = house.members["mine"].pk, clock.local_date(house.moment).year
    ends = [clock.day_start(date(year + more, 1, 1)) for more in (1, 2)]
    given = [
        (340, f"opening:{mine}", points.Terms(expires_at=ends[0])),
        (12_200, f"order:{house.orders['mine'].pk}", points.Terms(expires_at=ends[1])),
        (60, "birthday:1", points.Terms(is_pending=True)),
    ]
    for days, (amount, source, terms) in enumerate(given):
        points.earn(
            member_id=mine, amount=amount, source=source, terms=terms, moment=house.moment - timedelta(days=9 - days)
        )
    points.earn(
        member_id=mine, amount=4_620, currency="growth", source="order:1", moment=house.moment - timedelta(days=5)
    )
    tiers.reassess(member_ids=[mine])
    points.spend(member_id=mine, amount=20, source="exchange:1", moment=house.moment - timedelta(days=2))
    points.hold(member_id=mine, amount=40, source="exchange:2", moment=house.moment, keep_for=timedelta(days=300))
    SignIn.objects.bulk_create(
        SignIn(
            member_id=mine, on=clock.local_date(house.moment) - timedelta(days=days), streak=3 - days, at=house.moment
        )
        for days in (2, 1)
    )


@pytest.fixture
def open_page(chromium: Browser, live_server, house: House) -> Iterator[Open]:
    """`open_page(width=, language=, theme=)`: a browser of its own, at nobody's page yet. More words go to its context."""
    opened = []

    def fresh(*, width: int = 390, language: str = "zh-hans", theme: str = "light", **more: object) -> Visit:
        context = chromium.new_context(
            viewport={"width": width, "height": 844},
            color_scheme=theme,
            has_touch=width < 700,
            **more,  # type: ignore[arg-type]
        )
        opened.append(context)
        context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
        return Visit(context.new_page(), home=live_server.url)

    yield fresh
    for context in opened:
        context.close()
