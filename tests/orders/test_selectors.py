"""Lists and details of orders, within the reader's stores."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from apps.core.errors import NotFound
from apps.members.models import Member
from apps.orders import selectors, services
from apps.orders.models import Order
from apps.orders.services import NewLine
from apps.stores.models import Store

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def order(member, number, *, paid_at=None, store=None, total=1_000, channel=""):
    made = services.record(
        source="pos", order_no=f"A{number}", member_id=member.pk, total_cents=total, channel=channel,
        lines=[NewLine(product_id=None, total_cents=total)], store_id=store and store.pk,
    )  # fmt: skip
    return services.mark_paid(order_id=made.pk, paid_at=paid_at) if paid_at else made


def numbers(page):
    return [row.order_no for row in page.rows]


def test_pages_follow_each_other_without_gap_or_repeat_even_with_equal_times_and_unpaid_orders(member):
    for number in range(7):
        order(member, number, paid_at=NOON + timedelta(hours=number // 3))
    for number in (7, 8, 9):
        order(member, number)

    seen, cursor = [], ""
    while cursor is not None and len(seen) < 20:
        page = selectors.find(limit=2, cursor=cursor)
        seen += numbers(page)
        cursor = page.older

    assert seen == ["A9", "A8", "A7", "A6", "A5", "A4", "A3", "A2", "A1", "A0"]


@pytest.mark.parametrize(
    "cursor", ["rubbish", "2026-11-20_1", "x_1", "_", "2026-13-45T00:00:00+00:00_1", "_" + "9" * 30]
)
def test_a_forged_cursor_counts_as_none(member, cursor):
    order(member, 1, paid_at=NOON)

    assert numbers(selectors.find(cursor=cursor)) == ["A1"]


def test_filters_narrow(member, store):
    other = Member.objects.create(member_no="M2", nickname="周琳")
    order(member, 1, paid_at=NOON, store=store, channel="web")
    order(other, 2, paid_at=NOON + timedelta(days=1))
    order(other, 3)

    assert numbers(selectors.find(member_id=other.pk)) == ["A3", "A2"]
    assert numbers(selectors.find(status="recorded")) == ["A3"]
    assert numbers(selectors.find(order_no="A2")) == ["A2"]
    assert numbers(selectors.find(channel="web")) == ["A1"]
    assert numbers(selectors.find(paid_from=NOON + timedelta(hours=1))) == ["A2"]
    assert numbers(selectors.find(paid_before=NOON + timedelta(hours=1))) == ["A1"]


def test_foreign_stores_are_neither_listed_nor_shown(member, store):
    elsewhere = order(member, 1, paid_at=NOON, store=Store.objects.create(code="S2", name="徐汇店"))
    order(member, 2, paid_at=NOON, store=store)
    order(member, 3, paid_at=NOON)

    assert numbers(selectors.find(store_ids=[store.pk])) == ["A2"]
    assert numbers(selectors.find(store_ids=[])) == []
    with pytest.raises(NotFound):
        selectors.detail(order_id=elsewhere.pk, store_ids=[store.pk])


def test_the_detail_shows_lines_refunds_and_what_may_be_done(member, store, guide, tea):
    made = services.record(
        source="pos", order_no="A1", member_id=member.pk, store_id=store.pk, guide_id=guide.pk, total_cents=1_000,
        lines=[NewLine(product_id=tea.pk, total_cents=700, quantity=Decimal(2)), NewLine(product_id=None, total_cents=300)],
    )  # fmt: skip
    assert selectors.detail(order_id=made.pk).moves == ("pay", "cancel")
    services.mark_paid(order_id=made.pk, paid_at=NOON)
    services.refund(order_id=made.pk, source="r1", line_id=made.lines.get(line_no=1).pk, amount_cents=600)

    shown = selectors.detail(order_id=made.pk, store_ids=[store.pk])

    assert (shown.order.nickname, shown.order.store, shown.guide) == ("林溪", "静安店", "周琳")
    assert shown.moves == ("ship", "make_ready", "receive", "refund")
    assert shown.refundable_cents == 400
    assert [(line.product, line.category, line.refundable_cents) for line in shown.lines] == [
        ("春茶", "茶", 100),
        ("", "", 300),
    ]
    assert [(given.line_no, given.amount_cents, given.source) for given in shown.refunds] == [(1, 600, "r1")]
    services.refund(order_id=made.pk, source="r2")
    assert selectors.detail(order_id=made.pk).moves == ("ship", "make_ready", "receive")


def kept(moment):
    query = f"select order_no, k.net_cents from ({selectors.KEPT_ORDERS}) k join orders_order using (id)"
    with connection.cursor() as cursor:
        cursor.execute(query, {"moment": moment})
        return dict(cursor.fetchall())


def test_an_order_is_kept_while_money_is_left_in_it_at_that_time(member):
    for number in (1, 2, 3):
        order(member, number, paid_at=NOON)
    order(member, 4, paid_at=NOON, total=0)
    order(member, 5)
    order(member, 6, paid_at=NOON + timedelta(days=9))
    whole, part = Order.objects.get(order_no="A2"), Order.objects.get(order_no="A3")
    services.refund(order_id=whole.pk, source="r", refunded_at=NOON + timedelta(days=2))
    services.refund(order_id=part.pk, source="r", amount_cents=400, refunded_at=NOON + timedelta(days=3))

    assert kept(NOON - timedelta(seconds=1)) == {}
    assert kept(NOON) == {"A1": 1_000, "A2": 1_000, "A3": 1_000}
    assert kept(NOON + timedelta(days=2)) == {"A1": 1_000, "A3": 1_000}
    assert kept(NOON + timedelta(days=3)) == {"A1": 1_000, "A3": 600}
