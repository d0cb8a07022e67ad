"""Messages come from facts: written down once, with a delivery for every endpoint that asked for them, in the fact's own step."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from celery import current_app
from django.db import transaction

from apps.core import audit, clock
from apps.webhooks import catalogue, endpoints
from apps.webhooks.errors import EndpointOff
from apps.webhooks.models import Delivery, Endpoint, Message

ENDPOINT_OFF, ENDPOINT_GONE = "endpoint_off", "endpoint_gone"


def tell(*, fact: str, key: str, payload: catalogue.Payload, moment: datetime) -> int:
    """A fact of the catalogue for every endpoint that wants it, once each however often this is called. Returns to how many.

    `key` names the fact, `moment` is when it happened. Runs in the caller's transaction.
    """
    asking = Endpoint.objects.filter(facts__contains=[fact], off="", retired_at=None)
    wanted = list(asking.order_by("pk").values_list("pk", flat=True))
    if not wanted:
        return 0
    _store(f"fact:{key}", fact, catalogue.FACTS[fact].made(payload), wanted, moment=moment)
    return len(wanted)


def tell_many(*, fact: str, rows: Sequence[tuple[str, datetime, dict[str, Any]]]) -> None:
    """Facts that a ledger tells: (name, when it happened, data), for all who ask. Names told before are passed over."""
    asking = Endpoint.objects.filter(facts__contains=[fact], off="", retired_at=None).order_by("pk")
    wanted, moment = list(asking.values_list("pk", flat=True)), clock.now()
    Message.objects.bulk_create(
        [Message(source=name, type=fact, body=_body(fact, at, data), created_at=moment) for name, at, data in rows],
        ignore_conflicts=True,
    )
    made = Message.objects.filter(source__in=[name for name, _at, _data in rows]).order_by("pk")
    Delivery.objects.bulk_create(
        [Delivery(endpoint_id=one, message=message) for message in made for one in wanted], ignore_conflicts=True
    )
    transaction.on_commit(wake, robust=True)


def call(*, endpoint: str, key: str, payload: catalogue.Payload, moment: datetime) -> Delivery:
    """A journey's call of one endpoint, by its key, once. Where that is off or gone meanwhile, the delivery says so and is not sent.

    `payload`: journey, node, enrolment_id, member_id. Raises NotFound for a key that never was.
    """
    row = endpoints.named(endpoint, with_retired=True)
    data = catalogue.CALL.made(payload)
    (made,) = _store(f"fact:{key}", catalogue.CALLED, data, [row.pk], moment=moment)
    if not row.is_active:
        why = ENDPOINT_GONE if row.retired_at else ENDPOINT_OFF
        Delivery.objects.filter(pk=made.pk, state=Delivery.State.WAITING).update(
            state=Delivery.State.DROPPED, error=why, settled_at=clock.now()
        )
    return made


@transaction.atomic
def ping(*, key: str) -> Delivery:
    """A test message, sent at once. Raises NotFound, EndpointOff."""
    row = endpoints.named(key)
    if not row.is_active:
        raise EndpointOff
    moment, text = clock.now(), "Siyu says hello."
    (made,) = _store(f"ping:{uuid4()}", catalogue.PING, {"text": text}, [row.pk], moment=moment)
    audit.record("webhook_endpoint.pinged", object_type="webhook_endpoint", object_id=row.key)
    return made


def _store(
    source: str, kind: str, data: dict[str, Any], endpoint_ids: Sequence[int], *, moment: datetime
) -> list[Delivery]:
    message, _is_new = Message.objects.get_or_create(
        source=source, defaults={"type": kind, "body": _body(kind, moment, data), "created_at": clock.now()}
    )
    Delivery.objects.bulk_create(
        [Delivery(endpoint_id=one, message=message) for one in endpoint_ids], ignore_conflicts=True
    )
    transaction.on_commit(wake, robust=True)
    return list(Delivery.objects.filter(message=message, endpoint_id__in=endpoint_ids).order_by("pk"))


def _body(kind: str, moment: datetime, data: dict[str, Any]) -> str:
    told = {"type": kind, "timestamp": catalogue.stamp(moment), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def wake() -> None:
    current_app.send_task("webhooks.drain")
