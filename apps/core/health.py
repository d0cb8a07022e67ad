"""Probes for supervisors and load balancers, and figures for Prometheus."""

from collections.abc import Callable
from datetime import timedelta

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from apps.core import clock
from apps.core.models import Heartbeat

WORKER_SILENT_AFTER = timedelta(seconds=90)
OUTBOX_LATE_AFTER_SECONDS = 300


def alive(request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing else is asked."""
    return HttpResponse("ok", content_type="text/plain")


def ready(request: HttpRequest) -> JsonResponse:
    """200 when database, broker, worker and outbox are in order; else 503. Names only parts, never details."""
    checks = {
        "database": _holds(_database),
        "broker": _holds(_broker),
        "worker": _holds(_worker),
        "outbox": _holds(_outbox),
    }
    return JsonResponse({"ready": all(checks.values()), "checks": checks}, status=200 if all(checks.values()) else 503)


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text of this process, and the outbox lag, which is the house's."""
    lag = f"\n# TYPE siyu_outbox_lag_seconds gauge\nsiyu_outbox_lag_seconds {outbox_lag_seconds():.0f}\n"
    return HttpResponse(generate_latest() + lag.encode(), content_type=CONTENT_TYPE_LATEST)


def outbox_lag_seconds() -> float:
    """Age of the oldest fact still owed a step and not parked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(extract(epoch from %s - min(created_at)), 0) from events_event"
            " where finished_at is null and parked_at is null",
            [clock.now()],
        )
        return max(float(cursor.fetchone()[0]), 0.0)


def _holds(check: Callable[[], bool]) -> bool:
    try:
        return bool(check())
    except Exception:  # a probe answers no; what failed shows in the parts' own logs
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select 1")
        return cursor.fetchone() == (1,)


def _broker() -> bool:
    cache.set("readyz", 1, 5)
    return cache.get("readyz") == 1


def _worker() -> bool:
    return Heartbeat.objects.filter(name="worker", at__gt=clock.now() - WORKER_SILENT_AFTER).exists()


def _outbox() -> bool:
    return outbox_lag_seconds() < OUTBOX_LATE_AFTER_SECONDS
