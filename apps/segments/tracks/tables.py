"""Tracks, who stands on them since which date, and every move from step to step."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock


class Track(models.Model):
    """A named row of steps, dated by an anchor day of the member's ("due date"). `steps` and `ends` as in `shape.py`.

    `is_told`: the member may say the day themselves, in the portal.
    """

    key = models.SlugField(_("key"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(max_length=60, blank=True)
    anchor = models.CharField(max_length=60)  # what the day is called: "Due date or birthday of the child"
    anchor_en = models.CharField(max_length=60, blank=True)
    steps = models.JSONField()
    ends = models.JSONField(null=True)  # NULL: the last step never ends
    is_told = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    archived_at = models.DateTimeField(null=True)  # takes nobody in any more; who stands on it goes on

    class Meta:
        verbose_name = _("life track")
        verbose_name_plural = _("life tracks")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class Placement(models.Model):
    """A member on a track by one anchor day; two children are two rows. `step` is "" before the first step and after the end.

    `since`: when the present step began. `next_at`: when time alone moves it on. Both are first moments of shop days.
    """

    class Source(models.TextChoices):
        STAFF = "staff", pgettext_lazy("said by", "Staff")
        PORTAL = "portal", pgettext_lazy("said by", "The member, in the portal")
        API = "api", pgettext_lazy("said by", "The member, in an app")
        IMPORT = "import", pgettext_lazy("said by", "A file")

    track = models.ForeignKey(Track, on_delete=models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("members.Member", on_delete=models.CASCADE, related_name="+", db_index=False)
    anchor_on = models.DateField()
    source = models.CharField(max_length=10, choices=Source)
    step = models.CharField(max_length=40, blank=True)
    since = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()  # when they agreed that the day is kept
    left_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("place on a life track")
        verbose_name_plural = _("places on life tracks")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "track", "anchor_on"], condition=Q(left_at=None), name="segments_placed_once"
            ),
            models.CheckConstraint(
                condition=Q(left_at=None) | Q(step="", since=None, next_at=None), name="segments_gone_stands_nowhere"
            ),
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="segments_step_due"),
            models.Index(fields=["track", "step"], condition=Q(left_at=None), name="segments_on_step"),
            models.Index(fields=["left_at"], condition=Q(left_at__isnull=False), name="segments_place_left"),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} {self.track_id} {self.step}"


class TrackMove(models.Model):
    """One move to a step: never changed, deleted only together with its placement. A step is entered once a placement.

    `at`: the border for what time did, the moment of saying for the rest. `recorded_at`: the run that saw it.
    """

    class Cause(models.TextChoices):
        PLACED = "placed", pgettext_lazy("life track", "Placed")
        TIME = "time", pgettext_lazy("life track", "Time")
        AGAIN = "again", pgettext_lazy("life track", "Time, once more after a correction")
        CORRECTED = "corrected", pgettext_lazy("life track", "Date corrected")
        CHANGED = "changed", pgettext_lazy("life track", "Steps changed")
        LEFT = "left", pgettext_lazy("life track", "Left")

    placement = models.ForeignKey(Placement, on_delete=models.CASCADE, related_name="+", db_index=False)
    track = models.ForeignKey(Track, on_delete=models.PROTECT, related_name="+", db_index=False)
    before = models.CharField(max_length=40, blank=True)
    after = models.CharField(max_length=40, blank=True)
    cause = models.CharField(max_length=10, choices=Cause)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name = _("move on a life track")
        verbose_name_plural = _("moves on life tracks")
        constraints = [
            models.UniqueConstraint(
                fields=["placement", "after"],
                condition=Q(cause__in=["placed", "time"]) & ~Q(after=""),
                name="segments_step_entered_once",
            )
        ]
        indexes = [
            models.Index(fields=["placement", "id"], name="segments_moves_of"),
            models.Index(fields=["track", "after", "at"], name="segments_moves_into"),
        ]

    def __str__(self) -> str:
        return f"{self.placement_id} {self.before}→{self.after}"
