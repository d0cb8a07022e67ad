"""What moving in from another system brings: files taken in, and opening balances that wait for the apps they belong to."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core import clock


class MemberImport(models.Model):
    """One file of members taken in. The same content again resumes or changes nothing."""

    job = models.OneToOneField("core.Job", null=True, on_delete=models.SET_NULL, related_name="+")
    file_name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    source = models.CharField(max_length=40)
    rows = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    members_added = models.BigIntegerField(default=0)
    members_changed = models.BigIntegerField(default=0)
    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.file_name


class Opening(models.Model):
    """What a member had in the system they come from: points, tier, growth, coupons. Once per source, member, kind and key.

    The app of its kind takes it and sets `taken_at`; from then on it never changes.
    """

    class Kind(models.TextChoices):
        POINTS = "points", _("Opening points")
        TIER = "tier", _("Tier")
        GROWTH = "growth", _("Growth value")
        COUPON = "coupon", _("Coupons")

    member = models.ForeignKey("members.Member", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    key = models.CharField(max_length=40, blank=True)  # the tier's or the coupon's name in the file
    amount = models.BigIntegerField(default=0)  # points, growth, number of coupons
    expires_on = models.DateField(null=True)
    source = models.CharField(max_length=40)  # the system they come from
    line = models.BigIntegerField()  # of the file
    taken_in = models.ForeignKey(MemberImport, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=clock.now)
    taken_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "member", "kind", "key"], name="members_opening_once"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="members_opening_not_negative"),
        ]
        indexes = [models.Index(fields=["kind", "id"], condition=Q(taken_at=None), name="members_opening_waiting")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.member_id}"
