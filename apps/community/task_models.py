"""Tasks for groups: checking in day by day, or something that members hand in and staff look at; each rewarded once."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class GroupTask(models.Model):
    """`needed` check-ins, on different days, for the reward; in a row or not. What is handed in counts once it was looked at."""

    class Kind(models.TextChoices):
        CHECK_IN = "check_in", pgettext_lazy("group task", "Check-in")
        HAND_IN = "hand_in", pgettext_lazy("group task", "Hand in")

    name = models.CharField(_("name"), max_length=60)
    text = models.CharField(max_length=300, blank=True)
    kind = models.CharField(max_length=8, choices=Kind)
    needed = models.PositiveSmallIntegerField(default=1)
    is_in_a_row = models.BooleanField(default=False)
    first_on = models.DateField()
    last_on = models.DateField()
    group_ids = ArrayField(models.BigIntegerField(), default=list)  # empty: every group
    points = models.PositiveIntegerField(default=0)
    coupon_key = models.CharField(max_length=60, blank=True)
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("group task")
        verbose_name_plural = _("group tasks")
        constraints = [
            models.CheckConstraint(condition=Q(last_on__gte=F("first_on")), name="community_task_days"),
            models.CheckConstraint(condition=Q(needed__gte=1), name="community_task_needed"),
            models.CheckConstraint(
                condition=~Q(kind="hand_in") | Q(needed=1, is_in_a_row=False), name="community_task_hand_in"
            ),
            models.CheckConstraint(condition=Q(points__gt=0) | ~Q(coupon_key=""), name="community_task_rewarded"),
        ]

    def __str__(self) -> str:
        return self.name


class TaskDeed(models.Model):
    """One check-in of a shop day, or one thing handed in."""

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("group task", "Waits to be looked at")
        COUNTED = "counted", pgettext_lazy("group task", "Counts")
        REFUSED = "refused", pgettext_lazy("group task", "Refused")

    task = models.ForeignKey(GroupTask, on_delete=models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    note = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=8, choices=State)
    at = models.DateTimeField()
    judged_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "member", "day"], name="community_deed_a_day"),
            models.CheckConstraint(condition=~Q(state="refused") | Q(judged_at__isnull=False), name="community_judged"),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="waiting"), name="community_deeds_waiting"),
            models.Index(fields=["member", "task"], name="community_deeds_of"),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} {self.member_id} {self.day}"


class TaskReward(models.Model):
    """A member has done a task: once, whatever they do afterwards."""

    task = models.ForeignKey(GroupTask, on_delete=models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "member"], name="community_task_rewarded_once")]
        indexes = [models.Index(fields=["member"], name="community_task_rewards_of")]

    def __str__(self) -> str:
        return f"{self.task_id} {self.member_id}"
