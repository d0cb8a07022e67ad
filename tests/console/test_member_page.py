"""The member's page: the stream narrowed by theme with and without a script, and the persona on one page."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.analytics.timeline import THEMES, timeline
from apps.bookings.models import Booking, Offer, Service, Slot
from apps.care.models import Policy
from apps.coupons import issuing
from apps.members import tagging
from apps.members.models import Consent
from apps.stores.models import Role
from apps.tickets import services as tickets
from apps.tickets.models import Ticket
from apps.tickets.services import Actor, NewTicket
from tests.console import world
from tests.console.world import House
from tests.coupons import making
from tests.points.gifts import rich

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def titles(answer) -> list[str]:
    return [entry.title for entry in answer.context["entries"]]


def test_the_stream_is_narrowed_to_one_theme_in_the_page_and_in_the_part(house: House, admin: Client):
    tagging.set_tags(member_id=house.members["mine"].pk, tags=["茶"])
    page, part = (reverse(f"console:{name}", args=[house.member_id("mine")]) for name in ("member", "member_timeline"))

    whole = titles(admin.get(page))
    for theme, count in (
        ("orders", 1),
        ("messages", 1),
        ("stages", 1),
        ("consents", 1),
        ("tags", 1),
        ("behaviour", 0),
        ("identity", 1),
    ):
        in_page = titles(admin.get(page, {"show": theme}))
        in_part = titles(admin.get(part, {"show": theme}, headers={"HX-Request": "true"}))
        assert in_page == in_part
        assert len(in_page) == count, theme
        assert set(in_page) <= set(whole)
    assert titles(admin.get(page, {"show": "no-such-theme"})) == whole


def test_a_message_of_a_journey_leads_to_its_journey(house: House, admin: Client):
    assert house.policy
    Policy.objects.filter(pk=house.policy.pk).update(key="winback.hello")  # as journeys name their steps

    for path in (reverse("console:member", args=[house.member_id("mine")]), reverse("console:messages")):
        assert f'href="{reverse("console:journey_going", args=["winback"])}"' in admin.get(path).content.decode()


def test_points_coupons_requests_and_bookings_stand_in_the_stream_in_words(house: House, admin: Client):
    member, store = house.members["mine"], house.stores["mine"]
    rich(member, 1_200)
    coupon = making.template()
    issuing.issue(member_id=member.pk, template_id=coupon.pk, source="t:1", channel="api")
    for number, at in enumerate(("mine", "far")):
        wanted = NewTicket(
            source=f"t:{number}", member_id=member.pk, kind="complaint", title=f"太吵{at}", text="太吵",
            store_id=house.stores[at].pk,
        )  # fmt: skip
        ticket = tickets.open_ticket(wanted, by=Actor("member"))
    Ticket.objects.filter(pk=ticket.pk).update(state="resolved", ended_at=NOON, due_at=None)
    offer = Offer.objects.create(service=Service.objects.create(name="皮肤测试"), store=store)
    slot = Slot.objects.create(offer=offer, starts_at=NOON, ends_at=NOON + timedelta(hours=1), capacity=1)
    Booking.objects.create(slot=slot, member=member, state="booked", source="t")
    page = reverse("console:member", args=[house.member_id("mine")])

    def shown(client: Client, theme: str) -> set[str]:
        return set(titles(client.get(page, {"show": theme})))

    assert shown(admin, "points") == {"积分 +1,200：获得"}
    assert shown(admin, "coupons") == {"优惠券“券thirty”：已发放"}
    assert shown(admin, "service") == {
        "服务申请：投诉", "服务申请结束：投诉，已解决", "预约“皮肤测试”：已预约",
    }  # fmt: skip
    assert timeline(member_id=member.pk, kinds=THEMES["service"], size=3).older

    marketer, manager = Client(), Client()
    world.enter(marketer, house.users[Role.MARKETER])
    assert shown(marketer, "service") == {"预约“皮肤测试”：已预约"}  # what people complain of is not their business
    world.enter(manager, house.users[Role.MANAGER])
    seen = manager.get(page, {"show": "service"}).content.decode()
    assert ("太吵mine" in seen, "太吵far" in seen) == (True, False)


def test_the_next_piece_keeps_the_theme_and_holds_no_buttons(house: House, admin: Client):
    member = house.members["mine"]
    Consent.objects.bulk_create(
        Consent(member=member, purpose="care", channel="inbox", is_granted=True, source="t", text_version="1", at=NOON)
        for _ in range(40)
    )
    part = reverse("console:member_timeline", args=[house.member_id("mine")])
    first = admin.get(part, {"show": "consents"}, headers={"HX-Request": "true"})
    rest = admin.get(part, {"show": "consents", "at": first.context["older"]}, headers={"HX-Request": "true"})

    assert (len(titles(first)), len(titles(rest))) == (30, 11)
    assert "c-themes" in first.content.decode()
    assert "c-themes" not in rest.content.decode()


def test_who_opens_a_part_without_a_script_gets_the_page(house: House, admin: Client):
    part = reverse("console:member_timeline", args=[house.member_id("mine")])

    answer = admin.get(part, {"show": "tags"})

    assert (answer.status_code, answer["Location"]) == (
        302, f"/console/members/{house.member_id('mine')}/?show=tags#timeline",
    )  # fmt: skip


def test_the_persona_stands_on_the_page_with_home_region_and_habits(house: House, admin: Client):
    page = admin.get(reverse("console:member", args=[house.member_id("mine")])).content.decode()

    persona = page.split('id="persona"')[1].split("</section>")[0]
    assert "武康路店" in persona
    assert "华东" in page
