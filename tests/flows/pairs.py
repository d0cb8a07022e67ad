"""Two records of one person, as the tests of merges begin: a shopper known by phone, and the same person by a mini-program."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from apps.flows import member_merged
from apps.gateways import inbox
from apps.members import services
from apps.members.models import (
    Consent,
)  # fmt: skip
from apps.orders import services as orders
from apps.segments import refresh as stats
from tests import playing, ready

MOMENT = timezone.now().replace(microsecond=0)
FIRST_PHONE, SECOND_PHONE = "17000000101", "17000000102"


def buy(member_id: int, number: str, *, days_ago: int, cents: int = 10_000) -> int:
    paid_at = MOMENT - timedelta(days=days_ago)
    line = orders.NewLine(product_id=None, total_cents=cents)
    order = orders.record(
        source="pos", order_no=number, member_id=member_id, lines=[line], total_cents=cents, created_at=paid_at
    )
    return orders.mark_paid(order_id=order.pk, paid_at=paid_at).pk


def say(member_id: int, *, is_granted: bool, days_ago: int, source: str = "portal", channel: str = "sms") -> None:
    Consent.objects.create(
        member_id=member_id, purpose="care", channel=channel, is_granted=is_granted, source=source,
        text_version="1", at=MOMENT - timedelta(days=days_ago),
    )  # fmt: skip


@pytest.fixture
def two(db) -> tuple[int, int]:
    """A shopper known by phone with one order, and the same person known by a mini-program with two."""
    return _made()


@ready.once
def _made() -> tuple[int, int]:
    mine = services.register(
        source="import", member_no="A1", nickname="林小溪", phone=FIRST_PHONE, joined_at=MOMENT - timedelta(days=300)
    )
    theirs = services.register(
        source="mini-program",
        member_no="B1",
        gender="f",
        birthday=date(1990, 5, 1),
        joined_at=MOMENT - timedelta(days=90),
    )
    services.add_identity(member_id=theirs, kind="openid", namespace="wx1", value="oABC", is_verified=True)
    services.set_tags(member_id=mine, tags=["老客"])
    services.set_tags(member_id=theirs, tags=["直播"])
    buy(mine, "O-1", days_ago=200)
    buy(theirs, "O-2", days_ago=80)
    buy(theirs, "O-3", days_ago=20, cents=5_000)
    inbox.deliver_batch([inbox.Letter(key="hello", member_id=theirs, title="你好", body="欢迎")], moment=MOMENT)
    playing.deliver_all()
    stats.refresh(MOMENT, full=True)
    return mine, theirs


def merge(two: tuple[int, int], **more) -> int:
    wanted = {"choices": {}, "source": "console:1"} | more
    return member_merged.merge(survivor_id=two[0], loser_id=two[1], **wanted)
