"""How orders and members are spread, the ways they go, and before and after a day: as planted, against slow sums, within stores."""

import random
import statistics
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.activity.models import Event
from apps.analytics.models import DailyFigure, OrderCredit
from apps.analytics.rollup import ROLLED
from apps.analytics.study import before_after, paths, spreads, worth
from apps.catalog.models import Category, Product
from apps.console.studies.spreads import classes
from apps.core import clock as house_clock
from apps.members.models import Member
from apps.orders import services as orders
from apps.orders.models import Order
from apps.segments.models import MemberStats, Prediction
from apps.stores.models import Role
from tests.console import world
from tests.console.conftest import NOON
from tests.console.test_predictions import version
from tests.console.world import House

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
TODAY = date(2026, 11, 22)


@pytest.fixture
def house(clock: Callable[[datetime], datetime], db: None) -> House:
    clock(NOON)
    return world.build(NOON)


def buy(
    member: Member,
    at: datetime,
    cents: int,
    *,
    channel: str = "store",
    product: Product | None = None,
    store: Any = None,
) -> Order:
    row = orders.record(
        source="pos", order_no=f"W-{Order.objects.count()}", member_id=member.pk, total_cents=cents, channel=channel,
        lines=[orders.NewLine(product_id=product.pk if product else None, total_cents=cents)],
        store_id=(store or member.home_store).pk, created_at=at,
    )  # fmt: skip
    return orders.mark_paid(order_id=row.pk, paid_at=at)


def place(value: float, edges: tuple[int, ...]) -> int:
    """The slow way: the last edge that is not above."""
    return max(n for n, edge in enumerate(edges) if edge <= value)


def client_of(house: House, role: str) -> Client:
    client = Client()
    world.enter(client, house.users[role])
    return client


@pytest.fixture
def spread(house: House) -> House:
    """Members with orders of all sizes and ages; edges of classes among them."""
    dice = random.Random(5)
    Order.objects.update(store=None)
    MemberStats.objects.update(orders=0, last_order_at=None)
    wool = Product.objects.create(sku="P-1", name="围巾", category=Category.objects.create(name="针织"))
    for number in range(24):
        where = dice.choice(["mine", "near", "far"])
        member = Member.objects.create(
            member_no=f"NO-{where}-{number}",
            nickname=f"程{where}",
            home_store=house.stores[where],
            joined_at=NOON - 400 * DAY,
        )
        times = sorted(NOON - timedelta(seconds=dice.randint(60, 60 * 86_400)) for _ in range(dice.randint(1, 5)))
        for at in times:
            buy(
                member, at, dice.choice([4_999, 5_000, 79_999, 80_000, 600_000]), channel=dice.choice(["store", "mini-program"]),
                product=dice.choice([wool, None]),
            )  # fmt: skip
        gaps = [(after - before) / DAY for before, after in pairwise(times)]
        MemberStats.objects.create(
            member=member, orders=len(times), net_cents=1_000 * number, first_order_at=times[0], last_order_at=times[-1],
            gap_median_days=statistics.median(gaps) if gaps else None, as_of=NOON,
        )  # fmt: skip
        for _ in range(dice.randint(0, 8)):
            at = NOON - timedelta(seconds=dice.randint(60, 35 * 86_400))
            Event.objects.create(
                occurred_at=at,
                received_at=at,
                event_id=uuid4(),
                name="page_viewed",
                member=member,
                source="portal",
                properties={},
            )
    refunded = Order.objects.filter(store__isnull=False).first()
    assert refunded
    orders.refund(order_id=refunded.pk, source="r", refunded_at=NOON)
    spreads.refresh(moment=NOON)
    return house


@pytest.mark.parametrize("where", [None, "mine"])
def test_classes_hold_what_a_slow_count_puts_there(spread: House, where: str | None):
    stores = [spread.stores[where].pk] if where else None
    first, last = TODAY - 28 * DAY, TODAY - DAY
    wanted: Counter[tuple[int, int]] = Counter()
    for row in Order.objects.filter(**({"store_id": stores[0]} if stores else {})):
        net = row.total_cents - row.refunded_cents
        if net and row.paid_at and first <= house_clock.local_date(row.paid_at) <= last:
            wanted[place(net, spreads.EDGES["value"]), 0] += 1
    found = spreads.found("value", store_ids=stores, first=first, last=last)
    assert {key: count for key, (count, _cents) in found.items()} == wanted

    rfm: Counter[tuple[int, int]] = Counter()
    gaps: Counter[tuple[int, int]] = Counter()
    active: Counter[tuple[int, int]] = Counter()
    begin = house_clock.day_start(TODAY - 28 * DAY)
    for member in Member.objects.filter(**({"home_store_id": stores[0]} if stores else {})):
        row = MemberStats.objects.get(member=member)
        if row.orders and row.last_order_at:
            since = int((NOON - row.last_order_at) / DAY)
            rfm[place(since, spreads.EDGES["recency"]), place(row.orders, spreads.EDGES["orders"])] += 1
        if row.gap_median_days is not None:
            gaps[place(int(row.gap_median_days), spreads.EDGES["gap"]), 0] += 1
        days = {
            house_clock.local_date(at)
            for at in Event.objects.filter(member=member, occurred_at__gte=begin).values_list("occurred_at", flat=True)
        }
        active[
            place(len(days), spreads.EDGES["active"]), int(bool(row.last_order_at and row.last_order_at >= begin))
        ] += 1
    for name, slow in (("rfm", rfm), ("gap", gaps), ("active", active)):
        assert {key: count for key, (count, _cents) in spreads.found(name, store_ids=stores).items()} == slow, name
    assert sum(count for count, _cents in spreads.found("orders", store_ids=stores).values()) == sum(rfm.values())


