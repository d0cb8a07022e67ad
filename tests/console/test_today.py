"""The day of a store: each figure is the sum of its rows, compared like with like, and nobody sees another store's."""

import csv
import io
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.analytics import rollup
from apps.analytics.day import sources
from apps.core import alerts, approvals, money
from apps.core import clock as house_clock
from apps.coupons.models import Use
from apps.orders import services as orders
from apps.orders.models import Order, Refund
from apps.points import services as points
from apps.points.models import Entry
from apps.stores import shifts, tills
from apps.stores.models import Role, Staff
from tests.console import a_day
from tests.console.conftest import NOON
from tests.console.world import House

pytestmark = pytest.mark.django_db
At = Callable[..., Client]
TODAY = date(2026, 11, 22)
# Of one store's share of the day: what each figure came to where `a_day` happened once.
ONCE = {
    "sales.paid_cents": 8_050, "orders.paid": 1, "orders.again": 1, "sales.refunded_cents": 1_025, "members.joined": 1,
    "coupons.used": 1, "coupons.saved_cents": 1_000, "points.given": 80, "points.spent": 30, "bookings.due": 1,
    "bookings.arrived": 1, "tickets.opened": 2, "tickets.ended": 1, "messages.sent": 1,
}  # fmt: skip


@pytest.fixture
def clerk(house: House) -> Staff:
    made = a_day.live(house, NOON)
    rollup.roll_up(moment=NOON)
    return made


def read(answer: object) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))  # type: ignore[attr-defined]


def told(client: Client, **asked: object) -> dict[str, tuple[str, str]]:
    """The page's figures by name, as its file has them: (today, a week before)."""
    rows = read(client.get(reverse("console:today_csv", args=["figures"]), asked))[1:]
    return dict(zip(sources.FIGURES, ((row[1], row[2]) for row in rows), strict=True))


def plain(name: str, value: int) -> str:
    return money.yuan(value) if sources.FIGURES[name].unit == "cents" else str(value)


@pytest.mark.parametrize(
    ("role", "times", "stores"),
    [(Role.MANAGER, 1, 1), (Role.REGION_MANAGER, 3, 2), pytest.param(Role.ADMIN, 6, 3, marks=pytest.mark.nightly)],
)
def test_every_figure_is_the_sum_of_its_rows_in_the_readers_stores(
    house: House, clerk: Staff, at: At, role: str, times: int, stores: int
) -> None:
    client = at(role)
    expected = {name: (plain(name, n * times), plain(name, n * stores)) for name, n in ONCE.items()}
    assert told(client) == expected

    foreign = {order.order_no for order in Order.objects.exclude(store=house.stores["mine"])}
    for name in sources.FIGURES:
        for before in ({}, {"before": 1}):
            page = client.get(reverse("console:today_rows", args=[name]), before)
            rows = read(client.get(reverse("console:today_rows_csv", args=[name]), before))[1:]
            assert page.context["counted"] == "", name
            assert plain(name, sum(row["n"] for row in page.context["rows"])) == expected[name][bool(before)], name
            assert sum(round(float(row[5]) * 100) for row in rows) == round(float(expected[name][bool(before)]) * 100)
            if role == Role.MANAGER:
                assert {row["store_id"] for row in page.context["rows"]} == {house.stores["mine"].pk}
                assert not [number for number in foreign if number in page.content.decode()]


def test_a_manager_never_reads_another_stores_day(house: House, clerk: Staff, at: At) -> None:
    manager, far = at(Role.MANAGER), house.stores["far"]
    alerts.raise_once(
        "points.by_hand_often", key="x", staff_id=Staff.objects.get(user=house.users[Role.AGENT]).pk, grants=9
    )
    ask(house, "far", "其他店的理由")
    ask(house, "mine", "本店的理由")

    for asked in ({}, {"store": far.pk}):
        assert told(manager, **asked)["orders.paid"] == ("1", "1")
        body = manager.get(reverse("console:today"), asked).content.decode()
        assert far.name not in body
        assert "其他店的理由" not in body
        assert "本店的理由" in body
        assert manager.get(reverse("console:today"), asked).context["hands"] == []
    rows = manager.get(reverse("console:today_rows", args=["orders.paid"]), {"store": far.pk, "staff": clerk.pk})
    assert [row["store_id"] for row in rows.context["rows"]] == [house.stores["mine"].pk]


