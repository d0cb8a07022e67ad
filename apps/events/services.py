"""Facts go up: `publish` stores one beside the change, wakes a worker after commit; a sweep finds what was missed."""

from functools import partial

from celery import current_app
from django.db import connection, transaction

from apps.core import clock
from apps.events.models import Event


def publish(name: str, *, key: str, lane: str = "", **payload: object) -> Event:
    """Store a fact inside the transaction of the change it reports; the same key again is the same fact.

    Raises RuntimeError outside a transaction: a fact without its change would be a lie.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("publish() belongs inside the transaction of the change it reports")
    event, created = Event.objects.get_or_create(
        key=f"{name}:{key}", defaults={"name": name, "lane": lane, "payload": payload}
    )
    if created:
        transaction.on_commit(partial(wake_worker, event.pk), robust=True)
    return event


def publish_many(name: str, *, query: str) -> int:
    """Store a fact per row of a query with the columns `key`, `lane`, `payload`, in its order. Returns how many are new.

    For set-based writers; the same rules as `publish`. The query is SQL of our own, without parameters.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("publish_many() belongs inside the transaction of the change it reports")
    with connection.cursor() as cursor:
        cursor.execute(
            f"""insert into events_event (name, key, lane, payload, created_at, next_try_at, attempts, error)
                select %s, %s || ':' || f.key, f.lane, f.payload, %s, %s, 0, '' from ({query}) f
                on conflict (key) do nothing""",
            [name, name, moment := clock.now(), moment],
        )
        stored = cursor.rowcount
    if stored:
        transaction.on_commit(wake_sweep, robust=True)
    return stored


def wake_sweep() -> None:
    """One wake-up for many facts."""
    current_app.send_task("flows.sweep_events")


def wake_worker(event_id: int) -> None:
    current_app.send_task("flows.deliver_event", args=[event_id])


def retry(*, event_id: int) -> bool:
    """Take a parked fact up again with fresh attempts. False when it is not parked."""
    parked = Event.objects.filter(pk=event_id, parked_at__isnull=False, finished_at=None)
    if not parked.update(parked_at=None, attempts=0, deaths=0, error="", next_try_at=clock.now()):
        return False
    transaction.on_commit(partial(wake_worker, event_id), robust=True)
    return True


def retry_all() -> int:
    """The same for every parked fact. Returns how many go out again."""
    parked = Event.objects.filter(parked_at__isnull=False, finished_at=None).order_by("pk").values_list("pk", flat=True)
    return sum(retry(event_id=event_id) for event_id in list(parked))