def test_ways_are_the_steps_in_their_order(house: House):
    mine, wool = (
        house.members["mine"],
        Product.objects.create(sku="P", name="围巾", category=Category.objects.create(name="针织")),
    )
    MemberStats.objects.filter(member=mine).update(first_order_at=house.orders["mine"].paid_at)
    buy(mine, NOON - 9 * DAY, 500, channel="mini-program", product=wool)
    buy(mine, NOON - 8 * DAY, 500, channel="store")
    buy(mine, NOON - 7 * DAY, 500, channel="store")  # the fourth: not told
    for nth in range(1, 6):
        OrderCredit.objects.create(
            order_id=house.orders["far"].pk, nth=nth, paid_at=NOON - 2 * DAY, store_id=house.stores["far"].pk, kind="message",
            channel="sms" if nth > 1 else "email", ref_id=1, at=NOON - 3 * DAY, last_cents=700 if nth == 5 else 0, first_cents=0,
            linear_cents=0, decay_cents=0, position_cents=0,
        )  # fmt: skip
    paths.refresh(moment=NOON)

    assert paths.found("channels", store_ids=[house.stores["mine"].pk]) == {">mini-program>store": (1, 11_000)}
    assert paths.found("categories", store_ids=None)[f"0>{wool.category_id}>0"] == (1, 11_000)
    found = paths.found("contacts", store_ids=None, first=TODAY - 28 * DAY, last=TODAY)
    assert found == {">".join(["message:sms"] * 4): (1, 700)}
    assert paths.found("contacts", store_ids=[house.stores["mine"].pk]) == {}
    rows = paths.listed(
        "channels", path=">mini-program>store", on=TODAY - 40 * DAY, store_ids=None, moment=NOON, most=9
    )
    assert [row["member_id"] for row in rows] == [mine.pk]


@pytest.mark.parametrize(("role", "stores"), [(Role.ANALYST, ("mine", "near", "far")), (Role.MANAGER, ("mine",))])
def test_each_figure_leads_to_its_rows_within_the_readers_stores(spread: House, role: str, stores: tuple[str, ...]):
    paths.refresh(moment=NOON)
    client = client_of(spread, role)
    page = client.get(reverse("console:analysis_spreads"))
    charts = {chart.key: chart for chart in page.context["charts"]}
    figures = [(str(day.value), day.href) for key in ("value", "orders", "gap") for day in charts[key].days if day.href]
    figures += [(str(one.count), one.href) for one in charts["rfm"].bubbles]
    figures += [
        (row[0].text, row[0].href)
        for key in ("path-channels", "path-categories")
        for _name, _more, row in charts[key].rows
    ]
    assert len(figures) > 12
    for text, href in figures:
        one = client.get(href)
        count, rows, body = one.context["count"], len(one.context["rows"]), one.content.decode()
        for day, _text, chosen in one.context.get("days") or ():
            rows += 0 if chosen else len(client.get(f"{href}&on={day}").context["rows"])
        assert text == str(count) == str(rows), href
        for where in {"mine", "near", "far"} - set(stores):
            assert f"NO-{where}" not in body
            assert spread.stores[where].name not in body


def sold(house: House, where: str, on: date, cents: int) -> None:
    DailyFigure.objects.create(
        name=before_after.FIGURE, on=on, store_id=house.stores[where].pk, value=cents, as_of=NOON
    )


def marked(first: date, days: int) -> None:
    for n in range(days):
        DailyFigure.objects.create(name=ROLLED, on=first + n * DAY, store_id=0, value=1, as_of=NOON)


def test_each_day_is_set_against_the_same_weekday_before(house: House):
    on = TODAY - 14 * DAY
    marked(on - 14 * DAY, 28)
    dice, gaps = random.Random(3), []
    for n in range(14):
        before, after = (
            10_000 * (n % 7),
            10_000 * (n % 7) + 4_000 + dice.randint(-900, 900),
        )  # weekdays differ by far more
        sold(house, "mine", on + (n - 14) * DAY, before)
        sold(house, "mine", on + n * DAY, after)
        gaps.append(after - before)
    sold(house, "far", on, 1)

    whole, mine, far = before_after.changes(on=on, days=14, store_ids=None)

    assert (mine.store_id, round(mine.change, 6)) == (house.stores["mine"].pk, round(sum(gaps) / 14, 6))
    reach = 2.160369 * (sum((gap - sum(gaps) / 14) ** 2 for gap in gaps) / 13) ** 0.5 / 14**0.5
    assert (round(mine.low, 3), round(mine.high, 3)) == (round(mine.change - reach, 3), round(mine.change + reach, 3))
    assert mine.is_certain
    assert not far.is_certain
    assert whole.store_id == 0
    assert round(whole.change * 14) == sum(gaps) + 1
    assert [one.store_id for one in before_after.changes(on=on, days=14, store_ids=[house.stores["mine"].pk])] == [
        0,
        mine.store_id,
    ]
    assert before_after.changes(on=on - DAY, days=14, store_ids=None) == []  # a day of it was never counted


