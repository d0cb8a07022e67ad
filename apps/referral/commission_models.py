"""Commissions: a share of what invited friends keep buying, for who invited them and for who invited those; and paying them out."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

LEVELS = 2  # the law ends here: pay from a third level on would be a pyramid


class Commission(models.Model):
    """One order's share for one level: `earned_cents - taken_cents` 分. Frozen until `due_at`; what is given back later goes off again.

    `credit`: the friendship by which `member` gets it; at the second level that of the inviter, not of the buyer.
    """

    class Level(models.IntegerChoices):
        FRIEND = 1, pgettext_lazy("commission", "Your friend bought")
        FRIENDS_FRIEND = 2, pgettext_lazy("commission", "A friend of your friend bought")

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="+", db_index=False)
    level = models.PositiveSmallIntegerField(choices=Level)
    credit = models.ForeignKey("referral.Credit", on_delete=models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+", db_index=False)
    permille = models.PositiveSmallIntegerField()
    earned_cents = models.PositiveBigIntegerField()
    taken_cents = models.PositiveBigIntegerField(default=0)
    due_at = models.DateTimeField()
    freed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = pgettext_lazy("referral", "commission")
        verbose_name_plural = pgettext_lazy("referral", "commissions")
        constraints = [
            models.UniqueConstraint(fields=["order", "level"], name="referral_commission_once"),
            models.CheckConstraint(condition=Q(level__gte=1, level__lte=LEVELS), name="referral_two_levels"),
            models.CheckConstraint(condition=Q(taken_cents__lte=F("earned_cents")), name="referral_taken_within"),
            models.CheckConstraint(
                condition=Q(freed_at=None) | Q(freed_at__gte=F("due_at")), name="referral_frozen_first"
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-id"], name="referral_commissions_of"),
            models.Index(fields=["credit"], name="referral_commissions_by"),
            models.Index(fields=["due_at"], condition=Q(freed_at=None), name="referral_frozen"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} level {self.level}"


class Withdrawal(models.Model):
    """A member wants what is free paid out. It is off the balance from the asking on; refused, it is back."""

    class State(models.TextChoices):
        ASKED = "asked", pgettext_lazy("withdrawal", "Asked for")
        PAID = "paid", pgettext_lazy("withdrawal", "Paid out")
        REFUSED = "refused", pgettext_lazy("withdrawal", "Refused")

    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+", db_index=False)
    amount_cents = models.PositiveBigIntegerField()
    state = models.CharField(max_length=8, choices=State, default=State.ASKED)
    source = models.CharField(max_length=80, unique=True)
    asked_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey("core.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    reference = models.CharField(_("reference"), max_length=60, blank=True)  # of the payment, or why it was refused

    class Meta:
        verbose_name = pgettext_lazy("referral", "withdrawal")
        verbose_name_plural = pgettext_lazy("referral", "withdrawals")
        constraints = [
            models.CheckConstraint(condition=Q(amount_cents__gte=1), name="referral_withdraws_something"),
            models.CheckConstraint(
                condition=Q(state="asked", settled_at=None, settled_by=None, reference="")
                | ~Q(state="asked") & Q(settled_at__isnull=False),
                name="referral_withdrawal_settled",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-id"], name="referral_withdrawals_of"),
            models.Index(fields=["id"], condition=Q(state="asked"), name="referral_withdrawals_open"),
        ]

    def __str__(self) -> str:
        return self.source
