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
Check = Callable[[], bool]
CHECKS: dict[str, Check] = {}  # what `/readyz` asks; apps above add theirs when they start


def alive(request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing else is asked."""
    return HttpResponse("ok", content_type="text/plain")


def ready(request: HttpRequest) -> JsonResponse:
    """200 when every part is in order, else 503. Names parts, never details."""
    checks = {name: holds(check) for name, check in CHECKS.items()}
    return JsonResponse({"ready": all(checks.values()), "checks": checks}, status=200 if all(checks.values()) else 503)


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text of this process; gauges of the whole house (the outbox lag) are read when asked."""
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def holds(check: Check) -> bool:
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


CHECKS.update(database=_database, broker=_broker, worker=_worker)
