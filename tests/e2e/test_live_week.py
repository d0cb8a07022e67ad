"""W-34 in real browsers: one form makes the round; then live code → contact → group → reminder → the groups' coupon claimed in the
stream → try-on booked → redeemed at the counter; the report shows every step."""

import pytest
from django.conf import settings
from django.core import signing
from playwright.sync_api import expect

from apps.bookings.models import Booking
from apps.community import callbacks, codes, syncing
from apps.community.models import Contact, Group, GroupMember
from apps.core import clock, ids
from apps.coupons.models import Coupon, Use
from apps.flows.models import LiveWeek
from apps.gateways import wecom_inbox
from apps.gateways.simulator.wechat_rules import unionid
from apps.livestream import planning
from apps.livestream.models import Sale
from apps.members import identities
from apps.members.models import Identity
from apps.stores import tills
from apps.stores.models import Role
from apps.stores.places import StorePlace
from tests.community.conftest import LIN, WHOLE_WEEK, WeCom
from tests.console.world import House
from tests.counter.conftest import open_shop
from tests.e2e.conftest import Open
from tests.e2e.portal_walk import log_in
from tests.e2e.test_after_sales import desk  # noqa: F401 - fixture
from tests.e2e.test_counter import Gun
from tests.e2e.visits import keep
from tests.processes import LiveWorker, Simulator
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True), pytest.mark.nightly]


def hear(wecom: WeCom) -> None:
    """What the platform tells comes in."""
    for request in wecom.wecom_told("callbacks", at=clock.now().isoformat())["requests"]:
        wecom_inbox.take(request["query"], request["body"].encode())
    callbacks.take_all()


def test_the_week_runs_from_the_live_code_to_the_till_and_the_report_shows_every_step(
    open_page: Open,
    desk,  # noqa: F811
    house: House,
    simulator: Simulator,
    live_worker: LiveWorker,
) -> None:
    live_worker.start(concurrency=1)
    shop = open_shop(clock.now(), house)
    store, mine = house.stores["mine"], house.members["mine"]
    StorePlace.objects.create(store=store, hours=[[["00:00", "24:00"]]] * 7)
    planning.add_room(platform="channels", name="门店直播间"), planning.add_host(name="小满")
    wecom = WeCom(simulator.url)
    syncing.take_staff([LIN], moment=clock.now())
    shift = {"days": WHOLE_WEEK, "from": "00:00", "until": "23:59", "users": [LIN]}
    code = codes.create(name="店门海报", shifts=[shift])
    identities.add_identity(member_id=mine.pk, kind=Identity.Kind.UNIONID, value=unionid("mine"))
    chat_id = wecom.do("chats", name="茶友群", owner=LIN)["chat_id"]
    hear(wecom)

    # the community manager makes the round with one form
    office = desk(Role.MARKETER, "zh-hans")
    page = office.page
    office.go("/console/weeks/new/")
    page.get_by_label("标题").fill("春茶专场")
    page.get_by_label("券名称").first.fill("群友专享")
    page.get_by_label("减多少").fill("30")
    page.get_by_label("茶友群").check()
    page.get_by_label("引流活码").select_option(label="店门海报")
    page.get_by_label("新服务名称").fill("试穿")
    page.get_by_label(store.name).check()
    keep(page, name="week-new")
    page.get_by_role("button", name="一次建好").click()
    page.wait_for_url(lambda address: "/weeks/wek_" in address)
    week = LiveWeek.objects.get()
    report = page.url

    # a customer comes by the live code, then into the group; the member behind is known by WeChat
    wecom.do("add", userid=LIN, state=code.state, person="mine")
    hear(wecom)
    wecom.do("join", chat_id=chat_id, person="mine")
    hear(wecom)
    assert Contact.objects.get(member=mine).first_at
    assert GroupMember.objects.filter(group__chat_id=chat_id, contact__member=mine, left_at=None).exists()
    assert Group.objects.get().key in week.groups

    # their phone: reminder; the stream goes on air; coupon; booking
    phone = open_page(language="zh-hans")
    log_in(phone, simulator, path="/my/live/")
    phone.page.get_by_role("button", name="预约提醒").click()
    expect(phone.page.get_by_role("button", name="已预约提醒")).to_be_visible()
    office.go(f"/console/live/{ids.encode('liv', week.stream_id)}/")
    page.get_by_role("button", name="开播").click()
    page.wait_for_load_state()
    office.go(f"/console/live/{ids.encode('liv', week.stream_id)}/board/")
    expect(page.locator("[data-fig=reminded]")).to_have_text("1")
    until(lambda: is_open(week))
    phone.go("/my/coupons/centre/")
    phone.page.locator(".p-cp", has_text="群友专享").get_by_role("button").click()
    phone.page.wait_for_url("**/my/coupons/")
    coupon = Coupon.objects.get(template=week.template)
    assert coupon.member_id == mine.pk
    expect(page.locator("[data-fig=claims]")).to_have_text("1", timeout=15_000)
    keep(page, name="week-board")

    phone.go("/my/bookings/")
    phone.page.locator("a.p-li", has_text="试穿").first.click()
    phone.page.get_by_role("button", name="预约").first.click()
    phone.page.wait_for_url("**/my/bookings/")
    booking = Booking.objects.select_related("slot").get(member=mine)

    # in the store: they have come, the till takes the coupon
    clerk = desk(Role.CLERK, "zh-hans")
    clerk.go(f"/console/bookings/?day={clock.local_date(booking.slot.starts_at)}")
    clerk.page.get_by_role("button", name="已到店").click()
    clerk.page.wait_for_load_state()
    till = open_page(width=360, language="zh-hans")
    secret = signing.dumps(shop.secret, salt=tills.SALT)
    place = till.home + tills.PATH
    names = {tills.COOKIE: secret, settings.LANGUAGE_COOKIE_NAME: "zh-hans"}
    till.page.context.add_cookies([{"name": name, "value": value, "url": place} for name, value in names.items()])
    phone.go("/my/code/")
    till.go("/counter/")
    till.page.locator("#amount").fill("268")
    Gun(till.page).scan("".join(phone.page.locator(".p-code i").all_text_contents()))
    till.page.wait_for_selector("[data-screen=member]")
    chosen = till.page.locator(f"[data-coupons='{coupon.pk}']")
    if chosen.get_attribute("aria-checked") != "true":
        chosen.click()
    till.page.locator("#receipt").fill("W34-1")
    till.page.locator("#take").click()
    till.page.wait_for_selector("[data-screen=ok]")
    assert Use.objects.get(coupon=coupon).saved_cents == 3_000
    until(lambda: Sale.objects.filter(stream=week.stream, how="coupon").exists())

    office.go(report.removeprefix(office.home))
    rows = page.locator("table tbody tr")
    shown = {row[0]: row[1] for row in (line.split("\t") for line in rows.all_inner_texts())}
    assert {label: shown[label] for label in STEPS} == dict.fromkeys(STEPS, "1")
    office.check()
    keep(page, name="week-report")


STEPS = ("由活码而来", "在群里", "预约提醒人数", "领了券", "预约试穿", "到了店", "到店核销")


def is_open(week: LiveWeek) -> bool:
    week.template.refresh_from_db()
    return week.template.opens_at is not None and week.template.opens_at <= clock.now()
