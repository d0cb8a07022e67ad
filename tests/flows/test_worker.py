"""A real worker on the real broker: delivers at once, and dies in the middle of a step without harm."""

import base64
import json
import os

import pytest
import redis
from celery import current_app

from apps.events.models import Event, StepRun
from apps.members.models import Member
from apps.orders import services as orders
from apps.orders.services import NewLine
from apps.segments.models import MemberStats
from tests.waiting import somebody_waits, until

pytestmark = pytest.mark.django_db(transaction=True)


def paid_order() -> Event:
    member = Member.objects.create(member_no="M1", nickname="林溪")
    order = orders.record(
        source="pos", order_no="A1", member_id=member.pk, lines=[NewLine(product_id=None, total_cents=500)],
        total_cents=500,
    )  # fmt: skip
    orders.mark_paid(order_id=order.pk)
    return Event.objects.get()


def is_finished() -> bool:
    return Event.objects.filter(finished_at__isnull=False).exists()


def test_a_worker_killed_in_the_middle_of_a_step_leaves_it_to_be_done_once(live_worker, owner_cursor):
    event = paid_order()
    with owner_cursor.connection.transaction():
        owner_cursor.execute("lock table events_steprun in exclusive mode")
        live_worker.start(concurrency=1)
        until(somebody_waits)
        live_worker.kill()
    until(lambda: not somebody_waits())
    event.refresh_from_db()
    assert (event.attempts, event.finished_at, StepRun.objects.count()) == (1, None, 0)
    assert MemberStats.objects.exists() is False

    Event.objects.update(next_try_at=event.created_at)  # as if the lease had run out
    live_worker.start(concurrency=1)
    current_app.send_task("flows.sweep_events")
    until(is_finished)

    steps = [
        "order_paid.reward", "order_paid.progress", "tier_moves.reassess", "order_paid.refresh",
        "livestream_orders.attribute", "referral_rewards.follow_order", "journey_entered.enter",
        "webhooks_told.tell",
    ]  # fmt: skip
    assert list(StepRun.objects.order_by("pk").values_list("step", flat=True)) == steps
    assert Event.objects.get().attempts == 2
    assert MemberStats.objects.get().orders == 1


def test_the_wake_up_call_carries_an_id_and_nothing_else(db):
    event = paid_order()

    broker = os.environ["CELERY_BROKER_URL"].replace("redis+socket://", "unix://").replace("virtual_host", "db")
    with redis.Redis.from_url(broker) as client:
        messages = [json.loads(message) for message in client.lrange("celery", 0, -1)]

    assert [message["headers"]["task"] for message in messages] == ["flows.deliver_event"]
    assert [json.loads(base64.b64decode(message["body"]))[:2] for message in messages] == [[[event.pk], {}]]
