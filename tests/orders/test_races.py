"""Fifty copies of one call at the same time have one effect."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from django.db import connection

from apps.core.errors import DomainError
from apps.events.models import Event
from apps.members.models import Member
from apps.orders import services
from apps.orders.models import Change, Line, Order, Refund
from apps.orders.services import NewLine

pytestmark = pytest.mark.django_db(transaction=True)
COPIES, AT_ONCE = 50, 10
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def at_once(act: Callable[[int], object]) -> list[object]:
    """Results of fifty calls, ten always starting together; a refusal gives its code."""
    gate = Barrier(AT_ONCE)

    def call(number: int) -> object:
        try:
            gate.wait()
            return act(number)
        except DomainError as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(call, range(COPIES)))


def record(member: Member, *, order_no: str = "A1", total: int = 10_000) -> Order:
    return services.record(
        source="pos", order_no=order_no, member_id=member.pk, lines=[NewLine(product_id=None, total_cents=total)],
        total_cents=total,
    )  # fmt: skip


def test_fifty_records_of_one_number_make_one_order():
    member = Member.objects.create(member_no="M1")

    order_ids = at_once(lambda number: record(member).pk)

    assert order_ids == [Order.objects.get().pk] * COPIES
    assert Line.objects.count() == 1


def test_of_fifty_contradicting_records_one_wins():
    member = Member.objects.create(member_no="M1")

    outcomes = at_once(lambda number: record(member, total=100 + number).total_cents)

    assert sorted(outcomes, key=str)[1:] == ["order_number_reused"] * (COPIES - 1)
    assert Order.objects.get().total_cents in outcomes


def test_fifty_payments_of_one_order_make_one_fact():
    order = record(Member.objects.create(member_no="M1"))

    at_once(lambda number: services.mark_paid(order_id=order.pk, paid_at=NOON))

    assert Event.objects.filter(name="order.paid").count() == 1
    assert Change.objects.count() == 1


def test_fifty_copies_of_one_refund_give_back_once():
    order = services.mark_paid(order_id=record(Member.objects.create(member_no="M1")).pk)

    refund_ids = at_once(lambda number: services.refund(order_id=order.pk, source="r", amount_cents=700).pk)

    assert refund_ids == [Refund.objects.get().pk] * COPIES
    assert Order.objects.get().refunded_cents == 700


def test_fifty_refunds_never_give_back_more_than_was_paid():
    order = services.mark_paid(order_id=record(Member.objects.create(member_no="M1")).pk)

    outcomes = at_once(
        lambda number: services.refund(order_id=order.pk, source=f"r{number}", amount_cents=700).amount_cents
    )

    assert outcomes.count(700) == 14
    assert outcomes.count("refund_exceeds") == 36
    assert Order.objects.get().refunded_cents == 9_800
