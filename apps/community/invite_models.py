"""Invitations of members with a tag into the groups behind a code."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Invitation(models.Model):
    """Who had the tag when it was made; the gate of care decides who is written to, and how. `source` makes it once."""

    code = models.ForeignKey("community.GroupCode", on_delete=models.PROTECT, related_name="+", db_index=False)
    tag = models.ForeignKey("members.Tag", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    source = models.CharField(max_length=60, unique=True)
    made_at = models.DateTimeField()

    class Meta:
        verbose_name = _("invitation into a group")
        verbose_name_plural = _("invitations into groups")
        indexes = [
            models.Index(fields=["made_at"], name="community_invited_at"),
            models.Index(fields=["code", "-made_at"], name="community_invited_by"),
            models.Index(fields=["tag"], condition=models.Q(tag__isnull=False), name="community_invited_tag"),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk}"


class Invitee(models.Model):
    """One member of an invitation."""

    invitation = models.ForeignKey(Invitation, on_delete=models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["invitation", "member"], name="community_invited_once")]
        indexes = [models.Index(fields=["member"], name="community_invitations_of")]

    def __str__(self) -> str:
        return f"{self.invitation_id} {self.member_id}"
