"""Segments: members grouped by a rule or a list, who came and went, and the notes that somebody has to be looked at again.

Written by `defining.py` what a segment is, `building.py` who is in it.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock


class Segment(models.Model):
    """A group of members under a name: by a rule, or a list that somebody uploaded. Elsewhere it is called "segment:<key>".

    `rule` is the newest of its versions. `moves`: whether time alone changes who is in it ("", "days", "hours").
    `due`: its members must be worked out anew from the beginning.
    """

    class Kind(models.TextChoices):
        RULE = "rule", pgettext_lazy("segment", "By a rule")
        LIST = "list", pgettext_lazy("segment", "A list")

    class Moves(models.TextChoices):
        NEVER = "", pgettext_lazy("segment", "No")
        DAYS = "days", pgettext_lazy("segment", "At midnight")
        HOURS = "hours", pgettext_lazy("segment", "At any hour")

    key = models.SlugField(_("key"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    kind = models.CharField(max_length=5, choices=Kind, default=Kind.RULE)
    rule = models.JSONField(null=True)
    number = models.PositiveIntegerField(default=0)  # of the version that `rule` is
    moves = models.CharField(max_length=5, choices=Moves, default=Moves.NEVER, blank=True)
    asks = ArrayField(models.BigIntegerField(), default=list, blank=True)  # ids of segments that the rule asks about
    is_due = models.BooleanField(default=True)
    size = models.IntegerField(default=0)
    built_at = models.DateTimeField(null=True)  # when its members were last looked at, all or some
    full_at = models.DateTimeField(null=True)  # … all of them
    created_by = models.ForeignKey("core.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = pgettext_lazy("group of members", "segment")
        verbose_name_plural = pgettext_lazy("group of members", "segments")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind="rule") ^ Q(rule__isnull=True), name="segments_rule_or_list"),
            models.CheckConstraint(condition=Q(size__gte=0), name="segments_size_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name


class RuleVersion(models.Model):
    """A rule as somebody saved it: append-only."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    rule = models.JSONField()
    by = models.ForeignKey("core.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["segment", "number"], name="segments_version_once")]

    def __str__(self) -> str:
        return f"{self.segment_id} v{self.number}"


class Membership(models.Model):
    """A member is in a segment, since the build that saw it."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="+", db_index=False)
    member = models.ForeignKey("members.Member", on_delete=models.CASCADE, related_name="+", db_index=False)
    since = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["segment", "member"], name="segments_member_once")]
        indexes = [models.Index(fields=["member", "segment"], name="segments_of_member")]

    def __str__(self) -> str:
        return f"{self.member_id} in {self.segment_id}"


class Build(models.Model):
    """One working out of a segment's members, whole or of those alone who changed."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="builds", db_index=False)
    is_full = models.BooleanField()
    as_of = models.DateTimeField()
    looked_at = models.IntegerField(default=0)
    entered = models.IntegerField(default=0)
    left = models.IntegerField(default=0)
    size = models.IntegerField(default=0)
    seconds = models.FloatField(default=0)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["segment", "-id"], name="segments_builds_of")]

    def __str__(self) -> str:
        return f"{self.segment_id} {self.as_of:%F %T}"


class Passage(models.Model):
    """A member came into a segment or went out of it: append-only. The first build of a rule lets everybody in at once."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="+", db_index=False)
    member = models.ForeignKey("members.Member", on_delete=models.CASCADE, related_name="+", db_index=False)
    build = models.ForeignKey(Build, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    is_entry = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["segment", "-id"], name="segments_passages_of"),
            models.Index(fields=["member", "-id"], name="segments_passages_member"),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} {'into' if self.is_entry else 'out of'} {self.segment_id}"


class Stir(models.Model):
    """A note that something about a member changed that rules may ask about. Written by triggers, taken by the builds."""

    member = models.ForeignKey(
        "members.Member", on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )

    def __str__(self) -> str:
        return str(self.member_id)


class StirMark(models.Model):
    """Up to which line a ledger was read for changes, by the run before the last one and by the last one."""

    name = models.CharField(max_length=40, primary_key=True)
    before = models.BigIntegerField(default=0)
    last = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.before}–{self.last}"
