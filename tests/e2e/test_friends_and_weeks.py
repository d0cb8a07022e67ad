"""Invitations, people at bookings, live boards and the weekly routine: clean on desk and phone in both languages."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest

from apps.bookings import people, services
from apps.catalog.models import Product as CatalogProduct
from apps.community.models import Group, LiveCode
from apps.core import clock, ids
from apps.flows import live_week
from apps.flows.live_week import CouponWanted, WeekWanted
from apps.livestream import joining, planning, sales
from apps.orders.models import Order
from apps.referral import services as referral
from apps.stores.models import Role, Staff
from apps.stores.places import StorePlace
from tests.console import world
from tests.console.world import House
from tests.e2e.test_after_sales import desk  # noqa: F401 - fixture
from tests.e2e.test_live import member  # noqa: F401 - fixture
from tests.e2e.visits import Visit, keep
from tests.referral.making import buys, friend_of

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True), pytest.mark.nightly]


@pytest.fixture
def house(transactional_db: None) -> House:
    made, now = world.build(), clock.now()
    mine = made.members["mine"]
    referral.set_program(is_on=True, points=200, friend_points=50)
    for name in ("沈悦悦", "许晴"):
        friend = friend_of(mine, name, at=now)
        referral.came(member_id=friend.pk)
        buys(friend, at=now)
        referral.bought(member_id=friend.pk)
    store = made.stores["mine"]
    StorePlace.objects.create(store=store, hours=[[["10:00", "20:00"]]] * 7)
    planning.add_room(platform="channels", name="门店直播间"), planning.add_host(name="小满")
    Group.objects.create(chat_id="c1", key="g1", name="茶友群", owner="u", made_at=now, seen_at=now, people=120)
    tea = CatalogProduct.objects.create(sku="A100", name="明前龙井礼盒")
    wanted = WeekWanted(
        stream=planning.Wanted(
            title="春茶上新专场", room_id=planning.Room.objects.get().pk, host_id=planning.Host.objects.get().pk,
            starts_at=now + timedelta(hours=2), ends_at=now + timedelta(hours=4), products=[(tea.pk, 5)],
        ),
        coupon=CouponWanted(name="群友专享", name_en="For the groups", cents=3_000, minimum_cents=20_000, most=100, days=7),
        groups=["g1"], stores={store.pk: 2}, service_name="试穿", live_code_id=LiveCode.objects.create(name="海报", state="l1").pk,
        aim_percent=40,
    )  # fmt: skip
    week = live_week.make(wanted=wanted, user=made.users[Role.ADMIN]).week
    services.save_service(service_id=week.service_id, name="试穿", name_en="Try on")
    people.name(
        offer_id=people.Offer.objects.get().pk, people={Staff.objects.get(code="C-clerk").pk: [1, 2, 3, 4, 5, 6, 7]}
    )
    joining.remind(stream_id=week.stream_id, member_id=mine.pk)
    planning.turn(stream_id=week.stream_id, to="live")
    for order in Order.objects.order_by("-pk")[:2]:
        sales.attribute(order_id=order.pk, stream_id=week.stream_id, how="watched", at=clock.now())
    return made


@pytest.mark.parametrize(("width", "language"), list(product((1440, 390), ("zh-hans", "en"))))
def test_the_pages_are_clean_on_desk_and_phone_in_both_languages(
    desk,  # noqa: F811
    member: Callable[..., Visit],  # noqa: F811
    width: int,
    language: str,
) -> None:
    week = live_week.LiveWeek.objects.get()
    stream, round_ = ids.encode("liv", week.stream_id), ids.encode("wek", week.pk)
    service, offer = ids.encode("bks", week.service_id), ids.encode("bko", people.Offer.objects.get().pk)
    staff = {
        "referral": "/console/referral/", "program": "/console/referral/program/", "board": f"/console/live/{stream}/board/",
        "after": f"/console/live/{stream}/after/", "weeks": "/console/weeks/", "week-new": "/console/weeks/new/",
        "week": f"/console/weeks/{round_}/", "service": f"/console/bookings/services/{service}/",
    }  # fmt: skip
    day = clock.local_date(clock.now()) + timedelta(days=1)
    theirs = {
        "invite": "/my/invite/",
        "invited": "/my/invited/",
        "times": f"/my/bookings/at/{offer}/?day={day}",
        "me": "/my/me/",
    }
    at_desk, at_phone = desk(Role.ADMIN, language), member(width=width, language=language)
    at_desk.page.set_viewport_size({"width": width, "height": 900})
    for found, pages in ((at_desk, staff), (at_phone, theirs)):
        for name, path in pages.items():
            found.go(path)
            keep(found.page, name=f"fw-{name}-{width}-{language}")
            found.check()
