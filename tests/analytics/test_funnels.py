"""Funnels: each step as planted, stores that add up, figures that lead to exactly their rows day by day; moves between stages."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.activity.models import Event
from apps.analytics import rollup
from apps.analytics.study import counting, funnels
from apps.care.models import Touch
from apps.catalog.models import Product
from apps.coupons.models import Coupon
from apps.gateways.models import InboxMessage
from apps.livestream.models import Sale, Subscription, Viewer
from apps.members.models import Member
from apps.orders import services as orders
from apps.orders.models import Order
from apps.segments.models import MemberStats, StageChange
from apps.stores.models import Role
from tests.console import world
from tests.console.conftest import NOON
from tests.console.world import House
from tests.coupons import making as coupon_making
from tests.livestream import making as live_making

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
SPAN = {"first": date(2026, 10, 25), "last": date(2026, 11, 21)}  # the 28 days before NOON
At = Callable[..., Client]


def buy(house: House, where: str, at: datetime, *, product: Product | None = None) -> Order:
    row = orders.record(
        source="pos", order_no=f"F-{Order.objects.count()}", member_id=house.members[where].pk, total_cents=500,
        lines=[orders.NewLine(product_id=product.pk if product else None, total_cents=500)],
        store_id=house.stores[where].pk, created_at=at,
    )  # fmt: skip
    return orders.mark_paid(order_id=row.pk, paid_at=at)


def touch(house: House, where: str, at: datetime, *, channel: str, state: str) -> Touch:
    return Touch.objects.create(
        policy=house.policy, version=house.policy.versions.get(), member=house.members[where],  # type: ignore[union-attr]
        occurrence=f"f:{Touch.objects.count()}", channel=channel, state=state, decided_at=at, settled_at=at,
    )  # fmt: skip


def looked(house: House, where: str, name: str, at: datetime, sku: str) -> None:
    Event.objects.create(
        occurred_at=at, received_at=at, event_id=uuid4(), name=name, member=house.members[where], source="portal",
        properties={"sku": sku},
    )  # fmt: skip


@pytest.fixture
def house(clock: Callable[[datetime], datetime], db: None) -> House:
    clock(NOON)
    return world.build(NOON)


@pytest.fixture
def counted(house: House) -> House:
    """Two join in `mine` and one in `far`; messages, coupons, a stream and a product with known outcomes."""
    for number, (where, source, bought) in enumerate(
        [("mine", "code:abcd", 2), ("mine", "code:efgh", 1), ("far", "portal", 0), ("mine", "portal", 0)]
    ):
        member = Member.objects.create(
            member_no=f"NEW-{where}-{number}", nickname=f"新{where}", source=source, home_store=house.stores[where],
            joined_at=NOON - (number + 2) * DAY,
        )  # fmt: skip
        MemberStats.objects.create(member=member, orders=bought, as_of=NOON)
    gone = Member.objects.create(
        member_no="GONE", source="portal", joined_at=NOON - DAY, status="merged", merged_into=house.members["mine"]
    )
    assert gone.merged_into_id

    week = NOON - 7 * DAY
    touch(house, "mine", week, channel="sms", state="sent")
    touch(house, "mine", NOON - 20 * DAY, channel="sms", state="delivered")  # too early for the order
    touch(house, "near", week, channel="sms", state="failed")
    touch(house, "far", week, channel="sms", state="held_out")
    read = touch(house, "far", week, channel="inbox", state="delivered")
    InboxMessage.objects.create(
        member_id=house.members["far"].pk,
        key=f"touch:{read.pk}",
        title="t",
        body="b",
        created_at=week,
        read_at=NOON - DAY,
    )
    product = Product.objects.create(sku="P-1", name="羊绒围巾")
    bought = buy(house, "mine", NOON - 2 * DAY, product=product)

    thirty = coupon_making.template("thirty", per_member=None)
    for state in ("ready", "used", "used", "expired"):
        coupon_making.coupon(
            thirty, house.members["mine"], state=state, issued_at=week, channel="staff", store=house.stores["mine"]
        )
    coupon_making.coupon(thirty, house.members["far"], state="used", issued_at=week, channel="centre")
    Coupon.objects.create(
        template=thirty, version=thirty.version, state="unclaimed", channel="code", code="X", issued_at=week
    )

    stream = live_making.stream("围巾专场", now=NOON - 10 * DAY, at=NOON - 5 * DAY)
    for where in ("mine", "near"):
        Subscription.objects.create(stream=stream, member=house.members[where])
    for where in ("mine", "far"):
        Viewer.objects.create(stream=stream, member=house.members[where], first_at=NOON, last_at=NOON)
    Sale.objects.create(order=bought, stream=stream, how="file", at=NOON)

    for hour in (0, 1):  # twice on a day is once
        looked(house, "mine", "product_viewed", NOON - 3 * DAY + timedelta(hours=hour), "P-1")
    looked(house, "mine", "product_viewed", NOON - DAY, "P-1")  # after the order
    looked(house, "far", "product_viewed", NOON - 3 * DAY, "P-1")
    looked(house, "mine", "added_to_cart", NOON - 3 * DAY + timedelta(hours=2), "P-1")

    StageChange.objects.create(
        member=house.members["mine"], before="new", after="active", cause="order", at=NOON - 3 * DAY, recorded_at=NOON
    )
    rollup.roll_up(moment=NOON)
    funnels.refresh(moment=NOON)
    return house


def parts(house: House, funnel: str, *where: str) -> dict[str, tuple[int, ...]]:
    stores = [house.stores[one].pk for one in where] or None
    return funnels.parts(funnel, store_ids=stores, **SPAN)


def test_steps_are_those_that_were_planted(counted: House):
    stream = str(Sale.objects.get().stream_id)
    assert parts(counted, "members") == {"code": (2, 2, 1, 0, 0), "portal": (2, 0, 0, 0, 0)}
    assert parts(counted, "members", "mine") == {"code": (2, 2, 1, 0, 0), "portal": (1, 0, 0, 0, 0)}
    assert parts(counted, "messages") == {"sms": (3, 2, 1, 0, 1), "inbox": (1, 1, 1, 1, 0)}
    assert parts(counted, "messages", "far") == {"inbox": (1, 1, 1, 1, 0)}
    assert parts(counted, "coupons") == {"staff": (4, 4, 2, 0, 0), "centre": (1, 1, 1, 0, 0), "code": (1, 0, 0, 0, 0)}
    assert parts(counted, "coupons", "far") == {"centre": (1, 1, 1, 0, 0)}
    assert parts(counted, "streams") == {stream: (3, 2, 2, 1, 0)}
    assert parts(counted, "streams", "near") == {stream: (1, 1, 0, 0, 0)}
    assert parts(counted, "products") == {"P-1": (3, 1, 1, 0, 0)}
    assert parts(counted, "products", "mine") == {"P-1": (2, 1, 1, 0, 0)}
    moves = funnels.moves(store_ids=None, **SPAN)
    assert moves == {("active", "lapsing"): 3, ("new", "active"): 1}
    assert funnels.moves(store_ids=[counted.stores["far"].pk], **SPAN) == {("active", "lapsing"): 1}


def test_a_second_count_changes_nothing(counted: House):
    before = {funnel: parts(counted, funnel) for funnel in funnels.FUNNELS}
    rows = funnels.refresh(moment=NOON)
    assert rows == sum(1 for _ in funnels.FunnelDay.objects.all())
    assert {funnel: parts(counted, funnel) for funnel in funnels.FUNNELS} == before


def boxes(page: Any) -> dict[str, list[tuple[str, str]]]:
    return {
        chart.key: [(box.text, box.href) for _name, _more, row in chart.rows for box in row if box.href]
        for chart in page.context["charts"]
    }


def rows_behind(client: Client, href: str) -> tuple[int, int, str]:
    """The figure as the list says it, its rows over all of its days, and everything that was said."""
    page = client.get(href)
    count, bodies, rows = page.context["count"], page.content.decode(), 0
    if page.context["days"] is None:
        return count, len(page.context["rows"]), bodies
    for day, _text, _chosen in page.context["days"]:
        one = client.get(f"{href}&on={day}")
        rows += len(one.context["rows"])
        assert len(client.get(one.context["csv_url"]).content.decode().splitlines()) == len(one.context["rows"]) + 1
        bodies += one.content.decode()
    return count, rows, bodies


@pytest.mark.parametrize(("role", "stores"), [(Role.ANALYST, ("mine", "near", "far")), (Role.MANAGER, ("mine",))])
def test_each_figure_leads_to_its_rows_within_the_readers_stores(counted: House, role: str, stores: tuple[str, ...]):
    client = Client()
    world.enter(client, counted.users[role])
    page = client.get(reverse("console:analysis_funnels"))
    seen = set()
    for chart, found in boxes(page).items():
        for text, href in found:
            count, rows, body = rows_behind(client, href)
            assert int(text.split(" ")[0]) == count == rows, href
            for where in {"mine", "near", "far"} - set(stores):
                assert f"{where}<" not in body
                assert counted.stores[where].name not in body
            seen.add(chart)
    assert seen == {*funnels.FUNNELS, "stages"}


def test_the_page_counts_nothing_itself(counted: House):
    client = Client()
    world.enter(client, counted.users[Role.ADMIN])
    address = reverse("console:analysis_funnels")
    client.get(address)
    with CaptureQueriesContext(connection) as caught:
        client.get(address)
    assert len(caught) <= 26
    big = ("orders_order", "care_touch", "coupons_coupon", "activity_event", "segments_stagechange")
    assert not [one["sql"] for one in caught if any(table in one["sql"] for table in big)]
    assert counting.as_of(funnels.NAME) == NOON


@pytest.mark.parametrize(
    ("box", "asked"),
    [
        ("funnel", {"funnel": "x", "part": "sms", "step": "1"}),
        ("funnel", {"funnel": "members", "part": "code", "step": "4"}),
        ("funnel", {"funnel": "members", "part": "code"}),
        ("stages", {"before": "x", "after": "lost"}),
    ],
)
def test_steps_that_do_not_exist_are_not_found(counted: House, box: str, asked: dict[str, str]):
    client = Client()
    world.enter(client, counted.users[Role.ADMIN])
    assert client.get(reverse("console:analysis_rows", args=[box]), asked).status_code == 404