def ask(house: House, where: str, reason: str) -> None:
    agent = Staff.objects.get(user=house.users[Role.AGENT])
    approvals.ask(
        kind="points.adjust", source=f"test:{where}", reason=reason, user_id=house.users[Role.AGENT].pk,
        params={"member_id": house.members[where].pk, "amount": 900, "currency": "points", "staff_id": agent.pk, "source": where},
        store_id=house.stores[where].pk,
    )  # fmt: skip


def test_what_happened_since_the_count_is_said_and_counted_next(house: House, clerk: Staff, at: At, clock) -> None:
    client, address = at(Role.MANAGER), reverse("console:today_rows", args=["sales.refunded_cents"])
    order = Order.objects.get(order_no__startswith="DAY-mine-0")
    orders.refund(order_id=order.pk, source="late", amount_cents=25, refunded_at=NOON - timedelta(minutes=5))

    page = client.get(address)
    assert (page.context["sum"], page.context["counted"]) == ("¥10.50", "¥10.25")

    rollup.roll_up(moment=NOON)
    page = client.get(address)
    assert (page.context["sum"], page.context["counted"]) == ("¥10.50", "")


def test_the_past_is_compared_whole_and_its_rows_stay_within_the_day(house: House, clerk: Staff, at: At, clock) -> None:
    tomorrow = NOON + timedelta(days=1)
    clock(tomorrow)
    rollup.roll_up(moment=tomorrow)
    client = at(Role.MANAGER)

    found = told(client, day="2026-11-22")
    assert found["orders.paid"] == ("1", "2")  # that Sunday's second order, too
    rows = client.get(reverse("console:today_rows", args=["orders.paid"]), {"day": "2026-11-22", "before": 1})
    assert len(rows.context["rows"]) == 2
    assert told(client)["orders.paid"] == ("0", "0")


def test_days_that_were_never_counted_say_so(house: House, at: At) -> None:
    body = at(Role.MANAGER).get(reverse("console:today"), {"day": "2026-01-05"}).content.decode()

    assert 'id="orders"' not in body
    assert "art-bars" in body


def test_people_have_their_own_rows_and_are_part_of_the_whole(house: House, clerk: Staff, at: At) -> None:
    client = at(Role.MANAGER)
    till = tills.bind(name="一号机", store_id=house.stores["mine"].pk, staff_id=clerk.pk)
    shifts.begin(device_id=till.id, staff_id=clerk.pk, moment=NOON - timedelta(minutes=1))
    page = client.get(reverse("console:today"))
    (person,) = page.context["people"]

    assert [cell["value"] for cell in person["cells"]] == ["¥80.50", "1", "1", "80", "0", "1"]
    assert person["shift"].device.name == "一号机"
    assert [row["till"].is_awake for row in page.context["tills"]] == [True]
    rows = client.get(reverse("console:today_rows", args=["points.given"]), {"staff": clerk.pk})
    assert [row["n"] for row in rows.context["rows"]] == [80]
    assert read(client.get(reverse("console:today_csv", args=["people"])))[1][2:4] == ["80.50", "1"]


def test_an_anomaly_says_why_and_an_approval_is_decided_here(house: House, clerk: Staff, at: At) -> None:
    alerts.raise_once(
        "points.by_hand_often", key="y", staff_id=clerk.pk, grants=14, points=9_000, members=3, top_share=0.4,
        median_grants=1.0, median_points=100.0, splits=0,
    )  # fmt: skip
    ask(house, "mine", "补积分")
    manager = at(Role.MANAGER)
    page = manager.get(reverse("console:today"))
    ((_noticed, why),) = page.context["hands"]
    assert "14" in why
    assert "1" in why.split("·")[0]
    (row,) = page.context["waiting"]

    manager.post(reverse("console:approval_decide", args=[row.public_id]), {"verdict": "agree"})
    assert Entry.objects.filter(kind="adjust", granted=900).count() == 1
    assert manager.get(reverse("console:today")).context["waiting_count"] == 0