def test_the_interval_of_no_change_holds_zero_as_often_as_it_says(house: House):
    """A thousand and a half times nothing happened: the interval leaves zero out in about 5 of 100."""
    dice, wrong, rounds = random.Random(11), 0, 1_500
    on = TODAY - 14 * DAY
    for _ in range(rounds):
        sales = {on + n * DAY: round(50_000 + 9_000 * dice.gauss(0, 1)) for n in range(-14, 14)}
        wrong += before_after._change(1, sales, on, 14).is_certain
    assert 0.035 <= wrong / rounds <= 0.065


def test_pages_count_nothing_themselves_and_a_manager_sees_their_store(spread: House):
    on = TODAY - 14 * DAY
    marked(on - 14 * DAY, 28)
    for where, cents in (("mine", 11_100), ("far", 77_700)):
        for n in (-14, 0):
            sold(spread, where, on + n * DAY, cents * (2 if n else 3))
    for name, most in (("console:analysis_spreads", 30), ("console:analysis_events", 24)):
        client = client_of(spread, Role.ADMIN)
        client.get(reverse(name))
        with CaptureQueriesContext(connection) as caught:
            client.get(reverse(name))
        assert len(caught) <= most, name
        assert not [
            one["sql"] for one in caught if "orders_order" in one["sql"] or "segments_memberstats" in one["sql"]
        ]
    page = client_of(spread, Role.MANAGER).get(reverse("console:analysis_events"), {"store": spread.stores["far"].pk})
    change = next(chart for chart in page.context["charts"] if chart.key == "change")
    assert [one.label for one in change.comparisons][1:] == [spread.stores["mine"].name]
    assert spread.stores["far"].name not in page.content.decode()
    assert "777" not in page.content.decode()


def test_classes_are_said_without_a_gap():
    assert classes("orders")[:6] == ["1", "2", "3", "4", "5", "6–7"]
    assert classes("gap")[:2] == ["0–7", "8–14"]


@pytest.mark.parametrize(
    ("box", "asked"),
    [
        ("spread", {"of": "x", "x": "1"}), ("spread", {"of": "value", "x": "99"}), ("spread", {"of": "rfm", "x": "1", "y": "99"}),
        ("spread", {"of": "value"}), ("path", {"of": "x", "path": "a"}),
    ],
)  # fmt: skip
def test_classes_that_do_not_exist_are_not_found(spread: House, box: str, asked: dict[str, str]):
    assert client_of(spread, Role.ADMIN).get(reverse("console:analysis_rows", args=[box]), asked).status_code == 404


def test_worth_is_what_active_members_spent_and_are_expected_to_by_stage_cell_and_home_store(house: House):
    model = version(1, is_active=True)
    for place, (where, stage, cell, clv) in enumerate(
        (("mine", "active", "champions", 900), ("mine", "lapsing", "", None), ("far", "active", "lost", None)), start=1
    ):
        member = Member.objects.create(member_no=f"W{place}", home_store=house.stores[where], joined_at=NOON)
        MemberStats.objects.create(member=member, net_cents=100 * place, stage=stage, cell=cell, as_of=NOON)
        if clv:
            Prediction.objects.create(
                member=member, p_alive=0.5, p_lapse=0.5, band="middle", expected_orders=1, clv_cents=clv, model=model, scored_at=NOON
            )  # fmt: skip
    Member.objects.filter(member_no__startswith="NO-").update(status="frozen")
    spreads.refresh(moment=NOON)
    for _again in range(2):
        worth.refresh(moment=NOON)

    mine, everywhere = [house.stores["mine"].pk], None
    told = {
        (of.__name__, one.key): (one.members, one.net_cents, one.foreseen, one.clv_cents)
        for of in (worth.by_stage, worth.by_cell) for one in of(store_ids=mine) if one.members
    }  # fmt: skip
    assert told == {
        ("by_stage", "active"): (1, 100, 1, 900), ("by_stage", "lapsing"): (1, 200, 0, 0), ("by_cell", "champions"): (1, 100, 1, 900),
    }  # fmt: skip
    active = next(one for one in worth.by_stage(store_ids=everywhere) if one.key == "active")
    assert (active.members, active.net_each, active.clv_each) == (2, 200, 900)
    spreads.refresh(moment=NOON)
    assert worth.by_stage(store_ids=everywhere)[2] == active
