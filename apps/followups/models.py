"""Tasks of store staff about members: who does what until when, and what came of it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock


class Task(models.Model):
    """One thing to do. Without an assignee it lies in the pool of its store; without a store it is head office's.

    `title`, `note` and `evidence` may speak of the member: they go with an erasure.
    """

    class Kind(models.TextChoices):
        CALL = "call", pgettext_lazy("task", "Call")
        MESSAGE = "message", pgettext_lazy("task", "Message")
        VISIT = "visit", pgettext_lazy("task", "Visit")
        OTHER = "other", pgettext_lazy("task", "Other")

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("task", "Open")
        DONE = "done", pgettext_lazy("task", "Done")
        CANCELLED = "cancelled", pgettext_lazy("task", "Called off")
        EXPIRED = "expired", pgettext_lazy("task", "Too late")

    class Outcome(models.TextChoices):
        REACHED = "reached", pgettext_lazy("task", "Reached")
        WILL_BUY = "will_buy", pgettext_lazy("task", "Will buy")
        NOT_REACHED = "not_reached", pgettext_lazy("task", "Not reached")
        REFUSED = "refused", pgettext_lazy("task", "Refused")
        OTHER = "other", pgettext_lazy("task outcome", "Something else")

    class Priority(models.IntegerChoices):
        HIGH = 1, pgettext_lazy("task", "Urgent")
        NORMAL = 2, pgettext_lazy("task", "Normal")
        LOW = 3, pgettext_lazy("task", "When there is time")

    member = models.ForeignKey("members.Member", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    store = models.ForeignKey("stores.Store", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    assignee = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    title = models.CharField(max_length=120, blank=True)
    note = models.CharField(max_length=500, blank=True)
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)  # after it the task is worth nothing any more
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NORMAL)
    source = models.CharField(max_length=160, unique=True)  # "journey:lapsing.call:81": what asks for it, once
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True)
    evidence = models.CharField(max_length=500, blank=True)  # what was said or agreed
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.ForeignKey(
        "stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    pooled_at = models.DateTimeField(null=True)  # since when nobody has it
    escalated_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(
        "stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        verbose_name = _("follow-up")
        verbose_name_plural = _("follow-ups")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", settled_at=None) | ~Q(state="open") & Q(settled_at__isnull=False),
                name="followups_settled_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state="done") & ~Q(outcome="") | ~Q(state="done") & Q(outcome=""),
                name="followups_done_has_outcome",
            ),
            models.CheckConstraint(
                condition=~Q(state="open")
                | Q(assignee=None, pooled_at__isnull=False)
                | Q(assignee__isnull=False, pooled_at=None),
                name="followups_pool_or_person",
            ),
        ]
        indexes = [
            models.Index(fields=["store", "due_at", "id"], condition=Q(state="open"), name="followups_open_of_store"),
            models.Index(
                fields=["assignee", "due_at", "id"], condition=Q(state="open"), name="followups_open_of_staff"
            ),
            models.Index(fields=["expires_at"], condition=Q(state="open"), name="followups_to_expire"),
            models.Index(fields=["pooled_at"], condition=Q(state="open", assignee=None), name="followups_pooled"),
            models.Index(fields=["store", "-settled_at", "-id"], condition=~Q(state="open"), name="followups_settled"),
            models.Index(fields=["member", "-id"], condition=Q(member__isnull=False), name="followups_of_member"),
        ]

    def __str__(self) -> str:
        return self.source


class Entry(models.Model):
    """One line of a task's life; append-only, without words: those stand in the task, where an erasure finds them."""

    class Kind(models.TextChoices):
        GIVEN = "given", pgettext_lazy("task", "Given")
        TAKEN = "taken", pgettext_lazy("task", "Taken")
        HANDED_OVER = "handed_over", pgettext_lazy("task", "Handed over")
        RETURNED = "returned", pgettext_lazy("task", "Back in the pool")
        POSTPONED = "postponed", pgettext_lazy("task", "Put off")
        ESCALATED = "escalated", pgettext_lazy("task", "To the manager")
        DONE = "done", pgettext_lazy("task", "Done")
        CANCELLED = "cancelled", pgettext_lazy("task", "Called off")
        EXPIRED = "expired", pgettext_lazy("task", "Too late")

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=12, choices=Kind)
    at = models.DateTimeField()
    by = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    to = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    due_at = models.DateTimeField(null=True)  # after a putting off

    class Meta:
        indexes = [models.Index(fields=["task", "id"], name="followups_entry_of_task")]

    def __str__(self) -> str:
        return f"{self.task_id} {self.kind}"
