"""The service desk in a real browser: a ticket answered by keyboard alone; the pages clean on desk and phone in both languages."""

from itertools import product

import pytest
from playwright.sync_api import expect

from apps.core import ids
from apps.orders import services as orders
from apps.stores.models import Role
from apps.tickets import assigning, automations, macros
from apps.tickets import services as tickets
from apps.tickets.models import Message, Ticket
from tests.console import world
from tests.console.world import House
from tests.e2e.test_codes import enter  # noqa: F401 - fixture
from tests.e2e.test_console import Open
from tests.e2e.visits import NO_SOCKET, keep

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
MEMBER = tickets.Actor("member")


@pytest.fixture
def house(transactional_db: None) -> House:
    made = world.build()
    member, store = made.members["mine"].pk, made.stores["mine"].pk
    order = orders.record(
        source="desk", order_no="D1", member_id=member, total_cents=9_900, store_id=store,
        lines=[orders.NewLine(product_id=None, total_cents=9_900)],
    )  # fmt: skip
    orders.mark_paid(order_id=order.pk)
    for number, (kind, title, text) in enumerate((
        ("refund", "少发了一包花茶", "订单里两包茉莉花茶只收到一包，能退一包的钱吗？"),
        ("question", "积分什么时候到账", "上周买的，积分还没看到。"),
        ("complaint", "收银排队太久", "周六下午等了半个小时才结账。"),
    )):  # fmt: skip
        tickets.open_ticket(
            tickets.NewTicket(
                source=f"e:{number}", member_id=member, kind=kind, title=title, text=text, store_id=store,
                line_ids=[order.lines.get().pk] if kind == "refund" else (),
            ),
            by=MEMBER,
        )  # fmt: skip
    first = Ticket.objects.get(source="e:0")
    agent = made.users[Role.AGENT].staff.pk
    assigning.take(ticket_id=first.pk, staff_id=agent)
    by = tickets.Actor("agent", agent)
    tickets.say(ticket_id=first.pk, by=by, text="您好，马上为您核对。", source="e:answer")
    tickets.say(ticket_id=first.pk, by=by, text="仓库说当天少装一包。", source="e:note", is_internal=True)
    tickets.change(ticket_id=first.pk, values={"priority": 1, "tags": ["少件", "花茶"]}, by=by)
    reply = [{"kind": "reply", "text": "{{ nickname }}您好，已收到，请稍候。"}]
    macros.save(macro_id=None, name="请稍候", kinds=[], actions=[*reply, {"kind": "tag", "add": ["已安抚"]}])
    automations.save(
        automation_id=None, name="投诉加急", trigger="opened", conditions=[{"kind": "kind", "values": ["complaint"]}],
        actions=[{"kind": "priority", "value": 1}],
    )  # fmt: skip
    return made


def test_an_agent_answers_by_keyboard_alone(enter: Open, house: House):  # noqa: F811
    found = enter(Role.AGENT, width=1440, language="zh-hans")
    page = found.page
    page.add_init_script(NO_SOCKET)
    found.go("/console/tickets/?show=all")
    page.keyboard.press("?")
    expect(page.locator("#desk-keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[name=ticket]:checked")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/tickets/tkt_*/**")
    page.keyboard.press("r")
    page.keyboard.type("/")
    page.keyboard.type("稍候")
    page.keyboard.press("Enter")
    expect(page.locator("#id_text")).to_have_value("沈mine您好，已收到，请稍候。")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".c-thread .us").last).to_contain_text("已收到，请稍候。")
    assert Message.objects.latest("pk").text == "沈mine您好，已收到，请稍候。"
    found.check()


@pytest.mark.nightly
@pytest.mark.parametrize(("width", "language"), list(product((1440, 390), ("zh-hans", "en"))))
def test_the_pages_are_clean_on_desk_and_phone_in_both_languages(
    enter: Open,  # noqa: F811
    house: House,
    width: int,
    language: str,
):
    key = ids.encode("tkt", Ticket.objects.get(source="e:0").pk)
    start = "/console/tickets/"
    pages = {
        "queue": f"{start}?show=all", "ticket": f"{start}{key}/?queue=all", "rules": f"{start}rules/",
        "macro": f"{start}rules/macro/new/", "automation": f"{start}rules/automation/new/", "people": f"{start}people/",
        "figures": f"{start}figures/", "empty": f"{start}?show=vip",
    }  # fmt: skip
    found = enter(Role.ADMIN, width=width, language=language)
    found.page.add_init_script(NO_SOCKET)
    for name, path in pages.items():
        found.go(path)
        found.check()
        keep(found.page, name=f"desk-{name}-{width}-{language}")
