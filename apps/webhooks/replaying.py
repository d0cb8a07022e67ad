"""Sending again what was settled, by staff: one, or all that failed since a moment. The id stays, so a receiver can tell."""

from datetime import datetime

from django.db import transaction

from apps.core import audit, clock
from apps.core.errors import NotFound
from apps.webhooks import endpoints, telling
from apps.webhooks.errors import EndpointOff
from apps.webhooks.models import Delivery


@transaction.atomic
def one(*, delivery_id: int) -> None:
    """With a plan of fresh tries. One that is open is left alone. Raises NotFound, EndpointOff."""
    row = Delivery.objects.select_for_update(of=["self"]).select_related("endpoint").filter(pk=delivery_id).first()
    if row is None:
        raise NotFound
    if not row.endpoint.is_active:
        raise EndpointOff
    if row.settled_at is None:
        return
    _again([row.pk])
    audit.record("webhook_delivery.replayed", object_type="webhook_delivery", object_id=row.pk)


@transaction.atomic
def all_failed(*, key: str, since: datetime) -> int:
    """Every delivery of an endpoint made since then that failed or was not sent. Returns how many. Raises NotFound, EndpointOff."""
    endpoint = endpoints.named(key)
    if not endpoint.is_active:
        raise EndpointOff
    lost = [Delivery.State.FAILED, Delivery.State.DROPPED]
    rows = Delivery.objects.select_for_update().filter(endpoint=endpoint, state__in=lost, created_at__gte=since)
    found = list(rows.order_by("pk").values_list("pk", flat=True))
    if not found:
        return 0
    _again(found)
    after = {"since": since.isoformat(), "count": len(found)}
    audit.record("webhook_endpoint.replayed", object_type="webhook_endpoint", object_id=key, after=after)
    return len(found)


def _again(ids: list[int]) -> None:
    moment = clock.now()
    Delivery.objects.filter(pk__in=ids).update(
        state=Delivery.State.WAITING, tries=0, due_at=moment, settled_at=None, replayed_at=moment, error=""
    )
    transaction.on_commit(telling.wake, robust=True)
