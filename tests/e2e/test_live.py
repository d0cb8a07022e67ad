"""Live streams in a real browser: clean on desk and phone in both languages; a stream is moved by dragging and by keyboard."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest
from django.conf import settings
from playwright.sync_api import expect

from apps.catalog.models import Product as CatalogProduct
from apps.core import clock, ids
from apps.livestream import joining, planning
from apps.livestream.models import Product, Stream
from apps.portal import sessions
from apps.stores.models import Role
from tests.console import world
from tests.console.world import House
from tests.e2e.test_codes import enter  # noqa: F401 - fixture
from tests.e2e.test_console import Open
from tests.e2e.visits import Visit, keep
from tests.portal.doors import browser_of

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
DAY = timedelta(days=1)


@pytest.fixture
def house(transactional_db: None) -> House:
    made = world.build()
    room = planning.add_room(platform="douyin", name="旗舰店直播间", url="https://live.example.com/room")
    second = planning.add_room(platform="channels", name="门店直播间")
    host, other = planning.add_host(name="小满"), planning.add_host(name="阿禾")
    tea = CatalogProduct.objects.create(sku="A100", name="明前龙井礼盒")
    cup = CatalogProduct.objects.create(sku="B200", name="青瓷盖碗")
    monday = clock.local_date(clock.now())
    monday += timedelta(days=7 - monday.weekday())
    plans = [
        ("春茶上新专场", 0, 20, room, host, [(tea.pk, 5), (cup.pk, None)]), ("会员日返场", 2, 19, room, host, []),
        ("店长带你逛店", 3, 10, second, other, [(cup.pk, 2)]),
    ]  # fmt: skip
    for title, days, hour, where, who, products in plans:
        start = clock.day_start(monday + days * DAY) + timedelta(hours=hour)
        wanted = planning.Wanted(
            title=title, room_id=where.pk, host_id=who.pk, starts_at=start, ends_at=start + timedelta(hours=2),
            products=products,
        )  # fmt: skip
        planning.plan(wanted=wanted)
    first, mine = Stream.objects.get(title="春茶上新专场"), made.members["mine"].pk
    joining.remind(stream_id=first.pk, member_id=mine)
    joining.reserve(
        product_id=Product.objects.get(stream=first, product=tea).pk, member_id=mine, source="a",
        store_id=made.stores["mine"].pk, visit_on=monday + 2 * DAY,
    )  # fmt: skip
    return made


@pytest.fixture
def member(chromium, live_server, house: House):
    """The member "mine" at a phone."""
    opened = []

    def log_in(*, width: int, language: str) -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": 844})
        opened.append(context)
        session = browser_of(house.members["mine"].pk).cookies[sessions.COOKIE].value
        cookies = {settings.LANGUAGE_COOKIE_NAME: language, sessions.COOKIE: session}
        context.add_cookies([{"name": name, "value": value, "url": live_server.url} for name, value in cookies.items()])
        return Visit(context.new_page(), home=live_server.url)

    yield log_in
    for context in opened:
        context.close()


def of(title: str) -> Stream:
    return Stream.objects.get(title=title)


@pytest.mark.nightly
@pytest.mark.parametrize(("width", "language"), list(product((1440, 390), ("zh-hans", "en"))))
def test_the_pages_are_clean_on_desk_and_phone_in_both_languages(
    enter: Open,  # noqa: F811
    member: Callable[..., Visit],
    width: int,
    language: str,
):
    first, second = of("春茶上新专场"), of("会员日返场")
    page, week = ids.encode("liv", first.pk), f"?day={clock.local_date(first.starts_at)}"
    limited = ids.encode("lvp", Product.objects.get(stream=first, quantity=5).pk)
    staff = {
        "week": f"/console/live/{week}", "new": f"/console/live/new/{week}", "stream": f"/console/live/{page}/",
        "move": f"/console/live/{ids.encode('liv', second.pk)}/move/?at={clock.local(first.starts_at):%Y-%m-%dT%H:%M}",
        "places": "/console/live/places/", "pieces": "/console/live/pieces/",
    }  # fmt: skip
    at_desk = enter(Role.ADMIN, width=width, language=language)
    at_phone = member(width=width, language=language)
    theirs = {"schedule": "/my/live/", "reserve": f"/my/live/products/{limited}/"}
    for found, pages in ((at_desk, staff), (at_phone, theirs)):
        for name, path in pages.items():
            found.go(path)
            found.check()
            keep(found.page, name=f"live-{name}-{width}-{language}")


@pytest.mark.nightly
def test_a_stream_is_moved_by_dragging_and_by_keyboard_and_what_is_in_the_way_is_seen_first(
    enter: Open,  # noqa: F811
):
    found = enter(Role.MARKETER, width=1440)
    page, row = found.page, of("会员日返场")
    week = f"/console/live/?day={clock.local_date(row.starts_at)}"
    found.go(week)
    day = clock.local_date(row.starts_at) + DAY
    page.locator(".c-cal .ev", has_text="会员日返场").drag_to(page.locator(f'td[data-day="{day}"]'))
    page.get_by_role("button", name="确认改期").click()
    expect(page.locator(".c-toasts")).to_contain_text("会员日返场")
    row.refresh_from_db()
    assert clock.local_date(row.starts_at) == day

    found.go(week)
    field = page.get_by_label("把“会员日返场”移到")
    field.fill(f"{clock.local(of('春茶上新专场').starts_at):%Y-%m-%dT%H:%M}")
    field.press("Enter")
    expect(page.locator(".c-note.bad").first).to_contain_text("春茶上新专场")
    expect(page.get_by_role("button", name="确认改期")).to_have_count(0)

    found.go(f"/console/live/new/?day={clock.local_date(row.starts_at)}")
    page.get_by_label("时长").fill("90")
    page.get_by_label("标题").focus()
    expect(page.locator("#conflicts .c-note").first).to_be_visible()
    found.check()
