"""What webhooks look like from outside: for pages, and for journeys that call endpoints."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Avg, Count, Q, QuerySet

from apps.core import ids
from apps.core.errors import NotFound
from apps.webhooks import dispatch
from apps.webhooks.models import Attempt, Delivery, Endpoint, Secret

DELIVERY = "whd"
BEHIND = timedelta(minutes=15)


@dataclass(frozen=True)
class Health:
    """Of an endpoint: what waits now, and the calls and deliveries of the last 24 hours. `mean_ms` of calls that were answered."""

    endpoint: Endpoint
    waiting: int
    delivered: int
    failed: int
    calls: int
    mean_ms: int | None


def is_due(*, moment: datetime) -> bool:
    on = Endpoint.objects.filter(off="", retired_at=None).values("pk")
    return Delivery.objects.filter(endpoint__in=on, settled_at=None, due_at__lte=moment).exists()


def is_behind(*, moment: datetime) -> bool:
    """Whether a first call that is due has not been made for a quarter of an hour: the sender does not come round."""
    on = Endpoint.objects.filter(off="", retired_at=None).values("pk")
    late = Delivery.objects.filter(endpoint__in=on, settled_at=None, due_at__lte=moment - BEHIND)
    return late.filter(tries=0).exists()


def callable_endpoints() -> dict[str, str]:
    """Key and name of those that are called now."""
    return dict(Endpoint.objects.filter(off="", retired_at=None).order_by("name", "pk").values_list("key", "name"))


def why_not_called(key: str) -> str:
    """ "" for an endpoint that is called; else `endpoint_off` or `endpoint_gone`."""
    row = Endpoint.objects.filter(key=key).first()
    if row is None or row.retired_at:
        return "endpoint_gone"
    return "" if row.is_active else "endpoint_off"


def healths(*, moment: datetime) -> list[Health]:
    """Every endpoint that is not removed, by name."""
    since = moment - timedelta(hours=24)
    rows = list(Endpoint.objects.filter(retired_at=None).select_related("created_by").order_by("name", "pk"))
    settled = Q(settled_at__gte=since)
    counts: dict[int, Mapping[str, Any]] = {
        row["endpoint_id"]: row
        for row in Delivery.objects.filter(Q(settled_at=None) | settled, endpoint__in=rows)
        .values("endpoint_id")
        .annotate(
            waiting=Count("pk", filter=Q(settled_at=None)),
            delivered=Count("pk", filter=settled & Q(state=Delivery.State.DELIVERED)),
            failed=Count("pk", filter=settled & ~Q(state=Delivery.State.DELIVERED)),
        )
    }
    calls: dict[int, Mapping[str, Any]] = {
        row["delivery__endpoint_id"]: row
        for row in Attempt.objects.filter(signed_at__gte=since, delivery__endpoint__in=rows)
        .values("delivery__endpoint_id")
        .annotate(calls=Count("pk"), mean=Avg("took_ms", filter=Q(status__isnull=False)))
    }
    return [_health(row, counts.get(row.pk, {}), calls.get(row.pk, {})) for row in rows]


def _health(row: Endpoint, counts: Mapping[str, Any], calls: Mapping[str, Any]) -> Health:
    mean = calls.get("mean")
    return Health(
        endpoint=row, waiting=counts.get("waiting", 0), delivered=counts.get("delivered", 0), failed=counts.get("failed", 0),
        calls=calls.get("calls", 0), mean_ms=None if mean is None else round(mean),
    )  # fmt: skip


def deliveries(*, endpoint_id: int, state: str = "", kind: str = "") -> QuerySet[Delivery]:
    """An endpoint's, narrowed by state and by what was told, with their messages."""
    rows = Delivery.objects.filter(endpoint_id=endpoint_id).select_related("message")
    if state:
        rows = rows.filter(state=state)
    return rows.filter(message__type=kind) if kind else rows


def delivery(public_id: str) -> Delivery:
    """With its endpoint and message. Raises NotFound."""
    found = Delivery.objects.select_related("endpoint", "message").filter(pk=ids.decode(DELIVERY, public_id)).first()
    if found is None:
        raise NotFound
    return found


def attempts(*, delivery_id: int) -> list[Attempt]:
    """Newest first."""
    return list(Attempt.objects.filter(delivery_id=delivery_id).order_by("-pk"))


def public_id(row: Delivery) -> str:
    return ids.encode(DELIVERY, row.pk)


def message_id(row: Delivery) -> str:
    """The header `webhook-id`."""
    return ids.encode(dispatch.MESSAGE, row.message_id)


def old_secret_ends(*, endpoint_id: int, moment: datetime) -> datetime | None:
    """Until when the secret before the newest signs beside it; None when there is only one."""
    rows = Secret.objects.filter(endpoint_id=endpoint_id, ends_at__gt=moment).order_by("-pk")
    return rows.values_list("ends_at", flat=True).first()
