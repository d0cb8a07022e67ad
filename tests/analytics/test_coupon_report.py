"""What coupons did in a period: each figure by template, store and source, and who bears the cost, within the reader's stores."""

from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.analytics import coupon_days
from apps.analytics import coupon_report as reports
from apps.analytics.coupon_report import Line, Span, Visits
from apps.analytics.models import CouponDay
from apps.coupons.models import Coupon, Template, Use
from tests.console import world
from tests.console.conftest import NOON
from tests.console.world import House
from tests.coupons import making

SPAN = Span(first=date(2026, 11, 1), last=date(2026, 11, 30))


@pytest.fixture
def shop(db: None, clock) -> House:
    clock(NOON)
    return world.build(NOON)


def used(house: House, of: Template, where: str, *, at: datetime, act: str, saved: int, **fields: object) -> Coupon:
    row = making.coupon(
        of, house.members[where], state="used", issued_at=at, store=house.stores[where], channel="staff"
    )
    facts = {"state": "done", "store_cents": 0, "basket_cents": 50_000} | fields
    Use.objects.create(
        coupon=row, template=of, member=house.members[where], store=house.stores[where], source=act, saved_cents=saved,
        done_at=at, **facts,
    )  # fmt: skip
    return row


def test_issued_used_rate_cost_and_sales_by_template_store_and_source(shop: House):
    thirty, tea = (
        making.template("thirty"),
        making.template("tea", making.terms({"kind": "exchange", "what": "茶"}, level="gift")),
    )
    day = NOON - timedelta(days=2)
    used(shop, thirty, "mine", at=day, act="a", saved=3_000, store_cents=900)
    used(shop, tea, "mine", at=day, act="a", saved=2_000)  # the same basket
    used(shop, thirty, "far", at=day, act="b", saved=3_000)
    used(shop, thirty, "far", at=day, act="c", saved=3_000, state="taken_back")
    used(shop, thirty, "near", at=NOON - timedelta(days=60), act="old", saved=3_000)
    making.coupon(thirty, shop.members["mine"], issued_at=day, channel="centre")
    Coupon.objects.create(
        template=thirty, version=thirty.version, state="unclaimed", channel="code", code="X", issued_at=day
    )

    coupon_days.refresh(moment=NOON)
    found = reports.report(SPAN)
    assert found.whole == Line(issued=5, kept=4, used=3, saved=8_000, borne=900, sales=100_000)
    assert found.templates == {
        thirty.pk: Line(issued=4, kept=3, used=2, saved=6_000, borne=900, sales=100_000),
        tea.pk: Line(issued=1, kept=1, used=1, saved=2_000, borne=0, sales=50_000),
    }
    assert found.stores[shop.stores["mine"].pk] == Line(issued=3, kept=2, used=2, saved=5_000, borne=900, sales=50_000)
    assert found.sources[("staff", "")].used == 3
    assert found.sources[("centre", "")] == Line(issued=1)
    assert found.days == {date(2026, 11, 20): 3}

    far = Span(first=SPAN.first, last=SPAN.last, stores=[shop.stores["far"].pk])
    assert reports.report(far).whole == Line(issued=2, kept=2, used=1, saved=3_000, borne=0, sales=50_000)
    settled = [(row["store"], row["used"], row["saved"], row["borne"]) for row in reports.settled(SPAN)]
    assert sorted(settled) == [("春熙路店", 1, 3_000, 0), ("武康路店", 2, 5_000, 900)]


def test_counts_of_what_moved_are_those_of_everything_and_of_the_rows(shop: House, clock):
    thirty, tea = making.template("thirty", per_member=None), making.template("tea", per_member=None)
    then = NOON - timedelta(days=40)
    used(shop, thirty, "mine", at=then, act="old", saved=3_000)
    kept = [making.coupon(tea, shop.members["far"], issued_at=then, channel="care", origin="j") for _ in range(3)]
    coupon_days.refresh(moment=NOON)
    first = rows()

    later = clock(NOON + timedelta(hours=3))
    used(shop, tea, "mine", at=later, act="a", saved=2_000)
    used(shop, thirty, "mine", at=later, act="a", saved=1_000)  # in the same basket
    Coupon.objects.filter(pk=kept[0].pk).update(state="used")  # of long ago, used today in another store
    Use.objects.create(
        coupon=kept[0], template=tea, member=shop.members["far"], store=shop.stores["near"], source="b", state="done",
        saved_cents=500, basket_cents=9_000, done_at=later,
    )  # fmt: skip
    Use.objects.filter(source="old").update(state="taken_back", undone_at=later)
    Coupon.objects.filter(issued_at=then, template=thirty).update(state="ready")
    Coupon.objects.create(template=tea, version=tea.version, state="expired", channel="code", code="Y", issued_at=later)

    seen = coupon_days.refresh(moment=later)
    some = rows()
    coupon_days.refresh(moment=later, whole=True)
    assert (some, coupon_days.as_of()) == (rows(), later)
    assert some != first
    assert seen.pairs == 4  # both templates, then and today
    assert (sum(row["issued"] for row in some), sum(row["kept"] for row in some)) == (6, 3)
    assert [sum(row[name] for row in some) for name in ("used", "saved_cents", "sales_cents", "once_cents")] == [
        3, 3_500, 109_000, 59_000,
    ]  # fmt: skip


def rows() -> list[dict[str, object]]:
    names = [one.name for one in CouponDay._meta.get_fields() if one.name != "id"]
    return sorted(CouponDay.objects.values(*names), key=str)


def test_the_report_reads_no_coupon_and_no_use(shop: House):
    with CaptureQueriesContext(connection) as seen:
        reports.report(SPAN)
        reports.settled(SPAN)
    assert not [one["sql"] for one in seen if "coupons_" in one["sql"]]
    assert len(seen) == 3


def test_visits_are_counted_as_long_before_as_after_the_first_coupon(shop: House):
    of = making.template(per_member=None)
    then = NOON - timedelta(days=35)  # the order of the house came forty days ago, five days before
    for where in ("mine", "far"):
        making.coupon(of, shop.members[where], issued_at=then, at=then)
    making.coupon(of, shop.members["near"], issued_at=NOON - timedelta(days=3))  # not thirty days yet
    span = Span(first=date(2026, 10, 1), last=date(2026, 11, 30))
    assert reports.visits(span, moment=NOON) == Visits(2, 2, 0, 2, 0)
    later = making.coupon(of, shop.members["mine"], issued_at=NOON - timedelta(days=45), at=then)
    assert reports.visits(span, moment=NOON) == Visits(2, 1, 1, 1, 1)
    later.delete()
