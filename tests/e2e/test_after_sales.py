"""A part of an order goes back: from the member's phone through agent, warehouse and refund to their word at the end, with points,
growth, coupon and tier looked at after every step."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from apps.core import clock, ids
from apps.coupons.models import Coupon, Use
from apps.orders import services as orders
from apps.orders.models import Line, Order
from apps.points.models import Account, Standing
from apps.stores.models import Role
from apps.tickets.models import Attachment, Ticket, Vote
from tests.console import world
from tests.console.world import House
from tests.coupons import making
from tests.e2e.conftest import Open
from tests.e2e.portal_walk import log_in
from tests.e2e.visits import NO_SOCKET, Visit
from tests.pictures_made import photo
from tests.processes import Simulator

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
WORDS = {
    "zh-hans": ("¥100.00", "等级：仍为金卡", "同意，请寄回", "已收到退回的商品", "已退款", "谢谢"),
    "en": (
        "¥100.00",
        "Tier: you stay Gold",
        "Agreed: please send it back",
        "It has come back to us",
        "The money went back",
        "Thank you",
    ),
}


@pytest.fixture
def desk(chromium: Browser, live_server, house: House) -> Iterator:
    opened = []

    def at(role: str, language: str) -> Visit:
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        context.add_init_script(NO_SOCKET)
        opened.append(context)
        client = Client()
        world.enter(client, house.users[role])
        cookies = {"django_language": language, settings.SESSION_COOKIE_NAME: client.cookies["sessionid"].value}
        context.add_cookies([{"name": name, "value": value, "url": live_server.url} for name, value in cookies.items()])
        return Visit(context.new_page(), home=live_server.url)

    yield at
    for context in opened:
        context.close()


def bought(house: House) -> Order:
    """Two pieces at ¥100 and one at ¥300, paid three days ago with a coupon, received yesterday."""
    member = house.members["mine"]
    order = orders.record(
        source="pos", order_no="20261119-7", member_id=member.pk, total_cents=50_000, store_id=house.stores["mine"].pk,
        lines=[orders.NewLine(product_id=None, total_cents=cents) for cents in (20_000, 30_000)],
    )  # fmt: skip
    Line.objects.filter(order=order, line_no=1).update(quantity=2)
    three_days_ago = clock.now() - timedelta(days=3)
    is_double = clock.local_date(three_days_ago).day == 28  # the rules' member day
    orders.mark_paid(order_id=order.pk, paid_at=three_days_ago - timedelta(days=is_double))
    Order.objects.filter(pk=order.pk).update(status="received", received_at=clock.now() - timedelta(days=1))
    of = making.template()
    used = making.coupon(of, member, state="used")
    Use.objects.create(
        coupon=used,
        template=of,
        member=member,
        order=order,
        state="done",
        source="till:1",
        saved_cents=3_000,
        done_at=clock.now(),
    )
    return order


def standing(house: House) -> tuple[int, int, str, str]:
    """(points, growth, the coupon, the tier)."""
    member = house.members["mine"]
    has = dict(Account.objects.filter(member=member).values_list("currency__key", "balance"))
    coupon = Coupon.objects.get(member=member, template__key="thirty")
    return has["points"], has["growth"], coupon.state, Standing.objects.get(member=member).tier.key


def step(page: Page, words: str) -> None:
    expect(page.locator(".p-line > li.now h3")).to_contain_text(words)


@pytest.mark.parametrize("language", ["zh-hans", pytest.param("en", marks=pytest.mark.nightly)])
def test_a_part_goes_back_from_the_phone_to_the_refund_and_the_vote(
    open_page: Open, desk, house: House, simulator: Simulator, tmp_path: Path, language: str
):
    order, words = bought(house), WORDS[language]
    picture = tmp_path / "photo.jpg"
    picture.write_bytes(photo(size=(2400, 1800)))
    phone = open_page(language=language)
    log_in(phone, simulator, path=f"/my/orders/{ids.encode('ord', order.pk)}/")
    page = phone.page
    page.click(".p-stack a.p-btn.wide")
    page.check("[name=kind][value=return]")
    page.check("[name=line][value='1']")
    page.fill("[name=quantity-1]", "1")
    page.fill("#text", "有一件扣子掉了。")
    page.set_input_files("input[name=photos]", [str(picture)])
    page.wait_for_selector("input[name=photo]", state="attached")
    page.click("form.p-form > button.wide")
    foreseen = page.locator(".p-says").inner_text()
    assert words[0] in foreseen
    assert words[1] in foreseen
    before = standing(house)
    page.click("[name=send]")
    page.wait_for_selector(".p-reply")
    address = page.url
    ticket = Ticket.objects.get()
    assert (ticket.kind, Attachment.objects.count(), standing(house), before[2:]) == (
        "return",
        1,
        before,
        ("used", "gold"),
    )

    agent = desk(Role.AGENT, language)
    agent.go(f"/console/tickets/{ids.encode('tkt', ticket.pk)}/")
    bench = agent.page
    expect(bench.locator("img.c-shot")).to_have_js_property("complete", True)
    bench.click("[data-desk-take]")
    bench.fill("[data-desk-say] textarea", "请寄回，运费我们付。")
    bench.select_option("[data-desk-say] select", "accept")
    bench.click("[data-desk-say] button.go")
    bench.wait_for_load_state()
    page.goto(address)
    step(page, words[2])
    page.fill(".p-reply [name=text]", "寄出了")
    page.click(".p-reply button.p-btn")
    expect(page.locator(".p-line")).to_contain_text("寄出了")
    assert standing(house) == before

    warehouse = desk(Role.CLERK, language)
    warehouse.go(f"/console/tickets/{ids.encode('tkt', ticket.pk)}/")
    warehouse.page.click("[data-desk-moves] button[value=receive]")
    warehouse.page.wait_for_load_state()
    page.goto(address)
    step(page, words[3])
    assert standing(house) == before

    agent.go(f"/console/tickets/{ids.encode('tkt', ticket.pk)}/")
    bench.click("[data-desk-refund] summary")
    assert bench.locator(f"[name=line_{order.lines.get(line_no=1).pk}]").input_value() == "100.00"
    bench.click("[data-desk-refund] button:not([name])")
    bench.click("[data-desk-refund] [name=do]")
    bench.wait_for_load_state()
    order.refresh_from_db()
    points, growth, coupon, tier = standing(house)
    assert (order.refunded_cents, coupon, tier) == (10_000, "used", "gold")
    assert (points - before[0], growth - before[1]) == (-110, -100)
    page.goto(address)
    step(page, words[4])
    page.click(".p-stars button[value='5']")
    expect(page.locator("main")).to_contain_text(words[5])
    assert list(Vote.objects.values_list("ticket_id", "score")) == [(ticket.pk, 5)]
    for visit in (phone, agent, warehouse):
        assert visit.troubles == []