@pytest.mark.parametrize("role", [Role.MANAGER, Role.ADMIN])
def test_the_page_asks_the_same_number_of_questions_whatever_the_day_held(
    house: House, clerk: Staff, at: At, role: str, django_assert_max_num_queries
) -> None:
    client = at(role)
    client.get(reverse("console:today"))
    with django_assert_max_num_queries(40):
        client.get(reverse("console:today"))
    with django_assert_max_num_queries(16):
        client.get(reverse("console:today_rows", args=["coupons.used"]))


def test_figures_of_what_a_role_may_not_see_are_not_there(house: House, clerk: Staff, at: At) -> None:
    analyst = at(Role.ANALYST)  # reads no tickets

    assert len(read(analyst.get(reverse("console:today_csv", args=["figures"])))) == len(sources.FIGURES) - 2 + 1
    assert analyst.get(reverse("console:today_rows", args=["tickets.opened"])).status_code == 404
    assert analyst.get(reverse("console:today_rows", args=["nothing"])).status_code == 404


def test_the_day_comes_to_what_the_ledgers_hold_to_the_fen(house: House, at: At, clock) -> None:
    """With payments at either end of the day, one that was cancelled, refunds of another day's order, and points that ran out."""
    a_day.live(house, NOON)
    start, end = house_clock.day_start(TODAY), house_clock.day_end(TODAY)
    member, store = house.members["mine"], house.stores["mine"]
    for number, (paid_at, cents) in enumerate(
        (
            (start, 101),
            (end - timedelta(microseconds=1), 202),
            (start - timedelta(microseconds=1), 404),
            (end, 808),
            (start, 1_616),
        )
    ):
        row = orders.record(
            source="pos", order_no=f"EDGE-{number}", member_id=member.pk, total_cents=cents, created_at=paid_at - timedelta(hours=1),
            lines=[orders.NewLine(product_id=None, total_cents=cents)], store_id=store.pk,
        )  # fmt: skip
        orders.mark_paid(order_id=row.pk, paid_at=paid_at)
    Order.objects.filter(order_no="EDGE-4").update(status="cancelled")
    old = Order.objects.get(order_no="EDGE-2")
    orders.refund(order_id=old.pk, source="r:edge", amount_cents=33, refunded_at=start)
    by = points.By(store_id=store.pk)
    points.earn(member_id=member.pk, amount=7, source="e:last", by=by, moment=end - timedelta(microseconds=1))
    points.earn(member_id=member.pk, amount=900, source="e:next", by=by, moment=end)
    points.adjust(member_id=member.pk, amount=-3, source="a:taken", by=by, moment=start + timedelta(hours=23))
    Use.objects.filter(source__startswith="u:far").update(state="taken_back")
    clock(end + timedelta(hours=3))
    rollup.roll_up(moment=end + timedelta(hours=3))
    found = {name: value for name, (value, _before) in told(at(Role.ADMIN), day=TODAY).items()}

    kept = Order.objects.filter(paid_at__gte=start, paid_at__lt=end).exclude(status="cancelled")
    ledger = Entry.objects.filter(at__gte=start, at__lt=end, account__currency__key="points")
    assert found["sales.paid_cents"] == money.yuan(sum(row.total_cents for row in kept)) == money.yuan(6 * 8_050 + 303)
    refunds = Refund.objects.filter(refunded_at__gte=start, refunded_at__lt=end)
    assert (
        found["sales.refunded_cents"]
        == money.yuan(sum(row.amount_cents for row in refunds))
        == money.yuan(6 * 1_025 + 33)
    )
    given = sum(row.granted for row in ledger if row.kind in ("earn", "adjust") and row.granted > 0)
    assert found["points.given"] == str(given) == str(6 * 80 + 7)
    assert found["points.spent"] == str(-sum(row.amount for row in ledger if row.kind == "spend")) == str(6 * 30)
    used = Use.objects.filter(done_at__gte=start, done_at__lt=end, state="done")
    assert found["coupons.saved_cents"] == money.yuan(sum(row.saved_cents for row in used)) == money.yuan(3_000)
    rows = at(Role.ADMIN).get(reverse("console:today_rows", args=["sales.paid_cents"]), {"day": TODAY})
    assert (rows.context["sum"], rows.context["counted"]) == (money.show(6 * 8_050 + 303), "")
