"""What becomes of member records: merges and what they moved, pairs to look at, changes of state, people who left."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock


class Merge(models.Model):
    """Two records found to be one person: `loser` is an alias of `survivor` until the merge is undone.

    `before_sealed` holds the survivor's own values and tags, sealed with the survivor's key; `images` the rows without personal data.
    """

    survivor = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+")
    loser = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=120, unique=True)  # "console:<request key>", "unionid:<fact id>"
    reason = models.CharField(max_length=200, blank=True)
    choices = models.JSONField(default=dict)  # field → policy
    before_sealed = models.BinaryField(null=True)
    images = models.JSONField(default=dict)
    actor = models.CharField(max_length=60)
    at = models.DateTimeField(default=clock.now)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["loser"], condition=Q(undone_at=None), name="members_merged_into_one"),
            models.CheckConstraint(condition=~Q(survivor=F("loser")), name="members_merge_of_two"),
        ]

    def __str__(self) -> str:
        return f"{self.loser_id}→{self.survivor_id}"


class MergeMove(models.Model):
    """The rows of one table that a merge moved to the survivor: what an undoing gives back."""

    merge = models.ForeignKey(Merge, on_delete=models.CASCADE, related_name="moves")
    model = models.CharField(max_length=60)  # "orders.Order"
    row_ids = ArrayField(models.TextField())

    def __str__(self) -> str:
        return f"{self.merge_id} {self.model}"


class Doubt(models.Model):
    """Two records that may be one person, waiting for somebody to look. Each pair once."""

    class State(models.TextChoices):
        OPEN = "open", _("To be looked at")
        MERGED = "merged", _("Merged")
        APART = "apart", _("Two people")

    class Cause(models.TextChoices):
        UNIONID = "unionid", _("One WeChat person on two records")
        PHONE = "phone", _("One phone, proven from two records")
        FOUND = "found", _("Records that look alike")

    first = models.ForeignKey("members.Member", on_delete=models.CASCADE, related_name="+", db_index=False)
    second = models.ForeignKey("members.Member", on_delete=models.CASCADE, related_name="+")
    cause = models.CharField(max_length=20, choices=Cause)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    score = models.PositiveSmallIntegerField(default=100)  # of 100: how much speaks for one person
    reasons = ArrayField(models.CharField(max_length=30), default=list)  # rules of `duplicates`, the strongest first
    at = models.DateTimeField(default=clock.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="members_doubt_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="members_doubt_in_order"),
        ]
        indexes = [models.Index(fields=["-id"], condition=Q(state="open"), name="members_doubt_open")]

    def __str__(self) -> str:
        return f"{self.first_id}?{self.second_id}"


class StateChange(models.Model):
    """One change of a member's state with its reason; append-only. What a merge does to states stands in the merge."""

    class Cause(models.TextChoices):
        ASKED = "asked", pgettext_lazy("member state", "The member asked")
        ABUSE = "abuse", _("Abuse of offers")
        RISK = "risk", _("Account may be in other hands")
        DISPUTE = "dispute", _("Open dispute")
        SETTLED = "settled", _("Settled")
        ERASED = "erased", pgettext_lazy("member state", "Cool-off over, erased")

    member = models.ForeignKey("members.Member", on_delete=models.CASCADE, related_name="+", db_index=False)
    before = models.CharField(max_length=10)
    after = models.CharField(max_length=10)
    cause = models.CharField(max_length=10, choices=Cause)
    reason = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=60)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["member", "-id"], name="members_states_of")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.before}→{self.after}"


class Departure(models.Model):
    """That somebody with this phone or number was here: a keyed hash and nothing else, until `expires_at`. In the policy text.

    It keeps a newcomer's gift from being taken again and again, a blocked person from walking in by erasing themselves, and old
    lists from bringing back who went.
    """

    digest = models.BinaryField(max_length=32, unique=True)
    was_blocked = models.BooleanField(default=False)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"departure {self.pk}"
