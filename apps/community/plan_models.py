"""Plans for groups (SOP): what is to be done in which group on which day between which hours, and what came of it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class GroupPlan(models.Model):
    """Steps: [{"day": 0, "from": "10:00", "until": "12:00", "kind": "send", "text": "…"}].

    `day` counts from the group's first day, from the beginning of each round, or from the festival (before it: negative).
    """

    class Kind(models.TextChoices):
        NEW_GROUP = "new_group", pgettext_lazy("group plan", "New groups")
        CYCLE = "cycle", pgettext_lazy("group plan", "Round by round")
        FESTIVAL = "festival", pgettext_lazy("group plan", "Around a day")

    name = models.CharField(_("name"), max_length=60)
    kind = models.CharField(max_length=10, choices=Kind)
    starts_on = models.DateField()  # new groups: those made from then on; rounds: the first; festival: the day
    ends_on = models.DateField(null=True)
    every_days = models.PositiveSmallIntegerField(null=True)
    group_ids = ArrayField(models.BigIntegerField(), default=list)  # empty: every group
    left_out = ArrayField(models.BigIntegerField(), default=list)  # groups for which it ended early
    steps = models.JSONField()
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)  # early, by hand

    class Meta:
        verbose_name = _("group plan")
        verbose_name_plural = _("group plans")
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="cycle", every_days__gte=1) | ~Q(kind="cycle") & Q(every_days=None),
                name="community_plan_rounds",
            ),
            models.CheckConstraint(
                condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on")), name="community_plan_ends_after"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class GroupTodo(models.Model):
    """One step in one group on one day; made when its hours begin. What it says stands here: a plan may change meanwhile."""

    class Kind(models.TextChoices):
        SEND = "send", pgettext_lazy("group to-do", "Message into the group")
        BY_HAND = "by_hand", pgettext_lazy("group to-do", "By hand")

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("group to-do", "Open")
        DONE = "done", pgettext_lazy("group to-do", "Done")
        MISSED = "missed", pgettext_lazy("group to-do", "Missed")
        CANCELLED = "cancelled", pgettext_lazy("group to-do", "Called off")

    plan = models.ForeignKey(GroupPlan, on_delete=models.PROTECT, related_name="+", db_index=False)
    group = models.ForeignKey("community.Group", on_delete=models.PROTECT, related_name="+", db_index=False)
    step = models.PositiveSmallIntegerField()
    day = models.DateField()
    kind = models.CharField(max_length=8, choices=Kind)
    text = models.TextField()
    from_at = models.DateTimeField()
    until_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    code = models.CharField(max_length=40, blank=True)  # why it was missed
    settled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("to-do in a group")
        verbose_name_plural = _("to-dos in groups")
        constraints = [
            models.UniqueConstraint(fields=["plan", "group", "day", "step"], name="community_todo_once"),
            models.CheckConstraint(condition=Q(until_at__gt=F("from_at")), name="community_todo_hours"),
            models.CheckConstraint(
                condition=Q(state="open", settled_at=None) | ~Q(state="open") & Q(settled_at__isnull=False),
                name="community_todo_settled",
            ),
        ]
        indexes = [
            models.Index(fields=["until_at", "id"], condition=Q(state="open"), name="community_open_todos"),
            models.Index(fields=["group", "-from_at"], name="community_todos_of"),
        ]

    def __str__(self) -> str:
        return f"todo:{self.pk}"
