"""Packs of hashes that were made for somebody outside, and whose hashes each held: proof, and whom to call back."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock
from apps.segments.groups import Segment


class Pack(models.Model):
    """One pack. Its source is a segment, or the buyers of the last `days`; a withdrawal has none. The hashes stand in the job's file.

    `left_out`: members of the source who did not allow it, or of whom there is nothing to hash.
    """

    class Use(models.TextChoices):
        SEED = "seed", pgettext_lazy("audience pack", "Seed: find people like them")
        SUPPRESS = "suppress", pgettext_lazy("audience pack", "Suppression: do not show them adverts")
        WITHDRAW = "withdraw", pgettext_lazy("audience pack", "Withdrawal: take these out of earlier packs")

    class Ids(models.TextChoices):
        PHONE = "phone", _("Phone")
        OPENID = "openid", _("Mini-program id")
        EMAIL = "email", _("E-mail")

    use = models.CharField(max_length=8, choices=Use)
    ids = models.CharField(max_length=6, choices=Ids, default=Ids.PHONE)
    recipient = models.CharField(max_length=40)
    segment = models.ForeignKey(Segment, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    days = models.PositiveSmallIntegerField(null=True)
    job = models.OneToOneField("core.Job", null=True, on_delete=models.SET_NULL, related_name="+")
    members = models.IntegerField(default=0)
    left_out = models.IntegerField(default=0)
    by = models.ForeignKey("core.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    asked_at = models.DateTimeField(default=clock.now)
    made_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(use="withdraw", segment=None, days=None)
                | (~Q(use="withdraw") & (Q(segment=None) ^ Q(days=None))),
                name="segments_pack_source",
            ),
            models.CheckConstraint(condition=Q(members__gte=0, left_out__gte=0), name="segments_pack_counts"),
        ]

    def __str__(self) -> str:
        return f"{self.use} for {self.recipient}"


class PackMember(models.Model):
    """A member's hash stood in a pack for this recipient."""

    pack = models.ForeignKey(Pack, on_delete=models.CASCADE, related_name="+", db_index=False)
    member = models.ForeignKey("members.Member", on_delete=models.CASCADE, related_name="+", db_index=False)
    recipient = models.CharField(max_length=40)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pack", "member"], name="segments_pack_member_once")]
        indexes = [models.Index(fields=["member"], name="segments_packs_of_member")]

    def __str__(self) -> str:
        return f"{self.member_id} for {self.recipient}"
