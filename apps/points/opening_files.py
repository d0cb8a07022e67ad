"""Files of opening balances on their way into the books."""

from django.db import models
from django.db.models import Q


class OpeningFile(models.Model):
    """What one file of members brings along, and whether it may be taken: within the limit of `handed_by`, or agreed to by another."""

    taken_in = models.OneToOneField("members.MemberImport", on_delete=models.PROTECT, related_name="+")
    members = models.BigIntegerField()
    points = models.BigIntegerField()
    growth = models.BigIntegerField()
    tiers = models.BigIntegerField()
    handed_by = models.ForeignKey("core.User", on_delete=models.PROTECT, related_name="+")
    handed_at = models.DateTimeField()
    approval = models.ForeignKey("core.Approval", null=True, on_delete=models.PROTECT, related_name="+")
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(released_at__isnull=False) | Q(approval__isnull=False),
                name="points_opening_file_waits_for_somebody",
            )
        ]

    def __str__(self) -> str:
        return f"{self.taken_in_id}"
