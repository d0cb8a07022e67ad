"""What the desk does at once or by itself: macros, automations, and what each run of an automation came to."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.core import clock


class Macro(models.Model):
    """Several acts at one press; one that only answers is a canned reply. `kinds` empty: for tickets of every kind."""

    name = models.CharField(max_length=60, unique=True)
    kinds = ArrayField(models.CharField(max_length=10), default=list)
    actions = models.JSONField()
    is_active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class MacroUse(models.Model):
    """How often a macro was used: the most used stand first. A table of its own, as macros are audited."""

    macro = models.OneToOneField(Macro, on_delete=models.PROTECT, related_name="use", primary_key=True)
    times = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.macro_id} {self.times}"


class Automation(models.Model):
    """When `trigger` happens to a ticket that all `conditions` hold for, `actions` are done. By `position`, then age."""

    name = models.CharField(max_length=60, unique=True)
    trigger = models.CharField(max_length=12)
    conditions = models.JSONField(default=list)
    actions = models.JSONField()
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta:
        indexes = [models.Index(fields=["trigger", "position", "id"], name="tickets_automation_of")]

    def __str__(self) -> str:
        return self.name


class AutomationRun(models.Model):
    """Once for what set it off (`cause`: the key of the fact). `reason`: the code of what refused it. Append-only."""

    class Outcome(models.TextChoices):
        DONE = "done"
        REFUSED = "refused"
        LOOP = "loop"  # it, or too many others, led here
        BRAKE = "brake"  # too often on one ticket in a day

    automation = models.ForeignKey(Automation, on_delete=models.PROTECT, related_name="+", db_index=False)
    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.PROTECT, related_name="+", db_index=False)
    cause = models.CharField(max_length=160)
    outcome = models.CharField(max_length=10, choices=Outcome)
    reason = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["automation", "cause"], name="tickets_automation_once")]
        indexes = [
            models.Index(fields=["automation", "-id"], name="tickets_runs_of"),
            models.Index(fields=["ticket", "automation", "at"], name="tickets_runs_on"),
        ]

    def __str__(self) -> str:
        return f"{self.automation_id} {self.ticket_id} {self.outcome}"
