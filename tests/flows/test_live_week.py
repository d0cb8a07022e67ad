"""The weekly routine: all parts in one act or none, and a report that shows every step and who came all the way."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.bookings import services as bookings
from apps.bookings import slots
from apps.bookings.models import Offer, Service
from apps.community.models import Contact, Follow, Group, GroupMember, LiveCode
from apps.core import clock, ids
from apps.core.errors import DomainError, NotFound
from apps.core.models import Approval, User
from apps.coupons import issuing
from apps.coupons.models import Coupon, Template, Use
from apps.flows import live_week, live_week_report, shopper
from apps.flows.live_week import CouponWanted, Made, WeekWanted
from apps.flows.models import LiveWeek
from apps.livestream import joining, planning
from apps.livestream.models import Stream, Window
from apps.members.models import Member
from apps.orders import services as orders
from apps.stores.models import Role, Staff, Store
from apps.stores.places import StorePlace
from tests.console.world import enter
from tests.livestream.making import wanted
from tests.referral.making import member

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVENING = NOON + DAY + 8 * HOUR


@pytest.fixture
def marketer(db: None) -> User:
    user = User.objects.create_user("market")
    Staff.objects.create(user=user, code="M1", name="市场", role=Role.MARKETER)
    return user


@pytest.fixture
def asked(marketer: User) -> WeekWanted:
    """A group, a live code and a store that is always open."""
    Group.objects.create(chat_id="c1", key="group-c1", name="茶友群", owner="u", made_at=NOON, seen_at=NOON)
    store = Store.objects.create(code="S1", name="一店")
    StorePlace.objects.create(store=store, hours=[[["10:00", "20:00"]]] * 7)
    return WeekWanted(
        stream=wanted(at=EVENING),
        coupon=CouponWanted(name="群友专享", cents=3_000, minimum_cents=20_000, most=100, days=7, minutes_after=10),
        groups=["group-c1"], stores={store.pk: 2}, service_name="试穿", service_minutes=30,
        live_code_id=LiveCode.objects.create(name="海报", state="lc-1").pk, aim_percent=40,
    )  # fmt: skip


def make(asked: WeekWanted, user: User) -> Made:
    with clock.frozen(NOON + timedelta(milliseconds=700)):  # WeCom tells whole seconds
        return live_week.make(wanted=asked, user=user)


def test_all_parts_are_made_at_once_and_belong_together(asked: WeekWanted, marketer: User) -> None:
    week = make(asked, marketer).week
    assert week.template.version is not None
    assert week.template.version.terms["groups"] == ["group-c1"]
    assert list(Window.objects.values_list("stream", "coupon", "minutes_after")) == [
        (week.stream_id, week.template.key, 10)
    ]
    assert list(Offer.objects.values_list("service__name", "store", "capacity")) == [("试穿", week.stores[0], 2)]
    assert (week.template.opens_at, week.template.closes_at) == (EVENING, EVENING + 2 * HOUR)


def test_a_part_that_is_refused_leaves_none_of_the_others(asked: WeekWanted, marketer: User) -> None:
    make(asked, marketer)
    before = [model.objects.count() for model in (Stream, Template, Service, Offer, LiveWeek)]
    later = replace(asked.stream, starts_at=EVENING + DAY, ends_at=EVENING + DAY + HOUR)
    for wrong in (
        asked,  # the room is taken
        replace(asked, stream=later, groups=["no-such-group"]),
        replace(asked, stream=later, stores={999_999: 1}),
        replace(asked, stream=later, service_id=999_999),
        replace(asked, stream=later, coupon=replace(asked.coupon, cents=30_000)),  # more off than the order has to be
    ):
        with pytest.raises(DomainError):
            make(wrong, marketer)
        assert [model.objects.count() for model in (Stream, Template, Service, Offer, LiveWeek)] == before
    with pytest.raises(NotFound):
        make(replace(asked, stream=later, groups=[]), marketer)


def test_a_coupon_that_could_cost_too_much_waits_for_a_second_person(asked: WeekWanted, marketer: User) -> None:
    made = make(replace(asked, coupon=replace(asked.coupon, most=100_000)), marketer)
    assert made.approval_id == Approval.objects.get().pk
    assert made.week.template.version is None


def contact(who: Member, code_id: int) -> None:
    row = Contact.objects.create(external_userid=f"w{who.pk}", member=who, first_at=NOON, seen_at=NOON)
    Follow.objects.create(contact=row, userid="u", code_id=code_id, since_at=NOON, seen_at=NOON)
    group = Group.objects.get()
    GroupMember.objects.create(group=group, who=row.external_userid, contact=row, joined_at=NOON + HOUR)


def redeems(held: Coupon, who: Member, store_id: int) -> None:
    order = orders.record(
        source="till", order_no=str(held.pk), member_id=who.pk, lines=[], total_cents=17_000, store_id=store_id
    )
    Use.objects.create(
        coupon=held, template=held.template, member=who, state="done", source=str(held.pk), order=order, store_id=store_id,
        done_at=clock.now(),
    )  # fmt: skip
    orders.mark_paid(order_id=order.pk)


def goes_all_the_way(who: Member, week: LiveWeek) -> None:
    """From the code to the till, by the rules of every part."""
    assert week.live_code_id
    contact(who, week.live_code_id)
    with clock.frozen(NOON + HOUR):
        joining.remind(stream_id=week.stream_id, member_id=who.pk)
    with clock.frozen(EVENING + HOUR / 2):
        held = issuing.claim(shopper=shopper.shopper_of(who.pk), template_id=week.template_id, source=f"t{who.pk}")
        of = Offer.objects.select_related("service", "store").get()
        day = clock.local_date(EVENING + DAY)
        starts_at = slots.of_day(of, day=day, moment=clock.now())[0].starts_at
        row = bookings.book(offer_id=of.pk, starts_at=starts_at, member_id=who.pk, source=f"b{who.pk}")
    with clock.frozen(EVENING + DAY):
        bookings.arrive(booking_id=row.pk)
        redeems(Coupon.objects.get(pk=held.coupon_id), who, week.stores[0])


def test_the_report_shows_every_step_who_came_all_the_way_and_the_groups_share(
    asked: WeekWanted, marketer: User, run_flows: Any, client: Client
) -> None:
    week = make(asked, marketer).week
    one, two, stranger = member("一"), member("二"), member("外人")
    with clock.frozen(EVENING):
        planning.turn(stream_id=week.stream_id, to="live")
        run_flows()
    with pytest.raises(DomainError), clock.frozen(EVENING + HOUR / 2):
        issuing.claim(shopper=shopper.shopper_of(stranger.pk), template_id=week.template_id, source="x")
    goes_all_the_way(one, week)
    contact(two, week.live_code_id or 0)  # comes into the group, and does no more
    with clock.frozen(EVENING + DAY):
        joining.remind(stream_id=week.stream_id, member_id=stranger.pk)
        order = orders.record(source="shop", order_no="s", member_id=stranger.pk, lines=[], total_cents=8_000)
        orders.mark_paid(order_id=order.pk)
        run_flows()
        week.stream.refresh_from_db()
        found = live_week_report.report(week, moment=EVENING + 2 * DAY)
    assert {step.key: (step.people, step.through) for step in found.steps} == {
        "came": (2, 2), "joined": (2, 2), "asked": (2, 1), "reminded": (0, 0), "watched": (0, 0), "claimed": (1, 0),
        "booked": (1, 0), "tried": (1, 0), "redeemed": (1, 0),
    }  # fmt: skip
    assert (found.orders, found.net_cents, found.all_cents, found.group_cents) == (1, 17_000, 25_000, 17_000)
    assert found.share == 0.68
    enter(client, marketer)
    page = client.get(reverse("console:week", args=[ids.encode("wek", week.pk)])).content.decode()
    assert "68.0%" in page
    assert "茶友群" in page


def test_one_form_makes_the_round_and_says_what_is_wrong(asked: WeekWanted, marketer: User, client: Client) -> None:
    enter(client, marketer)
    page, store = reverse("console:week_new"), next(iter(asked.stores))
    tomorrow = clock.local_date(clock.now()) + DAY
    form = {
        "title": "春茶专场", "room": asked.stream.room_id, "host": asked.stream.host_id, "starts": f"{tomorrow}T20:00",
        "minutes": 120, "coupon_name": "群友专享", "off": "30", "minimum": "200", "most": 100, "valid_days": 7,
        "minutes_after": 10, "groups": ["group-c1"], "live_code": asked.live_code_id, "service_name": "试穿",
        "service_minutes": 30, "stores": [store], "at_once": 2, "aim": 40,
    }  # fmt: skip
    for wrong in ({"groups": []}, {"off": "x"}, {"service_name": ""}, {"off": "300"}):
        answer = client.post(page, form | wrong)
        assert (answer.status_code, LiveWeek.objects.count(), Stream.objects.count()) == (422, 0, 0), wrong
    assert client.post(page, form).status_code == 302
    made = LiveWeek.objects.get()
    assert (made.aim_percent, made.groups, made.stores) == (40, ["group-c1"], [store])
    assert "春茶专场" in client.get(reverse("console:weeks")).content.decode()
