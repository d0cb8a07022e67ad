"""Files that members sent. Their content lies under MEDIA_ROOT, sealed with the member's own key; here stands what it is."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock


class Upload(models.Model):
    """A picture of a member, drawn anew by us, or what staff sent them. Waits a day for its use; the same one again is the same row."""

    class Purpose(models.TextChoices):
        AVATAR = "avatar", _("Profile picture")
        TICKET = "ticket", _("Picture for our service")
        DESK = (
            "desk",
            _("From our service"),
        )  # of staff, a PDF too; until it is said to the member, it is none of theirs

    member = models.ForeignKey("members.Member", on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=32, unique=True)  # random; names the sealed file
    digest = models.BinaryField(max_length=32)  # keyed, of what was sent
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose)
    media_type = models.CharField(max_length=40)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField()  # bytes, before sealing
    created_at = models.DateTimeField(pgettext_lazy("column", "created"), default=clock.now)
    expires_at = models.DateTimeField(null=True)  # None while something uses it

    class Meta:
        verbose_name = pgettext_lazy("of a member", "file")
        verbose_name_plural = pgettext_lazy("of a member", "files")
        constraints = [models.UniqueConstraint(fields=["member", "purpose", "digest"], name="members_upload_once")]
        indexes = [
            models.Index(
                fields=["expires_at"], condition=models.Q(expires_at__isnull=False), name="members_upload_ends"
            )
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"
