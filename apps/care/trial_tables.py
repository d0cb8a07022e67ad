"""Test sends: which membership is whose among the staff, and what went there. Nothing of it is a touch, so no result counts it."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock


class Tester(models.Model):
    """A colleague's own membership, proved by a code sent to its phone: test messages go there and nowhere else."""

    user = models.OneToOneField("core.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("account"))
    member = models.OneToOneField("members.Member", on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("receiver of test messages")
        verbose_name_plural = _("receivers of test messages")

    def __str__(self) -> str:
        return f"{self.user_id} {self.member_id}"


class Trial(models.Model):
    """One test message to one colleague. `what`: the step or policy it is of ("care.remind")."""

    class State(models.TextChoices):
        SENDING = "sending", pgettext_lazy("test message", "Under way")
        ACCEPTED = "accepted", pgettext_lazy("test message", "Sent")
        REFUSED = "refused", pgettext_lazy("test message", "Not sent")
        UNKNOWN = "unknown", pgettext_lazy("test message", "No answer")

    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+", db_index=False)
    by = models.ForeignKey("core.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    what = models.CharField(max_length=60)
    channel = models.CharField(max_length=10)
    text = models.TextField()
    state = models.CharField(max_length=10, choices=State, default=State.SENDING)
    code = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("test message")
        verbose_name_plural = _("test messages")
        indexes = [
            models.Index(fields=["member", "-at"], name="care_trial_of_member"),
            models.Index(fields=["what", "-id"], name="care_trial_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.channel} {self.state}"
