"""Where a member buys, what they buy and look at: figures to the unit, and nothing about interests when they said no."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from apps.activity import services as activity
from apps.analytics import persona
from apps.analytics.persona import Share
from apps.catalog.models import Category, Product
from apps.members import services as members
from apps.orders import services as orders
from apps.stores.models import Store

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def member_id(clock, db) -> int:
    clock(NOON)
    return members.register(source="test", nickname="沈悦")


def buy(member_id: int, number: str, *, store: Store, product: Product, cents: int, back: int = 0) -> None:
    order = orders.record(
        source="pos", order_no=number, member_id=member_id, store_id=store.pk, channel="pos", total_cents=cents,
        lines=[orders.NewLine(product_id=product.pk, total_cents=cents)], created_at=NOON - timedelta(days=9),
    )  # fmt: skip
    orders.mark_paid(order_id=order.pk, paid_at=NOON - timedelta(days=9))
    if back:
        orders.refund(order_id=order.pk, source="t", amount_cents=back)


def do(member_id: int, name: str, properties: dict, *, hours: int = 1) -> None:
    event = {
        "event_id": str(uuid.uuid4()),
        "name": name,
        "occurred_at": (NOON - timedelta(hours=hours)).isoformat(),
        "properties": properties,
    }
    result = activity.ingest(batch=[event], member_id=member_id, anonymous_id="", source="test")
    assert result.accepted == 1, result


def live(member_id: int) -> None:
    near, far = (Store.objects.create(code=code, name=f"{code}店") for code in ("A", "B"))
    knits, coats = (Category.objects.create(name=name) for name in ("针织", "大衣"))
    scarf = Product.objects.create(sku="P1", name="围巾", category=knits)
    coat = Product.objects.create(sku="P2", name="双面呢", category=coats)
    buy(member_id, "1", store=near, product=scarf, cents=10_000)
    buy(member_id, "2", store=near, product=scarf, cents=20_000)
    buy(member_id, "3", store=far, product=coat, cents=90_000)
    buy(member_id, "4", store=far, product=coat, cents=50_000, back=50_000)  # all of it came back: not kept
    do(member_id, "product_viewed", {"sku": "P2"})
    do(member_id, "added_to_cart", {"sku": "P2"}, hours=2)
    do(member_id, "product_viewed", {"sku": "unheard-of"}, hours=3)
    do(member_id, "searched", {"query": "羊绒"}, hours=4)


def test_stores_by_orders_categories_by_kept_money_looks_by_number(member_id: int):
    live(member_id)
    live_of_another = members.register(source="test")
    do(live_of_another, "searched", {"query": "别人的"})

    found = persona.of(member_id)

    assert found
    assert found.stores == (Share("A店", 2, 30_000), Share("B店", 1, 90_000))
    assert found.channels == (Share("pos", 3, 120_000),)
    assert found.bought == (Share("大衣", 1, 90_000), Share("针织", 2, 30_000))
    assert found.looked_at == (Share("大衣", 2), Share("unheard-of", 1))
    assert found.searched == (Share("羊绒", 1),)


def test_nothing_is_worked_out_about_who_said_no_to_it(member_id: int):
    live(member_id)
    members.give_consent(
        member_id=member_id, purpose="profiling", channel="any", is_granted=False, source="test", text_version="1"
    )

    assert persona.of(member_id) is None


def test_a_member_with_nothing_has_an_empty_persona(member_id: int):
    assert persona.of(member_id) == persona.Persona()
