"""Probes say no when a part is missing, and only then."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client

from apps.core import clock, runs
from apps.core.models import Heartbeat
from apps.events import services as events
from apps.events.models import Event

pytestmark = pytest.mark.django_db


def test_ready_needs_a_worker_that_gave_a_sign_within_90_seconds():
    assert Client().get("/readyz").json() == {
        "ready": False,
        "checks": {"database": True, "broker": True, "worker": False, "outbox": True},
    }

    runs.beat("worker")
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["ready"] is True

    Heartbeat.objects.update(at=clock.now() - timedelta(seconds=91))
    assert Client().get("/readyz").status_code == 503


def test_ready_says_no_when_a_fact_waits_for_five_minutes_and_yes_when_it_is_parked():
    runs.beat("worker")
    with transaction.atomic():
        fact = events.publish("order.paid", key="1", lane="member:1", member_id=1)
    Event.objects.filter(pk=fact.pk).update(created_at=clock.now() - timedelta(minutes=6))
    assert Client().get("/readyz").json()["checks"]["outbox"] is False

    Event.objects.filter(pk=fact.pk).update(parked_at=clock.now())
    assert Client().get("/readyz").json()["checks"]["outbox"] is True


def test_metrics_count_requests_by_route_and_name_the_lag():
    Client().get("/healthz")
    text = Client().get("/metrics").content.decode()

    assert 'siyu_http_requests_total{method="GET",route="healthz",status="200"}' in text
    assert "siyu_outbox_lag_seconds 0" in text
