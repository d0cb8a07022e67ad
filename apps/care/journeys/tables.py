"""Journeys, who walks them, and the steps they took.

Written by `editing.py` what a journey is, by `entering.py` and `stepping.py` who walks.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock


class Journey(models.Model):
    """What staff edit. Publishing freezes a version; who entered under an older one stays on it, unless moved by choice."""

    class Status(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("journey", "Draft")
        LIVE = "live", pgettext_lazy("journey", "Running")
        PAUSED = "paused", pgettext_lazy("journey", "Paused")
        STOPPED = "stopped", pgettext_lazy("journey", "Stopped")

    key = models.SlugField(_("key"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=60)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    draft = models.JSONField(default=dict)  # the shape stands in `graph.py`; validated when it is published
    version = models.PositiveIntegerField(default=0)  # newest published; 0: never
    priority = models.PositiveSmallIntegerField(default=50)  # of its messages, beside those of policies
    created_at = models.DateTimeField(default=clock.now, editable=False)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("journey")
        verbose_name_plural = _("journeys")
        ordering = ["priority", "id"]

    def __str__(self) -> str:
        return self.name


class JourneyMark(models.Model):
    """How far a journey has looked: who may enter, what members wait for or leave by, and up to which stage change."""

    journey = models.OneToOneField(Journey, on_delete=models.CASCADE, primary_key=True, related_name="mark")
    looked_at = models.DateTimeField(null=True)
    watched_at = models.DateTimeField(null=True)
    change_id = models.BigIntegerField(default=0)  # later ones may lie in the past
    choices = models.JSONField(
        default=dict, db_default=models.Value({}, models.JSONField())
    )  # of splits, see `choosing`
    trouble = models.CharField(max_length=200, blank=True)  # step and error, while a step cannot be taken
    trouble_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.journey_id} {self.looked_at}"


class JourneyVersion(models.Model):
    """A published graph; never changed. `sends`: per send node the care version of its message."""

    journey = models.ForeignKey(Journey, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    graph = models.JSONField()
    sends = models.JSONField(default=dict)
    published_at = models.DateTimeField(default=clock.now)
    published_by = models.ForeignKey("core.User", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["journey", "number"], name="care_journey_version_once")]

    def __str__(self) -> str:
        return f"{self.journey_id} v{self.number}"


class Enrolment(models.Model):
    """A member's walk through a journey, once per occurrence: what caused it, never the run. It waits at `node` until `due_at`."""

    class Ending(models.TextChoices):
        DONE = "done", pgettext_lazy("journey", "Walked to the end")
        GOAL = "goal", pgettext_lazy("journey", "Reached the goal")
        LEFT = "left", pgettext_lazy("journey", "Left by an exit condition")
        STOPPED = "stopped", pgettext_lazy("journey", "Taken out, or the journey was stopped")
        GONE = "gone", pgettext_lazy("journey", "Is no member any more")
        CRASHED = "crashed", pgettext_lazy("journey", "Set aside: this walk ended our worker three times")

    journey = models.ForeignKey(Journey, on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey(JourneyVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+", db_index=False)
    occurrence = models.CharField(max_length=60)
    is_held_out = models.BooleanField(default=False)  # walks like the others, and gets nothing
    is_alone = models.BooleanField(default=True)  # False: may walk this journey several times at once
    node = models.CharField(max_length=24)
    arrived_at = models.DateTimeField()  # at this node
    due_at = models.DateTimeField()  # when it is this node's turn
    entered_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ending = models.CharField(max_length=10, blank=True, choices=Ending)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["journey", "member", "occurrence"], name="care_enrolled_once"),
            models.UniqueConstraint(
                fields=["journey", "member"], condition=Q(ended_at=None, is_alone=True), name="care_walks_alone"
            ),
            models.CheckConstraint(condition=Q(ended_at=None) ^ ~Q(ending=""), name="care_ending_has_word"),
        ]
        indexes = [
            models.Index(fields=["version", "node", "due_at"], condition=Q(ended_at=None), name="care_enrolment_due"),
            models.Index(fields=["member", "-id"], name="care_enrolment_of_member"),
            models.Index(fields=["journey", "-entered_at"], name="care_enrolment_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.journey_id} {self.member_id} {self.occurrence}"


class Step(models.Model):
    """A member passed a node, and what came of it: append-only, once. A graph has no way back, so a node is passed once a walk."""

    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT, related_name="steps", db_index=False)
    node = models.CharField(max_length=24)
    outcome = models.CharField(max_length=30)  # "planned", a reason of the gate, the way taken, "given", "held_out" …
    touch = models.ForeignKey("care.Touch", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["enrolment", "node"], name="care_step_once")]

    def __str__(self) -> str:
        return f"{self.enrolment_id} {self.node} {self.outcome}"


class StepWatch(models.Model):
    """Who is at a step of a version, and over whom workers died there; see `quarantine.py`."""

    version = models.ForeignKey(JourneyVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    node = models.CharField(max_length=24)
    is_running = models.BooleanField(default=False)
    level = models.PositiveSmallIntegerField(default=0)  # 0: whole chunks; then smaller ones, then one walk at a time
    left = models.PositiveIntegerField(default=0)  # walks that are still under suspicion
    alone = models.BigIntegerField(null=True)  # the enrolment that is, or was, taken alone
    alone_deaths = models.PositiveSmallIntegerField(default=0)
    set_aside = models.PositiveSmallIntegerField(default=0)  # since a walk last got through
    rests_since = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "node"], name="care_step_watched_once")]

    def __str__(self) -> str:
        return f"{self.version_id} {self.node}"
