"""Campaigns, and what marketing cost beside the messages themselves."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock


class Campaign(models.Model):
    """A journey with a date, made by the guided form. What staff chose stands in `plan` and is fixed once it has started; what runs is
    the journey's graph, written from it."""

    class Decision(models.TextChoices):
        WINNER = "winner", pgettext_lazy("campaign", "The better one goes to the rest")
        NO_DIFFERENCE = "no_difference", pgettext_lazy("campaign", "No difference found: the rest stays split")
        TOO_LITTLE = "too_little", pgettext_lazy("campaign", "Not enough data: the rest stays split")
        MISMATCH = "mismatch", pgettext_lazy("campaign", "Arms of the wrong size: the rest stays split")

    journey = models.OneToOneField("care.Journey", on_delete=models.PROTECT, related_name="campaign")
    plan = models.JSONField(default=dict)  # the shape stands in `plans.py`
    started_at = models.DateTimeField(null=True)
    starts_at = models.DateTimeField(null=True)  # the first sending, fixed with the start
    decided_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=20, blank=True, choices=Decision)
    winner = models.CharField(max_length=1, blank=True)  # letter of the variant
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(decided_at=None) ^ ~Q(decision=""), name="care_decision_has_word"),
            models.CheckConstraint(condition=Q(winner="") ^ Q(decision="winner"), name="care_winner_by_decision"),
            models.CheckConstraint(condition=~(Q(started_at=None) ^ Q(starts_at=None)), name="care_campaign_starts"),
        ]

    def __str__(self) -> str:
        return f"campaign {self.journey_id}"


class Cost(models.Model):
    """Money spent on one shop day for a journey (a campaign is one) or a policy; append-only.

    What was wrong is corrected by a row that takes it back whole, once. What messages cost stands in their attempts, what coupons
    cost in their uses: neither is entered here, so that nothing counts twice.
    """

    class Channel(models.TextChoices):
        SMS = "sms", _("SMS")
        INBOX = "inbox", _("In-app inbox")
        WECHAT = "wechat", _("Mini-program message")
        EMAIL = "email", _("E-mail")
        ADS = "ads", pgettext_lazy("cost", "Advertising")
        PRINT = "print", pgettext_lazy("cost", "Print and post")
        CONTENT = "content", pgettext_lazy("cost", "Content and design")
        STAFF = "staff", pgettext_lazy("cost", "Staff and agencies")
        OTHER = "other", pgettext_lazy("cost", "Other")

    journey = models.ForeignKey("care.Journey", null=True, on_delete=models.PROTECT, related_name="+")
    policy = models.ForeignKey("care.Policy", null=True, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=10, choices=Channel)
    day = models.DateField()
    amount_cents = models.BigIntegerField()  # 分; below zero only where it takes a row back
    note = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=120, unique=True)  # invoice or row of a file: the same again adds nothing
    corrects = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="correction")
    by = models.ForeignKey("core.User", null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(journey=None) ^ Q(policy=None), name="care_cost_of_one_thing"),
            models.CheckConstraint(
                condition=Q(corrects=None, amount_cents__gt=0) | Q(corrects__isnull=False, amount_cents__lt=0),
                name="care_cost_sign",
            ),
        ]
        indexes = [models.Index(fields=["-day", "-id"], name="care_cost_newest")]

    def __str__(self) -> str:
        return f"{self.day} {self.channel} {self.amount_cents}"
