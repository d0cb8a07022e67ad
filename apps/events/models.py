"""The outbox: facts stored in the transaction of the change they report."""

from django.db import models
from django.db.models import Q

from apps.core import clock


class Event(models.Model):
    """A fact. `lane` orders the facts of one subject ("member:42"); the payload carries ids, never personal data."""

    name = models.CharField(max_length=60)  # "order.paid"
    key = models.CharField(max_length=160, unique=True)  # "order.paid:42": what happened once
    lane = models.CharField(max_length=60, blank=True)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)
    parked_at = models.DateTimeField(
        null=True
    )  # given up after 8 tries or 3 dead workers; blocks nobody; staff may retry
    attempts = models.PositiveSmallIntegerField(default=0)
    is_in_hand = models.BooleanField(
        default=False, db_default=False
    )  # begun; still so at the next start: its worker died
    deaths = models.PositiveSmallIntegerField(default=0, db_default=0)  # of workers, in a row
    next_try_at = models.DateTimeField(default=clock.now)
    error = models.CharField(max_length=200, blank=True)  # type of the last error and the step

    class Meta:
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(finished_at=None, parked_at=None), name="events_open"),
            models.Index(fields=["lane", "id"], condition=Q(finished_at=None), name="events_open_lane"),
            models.Index(fields=["finished_at"], condition=Q(finished_at__isnull=False), name="events_finished"),
        ]

    def __str__(self) -> str:
        return self.key


class StepRun(models.Model):
    """A step of a story that was done for a fact, in the step's own transaction."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="steps", db_index=False)
    step = models.CharField(max_length=80)  # "order_paid.engage"
    finished_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "step"], name="events_step_once")]

    def __str__(self) -> str:
        return f"{self.event_id} {self.step}"
