"""The life of one order: each act once, each refusal without a trace."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.core.errors import NotFound
from apps.events.models import Event
from apps.orders import selectors, services
from apps.orders.errors import (
    AmountNotPositive,
    OrderNotOpen,
    OrderNumberReused,
    RefundExceeds,
    RefundSourceReused,
)
from apps.orders.models import Change, Line, Order, Refund
from apps.orders.services import NewLine

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def recorded(member, **changes):
    content = {
        "source": "pos", "order_no": "A1", "member_id": member.pk, "total_cents": 10_000,
        "lines": [NewLine(product_id=None, total_cents=6_000), NewLine(product_id=None, total_cents=4_000)],
    }  # fmt: skip
    return services.record(**content | changes)


@pytest.fixture
def paid(member):
    return services.mark_paid(order_id=recorded(member).pk, paid_at=NOON)


def facts(name):
    return list(Event.objects.filter(name=name).values_list("lane", "payload"))


def test_an_order_is_recorded_with_its_lines_store_and_guide(member, store, guide, tea):
    order = recorded(
        member, store_id=store.pk, guide_id=guide.pk, channel="till",
        lines=[NewLine(product_id=tea.pk, total_cents=9_000, quantity=Decimal("1.5"), discount_cents=1_000)],
    )  # fmt: skip

    assert (order.status, order.paid_at, order.refunded_cents) == ("recorded", None, 0)
    assert list(order.lines.values_list("line_no", "product_id", "quantity", "total_cents", "discount_cents")) == [
        (1, tea.pk, Decimal("1.500"), 9_000, 1_000)
    ]
    assert Change.objects.exists() is False
    assert Event.objects.exists() is False


def test_the_same_content_again_is_the_same_order(member):
    assert recorded(member).pk == recorded(member).pk
    assert (Order.objects.count(), Line.objects.count()) == (1, 2)


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({"total_cents": 9_999}, ["total_cents"]),
        ({"channel": "web"}, ["channel"]),
        ({"lines": [NewLine(product_id=None, total_cents=6_000)]}, ["lines"]),
    ],
)
def test_a_known_number_with_other_content_is_refused(member, changes, differs):
    recorded(member)

    with pytest.raises(OrderNumberReused) as refusal:
        recorded(member, **changes)

    assert refusal.value.facts == {"source": "pos", "order_no": "A1", "differs": differs}
    assert (Order.objects.get().total_cents, Line.objects.count()) == (10_000, 2)


def test_the_same_number_of_another_source_is_another_order(member):
    assert recorded(member).pk != recorded(member, source="web").pk


def test_payment_leaves_a_note_and_a_fact_with_ids_only(member):
    order = services.mark_paid(order_id=recorded(member).pk, paid_at=NOON)

    assert (order.status, order.paid_at) == ("paid", NOON)
    assert list(Change.objects.values_list("member_id", "due_at")) == [(member.pk, NOON)]
    assert facts("order.paid") == [(f"member:{member.pk}", {"order_id": order.pk, "member_id": member.pk})]


def test_paying_again_changes_nothing(paid):
    services.mark_paid(order_id=paid.pk)
    services.mark_paid(order_id=paid.pk, paid_at=NOON)

    assert (Change.objects.count(), Event.objects.count()) == (1, 1)


def test_paying_again_at_another_time_is_refused(paid):
    with pytest.raises(OrderNotOpen):
        services.mark_paid(order_id=paid.pk, paid_at=NOON + timedelta(hours=1))

    assert Order.objects.get().paid_at == NOON
    assert Change.objects.count() == 1


def test_an_order_is_shipped_then_received(paid, clock):
    services.mark_shipped(order_id=paid.pk)
    clock(NOON + timedelta(days=2))
    order = services.mark_received(order_id=paid.pk)
    services.mark_received(order_id=paid.pk)

    assert (order.status, order.received_at) == ("received", NOON + timedelta(days=2))
    assert len(facts("order.received")) == 1


def test_an_order_made_ready_cannot_be_shipped_and_the_refusal_names_the_legal_moves(paid):
    services.mark_ready(order_id=paid.pk)

    with pytest.raises(OrderNotOpen) as refusal:
        services.mark_shipped(order_id=paid.pk)

    assert refusal.value.facts == {
        "order_id": paid.pk, "order_status": "ready", "move": "ship", "legal_moves": ["receive", "refund"],
    }  # fmt: skip
    assert Order.objects.get().status == "ready"


def test_a_cancelled_order_cannot_be_paid(member):
    order = services.cancel(order_id=recorded(member).pk)
    services.cancel(order_id=order.pk)

    with pytest.raises(OrderNotOpen) as refusal:
        services.mark_paid(order_id=order.pk)

    assert refusal.value.facts["legal_moves"] == []
    assert Order.objects.get().paid_at is None
    assert Change.objects.exists() is False
    assert [event.name for event in Event.objects.all()] == ["order.cancelled"]


def test_a_paid_order_cannot_be_cancelled(paid):
    with pytest.raises(OrderNotOpen):
        services.cancel(order_id=paid.pk)

    assert Order.objects.get().status == "paid"


def test_an_unknown_order_is_not_found(db):
    with pytest.raises(NotFound):
        services.mark_paid(order_id=1)


def test_a_refund_by_amount_stays_on_the_order(paid):
    given = services.refund(order_id=paid.pk, source="r1", amount_cents=2_500, refunded_at=NOON + timedelta(days=1))

    assert Order.objects.get().refunded_cents == 2_500
    assert set(Line.objects.values_list("refunded_cents", flat=True)) == {0}
    assert Change.objects.filter(due_at=NOON + timedelta(days=1)).count() == 1
    assert [payload for _, payload in facts("order.refunded")] == [
        {"order_id": paid.pk, "member_id": paid.member_id, "refund_id": given.pk}
    ]


def test_a_refund_by_line_gives_back_the_line(paid):
    line = paid.lines.get(line_no=2)
    services.refund(order_id=paid.pk, source="r1", line_id=line.pk, amount_cents=1_000)
    services.refund(order_id=paid.pk, source="r2", line_id=line.pk)

    assert list(Refund.objects.order_by("id").values_list("amount_cents", "line_id")) == [
        (1_000, line.pk), (3_000, line.pk),
    ]  # fmt: skip
    assert Line.objects.get(pk=line.pk).refunded_cents == 4_000
    assert Order.objects.get().refunded_cents == 4_000


def test_a_whole_refund_gives_back_what_is_left(paid):
    services.refund(order_id=paid.pk, source="r1", amount_cents=2_500)
    assert services.refund(order_id=paid.pk, source="r2").amount_cents == 7_500
    assert Order.objects.get().refunded_cents == 10_000


def test_the_same_refund_again_is_a_no_op(paid):
    first = services.refund(order_id=paid.pk, source="r1", amount_cents=2_500)
    again = services.refund(order_id=paid.pk, source="r1", amount_cents=2_500)

    assert first.pk == again.pk
    assert Order.objects.get().refunded_cents == 2_500
    assert len(facts("order.refunded")) == 1


def test_the_same_refund_source_with_another_amount_is_refused(paid):
    services.refund(order_id=paid.pk, source="r1", amount_cents=2_500)

    with pytest.raises(RefundSourceReused):
        services.refund(order_id=paid.pk, source="r1", amount_cents=2_600)

    assert Order.objects.get().refunded_cents == 2_500


@pytest.mark.parametrize(("asked", "error"), [(10_001, RefundExceeds), (0, AmountNotPositive), (-5, AmountNotPositive)])
def test_a_refund_outside_what_was_paid_is_refused_and_leaves_no_trace(paid, asked, error):
    with pytest.raises(error):
        services.refund(order_id=paid.pk, source="r1", amount_cents=asked)

    assert Order.objects.get().refunded_cents == 0
    assert Refund.objects.exists() is False
    assert Change.objects.count() == 1


def test_an_amount_already_given_back_counts_against_the_lines(paid):
    services.refund(order_id=paid.pk, source="r1", amount_cents=9_000)

    with pytest.raises(RefundExceeds) as refusal:
        services.refund(order_id=paid.pk, source="r2", line_id=paid.lines.get(line_no=1).pk, amount_cents=6_000)

    assert refusal.value.facts == {"order_id": paid.pk, "asked_cents": 6_000, "refundable_cents": 1_000}


def test_an_unpaid_order_cannot_be_refunded(member):
    order = recorded(member)

    with pytest.raises(OrderNotOpen) as refusal:
        services.refund(order_id=order.pk, source="r1")

    assert refusal.value.facts["legal_moves"] == ["pay", "cancel"]
    assert Refund.objects.exists() is False


def test_a_line_of_another_order_is_not_found(paid, member):
    other = recorded(member, order_no="A2")

    with pytest.raises(NotFound):
        services.refund(order_id=paid.pk, source="r1", line_id=other.lines.first().pk)

    assert Refund.objects.exists() is False


def test_notes_are_taken_once_when_they_are_due(paid):
    services.refund(order_id=paid.pk, source="r1", refunded_at=NOON + timedelta(days=5))

    assert selectors.take_changes(moment=NOON - timedelta(seconds=1)) == {}
    assert selectors.take_changes(moment=NOON) == {paid.member_id: NOON}
    assert selectors.take_changes(moment=NOON) == {}
    assert selectors.take_changes(moment=NOON + timedelta(days=9)) == {paid.member_id: NOON + timedelta(days=5)}
