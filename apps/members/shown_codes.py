"""Codes by which a member shows at a counter who they are."""

from django.db import models
from django.db.models import F, Q

from apps.core import clock


class MemberCode(models.Model):
    """One code that was shown, by its keyed hash, and whether, when and where it was read. Rows go two days after their end."""

    member = models.ForeignKey("members.Member", on_delete=models.CASCADE, related_name="+")
    digest = models.BinaryField(max_length=32, unique=True)
    issued_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    wish = models.CharField(max_length=40, blank=True, default="")  # what the member chose before: "coupon:7"
    used_at = models.DateTimeField(null=True)
    store = models.ForeignKey("stores.Store", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    device = models.ForeignKey("stores.Device", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    staff = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("issued_at")), name="members_code_ends_later"),
            models.CheckConstraint(
                condition=Q(used_at=None, store=None, device=None, staff=None)
                | Q(used_at__isnull=False, store__isnull=False) & (Q(device__isnull=False) | Q(staff__isnull=False)),
                name="members_code_read_somewhere",
            ),
        ]

    def __str__(self) -> str:
        return f"code {self.pk} of {self.member_id}"
