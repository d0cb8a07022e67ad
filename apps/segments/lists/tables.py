"""Files that changed a list, each with what it did, so that the last one can be undone."""

from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from apps.core import clock
from apps.segments.groups import Build, Segment


class Upload(models.Model):
    """One file taken into a list. The passages of `build` say who came and went by it; None: it changed nothing."""

    class How(models.TextChoices):
        ADD = "add", pgettext_lazy("list of members", "Add")
        REPLACE = "replace", pgettext_lazy("list of members", "Replace")
        REMOVE = "remove", pgettext_lazy("list of members", "Take out")

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="uploads", db_index=False)
    job = models.OneToOneField("core.Job", null=True, on_delete=models.SET_NULL, related_name="+")
    how = models.CharField(max_length=7, choices=How)
    file_name = models.CharField(max_length=120, blank=True)
    digest = models.CharField(max_length=64)  # of the file, SHA-256
    rows = models.IntegerField()
    rejected = models.IntegerField()
    came = models.IntegerField()
    went = models.IntegerField()
    build = models.OneToOneField(Build, null=True, on_delete=models.SET_NULL, related_name="+")
    by = models.ForeignKey("core.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    at = models.DateTimeField(default=clock.now)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["segment", "-id"], name="segments_uploads_of")]
        constraints = [
            models.CheckConstraint(
                condition=Q(came__gte=0, went__gte=0, rejected__gte=0), name="segments_upload_counts"
            )
        ]

    def __str__(self) -> str:
        return f"{self.file_name} into {self.segment_id}"
