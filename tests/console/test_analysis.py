"""What analysts look at: figures as planted, stores that add up, boxes that lead to their rows, counted by the hour as at night."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.analytics.models import CellMove, CohortMonth, HourFigure
from apps.analytics.study import counting, reading, rows
from apps.console.studies import returning
from apps.orders import services as orders
from apps.orders.models import Order
from apps.segments.models import MemberStats, ScoreChange
from apps.stores.models import Role
from tests.console.conftest import NOON
from tests.console.world import House

pytestmark = pytest.mark.django_db
At = Callable[..., Client]
COPIED = ("source", "member_id", "store_id", "channel", "status", "total_cents", "created_at", "paid_at")
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)


def buy(house: House, where: str, at: datetime, *, store: str = "", number: int = 0, cents: int = 5_000) -> None:
    row = orders.record(
        source="pos", order_no=f"S-{where}-{at:%m%d%H%M}-{number}", member_id=house.members[where].pk, total_cents=cents,
        lines=[orders.NewLine(product_id=None, total_cents=cents)], store_id=house.stores[store or where].pk, created_at=at,
    )  # fmt: skip
    orders.mark_paid(order_id=row.pk, paid_at=at)


@pytest.fixture
def counted(house: House) -> House:
    """First orders on 13 October (see `world`). `mine` comes back in November, twice and in another store; `far` once; `near` never."""
    edge = datetime(2026, 10, 31, 16, 30, tzinfo=UTC)  # 0:30 on 1 November in the shop
    buy(house, "mine", edge, store="far")
    buy(house, "mine", edge + timedelta(hours=9))
    buy(house, "far", NOON - timedelta(days=1))
    for where, before, after in (
        ("mine", "champions", "at_risk"),
        ("near", "at_risk", "at_risk"),
        ("far", "", "at_risk"),
    ):
        member = house.members[where]
        MemberStats.objects.filter(member=member).update(cell=after)
        if before:
            ScoreChange.objects.create(member=member, on=date(2026, 10, 1), cell=before)
        if before != after:
            ScoreChange.objects.create(member=member, on=date(2026, 11, 20), cell=after)
    counting.refresh(moment=NOON)
    return house


def test_who_comes_back_by_home_store_and_shop_month(counted: House) -> None:
    def told(*where: str) -> dict[date, tuple[int, int, int]]:
        stores = [counted.stores[one].pk for one in where] if where else None
        (cohort,) = reading.cohorts(first=OCTOBER, last=OCTOBER, store_ids=stores)
        (until,) = [
            one for one in reading.cohorts(first=OCTOBER, last=NOVEMBER, store_ids=stores) if one.month == OCTOBER
        ]
        assert cohort.members == until.members
        return until.later

    assert told() == {OCTOBER: (3, 3, 30_000), NOVEMBER: (2, 3, 15_000)}
    assert told("mine") == {OCTOBER: (1, 1, 10_000), NOVEMBER: (1, 2, 10_000)}
    assert told("near") == {OCTOBER: (1, 1, 10_000)}


def test_hours_are_the_shops_and_the_stores_own(counted: House) -> None:
    first, last = reading.span(date(2026, 11, 21), 12)
    found = reading.hours(first=first, last=last, store_ids=None)

    assert found[7, 0] == (1, 5_000)  # Sunday 0:30
    assert sum(n for n, _cents in found.values()) == 6
    mine = reading.hours(first=first, last=last, store_ids=[counted.stores["mine"].pk])
    assert (7, 0) not in mine
    assert mine[7, 9] == (1, 5_000)


def test_moves_between_groups_are_of_the_span_and_the_home_store(counted: House) -> None:
    on, found = reading.cells(days=28, store_ids=None)
    assert (on, found) == (
        date(2026, 11, 22),
        {("champions", "at_risk"): 1, ("at_risk", "at_risk"): 1, ("", "at_risk"): 1},
    )
    _on, near = reading.cells(days=28, store_ids=[counted.stores["near"].pk])
    assert near == {("at_risk", "at_risk"): 1}


def test_what_is_counted_by_the_hour_is_what_the_night_counts(counted: House) -> None:
    buy(counted, "near", NOON - timedelta(minutes=5))
    for row in MemberStats.objects.all():
        MemberStats.objects.filter(pk=row.pk).update(first_order_at=row.first_order_at)
    later = NOON + timedelta(hours=1)

    def tables() -> list[list[tuple]]:
        hidden = {"id"}
        return [
            sorted(model.objects.values_list(*[f.attname for f in model._meta.fields if f.attname not in hidden]))
            for model in (CohortMonth, HourFigure, CellMove)
        ]

    before = tables()
    counting.refresh(moment=later)
    by_hour = tables()
    assert by_hour != before
    counting.refresh(moment=later, whole=True)
    assert tables() == by_hour


def boxes(client: Client, chart: str) -> list[tuple[str, str]]:
    """(figure, address) of every box of the page that leads somewhere."""
    page = client.get(reverse("console:analysis"))
    drawn = next(one for one in page.context["charts"] if one.key == chart)
    return [(box.text, box.href) for _name, _more, row in drawn.rows for box in row if box.href]


@pytest.mark.parametrize(("role", "stores"), [(Role.ADMIN, ("mine", "near", "far")), (Role.MANAGER, ("mine",))])
def test_each_box_leads_to_its_rows_within_the_readers_stores(
    counted: House, at: At, role: str, stores: tuple[str, ...]
) -> None:
    client = at(role)
    seen = 0
    for chart in ("cohorts", "hours", "cells"):
        for text, href in boxes(client, chart):
            page = client.get(href)
            rows, body = page.context["rows"], page.content.decode()
            assert len(rows) == page.context["count"], href
            told = client.get(page.context["csv_url"]).content.decode("utf-8-sig")
            assert [line[0] for line in list(csv.reader(io.StringIO(told)))[1:]] == [row["member_no"] for row in rows]
            if chart != "cohorts":
                assert text == str(len(rows))
            for where in {"mine", "near", "far"} - set(stores):
                assert f"NO-{where}" not in body
                assert counted.stores[where].name not in body
            seen += 1
    assert seen == (8 if role == Role.ADMIN else 4)


def test_a_file_of_rows_holds_every_page_of_its_list(counted: House, at: At) -> None:
    one = Order.objects.get(order_no__startswith="S-far")
    Order.objects.bulk_create(
        Order(**{name: getattr(one, name) for name in COPIED}, order_no=f"C-{number}") for number in range(120)
    )
    counting.refresh(moment=NOON)
    client = at(Role.ADMIN)
    (href,) = {href for text, href in boxes(client, "hours") if text == "121"}
    page = client.get(href)
    assert len(page.context["rows"]) < 121 == page.context["count"]
    for address in (page.context["csv_url"], f"{page.context['csv_url']}&{page.context['older_url'][1:]}"):
        lines = list(csv.reader(io.StringIO(client.get(address).content.decode("utf-8-sig"))))
        assert len({line[2] for line in lines[1:]}) == len(lines) - 1 == 121


def test_files_hold_the_same_digits(counted: House, at: At) -> None:
    client = at(Role.ANALYST)
    page = client.get(reverse("console:analysis"))
    for drawn in page.context["charts"]:
        answer = client.get(reverse("console:analysis_csv", args=[drawn.key])).content.decode("utf-8-sig")
        assert list(csv.reader(io.StringIO(answer)))[1:] == [[cell.text for cell in row] for row in drawn.table().rows]
    assert {chart.key for chart in page.context["charts"]} == set(returning.STUDY.draws)


def test_the_page_counts_nothing_itself(counted: House, at: At, django_assert_max_num_queries) -> None:
    client = at(Role.ADMIN)
    client.get(reverse("console:analysis"))
    with django_assert_max_num_queries(16):
        client.get(reverse("console:analysis"))


@pytest.mark.parametrize(
    ("box", "asked"),
    [
        ("nothing", {}),
        ("cohorts", {"cohort": "2026-10-02", "month": "2026-11-01"}),
        ("cohorts", {"cohort": "2026-11-01", "month": "2026-10-01"}),
        ("hours", {"weekday": "8", "hour": "1"}),
        ("hours", {}),
        ("cells", {"before": "x", "after": "lost"}),
    ],
)
def test_boxes_that_do_not_exist_are_not_found(counted: House, at: At, box: str, asked: dict[str, str]) -> None:
    assert at(Role.ADMIN).get(reverse("console:analysis_rows", args=[box]), asked).status_code == 404


def test_who_moved_between_groups_is_told_of_the_readers_stores_alone(counted: House) -> None:
    before = ScoreChange.objects.filter(member=counted.members["near"], on=date(2026, 10, 1))
    before.update(cell="champions")

    def found(*where: str) -> set[int]:
        stores = [counted.stores[one].pk for one in where] if where else None
        page = rows.of_cells(
            before="champions", after="at_risk", on=date(2026, 11, 22), days=28, store_ids=stores, cursor=""
        )
        return {row["id"] for row in page.rows}

    assert found() == {counted.members["mine"].pk, counted.members["near"].pk}
    assert found("mine") == {counted.members["mine"].pk}
