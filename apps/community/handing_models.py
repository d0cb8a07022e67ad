"""Hand-overs: somebody's customers go to a colleague, each with how it ended."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class HandOver(models.Model):
    """From one to another; `has_left`: by WeCom's rules for people who left, else for those who still work."""

    from_userid = models.CharField(max_length=64)
    to_userid = models.CharField(max_length=64)
    has_left = models.BooleanField(default=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("hand-over")
        verbose_name_plural = _("hand-overs")
        constraints = [
            models.UniqueConstraint(
                fields=["from_userid"], condition=Q(finished_at=None), name="community_one_hand_over"
            ),
            models.CheckConstraint(condition=~Q(from_userid=F("to_userid")), name="community_to_another"),
        ]

    def __str__(self) -> str:
        return f"hand-over {self.pk}"


class HandOverItem(models.Model):
    """One customer on the way. While it is, no group send of theirs is made: nobody knows yet who has them."""

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("hand-over", "Waits")
        BEGUN = "begun", pgettext_lazy("hand-over", "On the way")
        DONE = "done", pgettext_lazy("hand-over", "Handed over")
        REFUSED = "refused", pgettext_lazy("hand-over", "Stayed")

    hand_over = models.ForeignKey(HandOver, on_delete=models.PROTECT, related_name="items", db_index=False)
    contact = models.ForeignKey("community.Contact", on_delete=models.CASCADE, related_name="+", db_index=False)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    code = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hand_over", "contact"], name="community_handed_once"),
            models.UniqueConstraint(
                fields=["contact"], condition=Q(state__in=["waiting", "begun"]), name="community_handed_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["hand_over", "state", "id"], name="community_hand_over_state")]

    def __str__(self) -> str:
        return f"{self.hand_over_id} {self.contact_id} {self.state}"
