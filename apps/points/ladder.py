"""The ladder of tiers and who stands where. Written by `tiers.py` alone; the rules in words: docs/tiers.md."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.points.books import Currency


class Ladder(models.Model):
    """How tiers are reached and lost. One row.

    `window`: {"kind": "rolling", "months": N} | {"kind": "calendar", "starts": "01-01"} | {"kind": "life"}.
    `validity`: {"kind": "none"} | {"kind": "months", "months": N} (from the day the tier was reached) | {"kind": "calendar",
    "date": "12-31", "years": K} | {"kind": "joined", "years": K} (the next anniversary of joining, or K later).
    """

    class Basis(models.TextChoices):
        EARNED = "earned", _("What was earned within the period")
        SPEND = "spend", _("Net spending within the period")
        BALANCE = "balance", _("The present balance")

    class Downgrade(models.TextChoices):
        ONE_DOWN = "one_down", _("One tier at a time")
        BY_VALUE = "by_value", _("To the tier of the present value")
        NEVER = "never", _("Never")

    basis = models.CharField(_("counts"), max_length=10, choices=Basis, default=Basis.EARNED)
    currency = models.ForeignKey(Currency, null=True, on_delete=models.PROTECT, related_name="+")
    window = models.JSONField(_("period"), default=dict)
    validity = models.JSONField(_("validity"), default=dict)
    downgrade = models.CharField(_("downgrade"), max_length=10, choices=Downgrade, default=Downgrade.ONE_DOWN)
    grace_days = models.PositiveIntegerField(_("days of grace"), default=0)
    warn_days = models.PositiveIntegerField(_("warn days ahead"), default=30)
    starts_next_period = models.BooleanField(_("a new tier counts from the next period on"), default=False)

    class Meta:
        verbose_name = _("tier ladder")
        verbose_name_plural = _("tier ladders")

    def __str__(self) -> str:
        return self.basis


class Tier(models.Model):
    """One rung. Rank 0 is where everybody begins; `segment_key` gates it: only members of that segment may stand there."""

    ladder = models.ForeignKey(Ladder, on_delete=models.PROTECT, related_name="tiers", db_index=False)
    key = models.SlugField(_("key"), max_length=20, unique=True)
    rank = models.PositiveSmallIntegerField(_("rank"))
    name = models.CharField(_("name"), max_length=40)
    name_en = models.CharField(_("English name"), max_length=40)
    threshold = models.PositiveBigIntegerField(_("from"))  # 分 where the ladder counts spending
    segment_key = models.CharField(_("only for segment"), max_length=60, blank=True)
    is_for_life = models.BooleanField(_("never lost"), default=False)

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        ordering = ["rank"]
        constraints = [models.UniqueConstraint(fields=["ladder", "rank"], name="points_rank_once")]

    def __str__(self) -> str:
        return self.key


class Benefit(models.Model):
    """What a tier gives, as data: the earning multiplier and the birthday gift are read by rules, the rest is shown and looked up."""

    class Kind(models.TextChoices):
        MULTIPLIER = "multiplier", _("Points multiplier")
        BIRTHDAY = "birthday", _("Birthday points")
        COUPON = "coupon", _("Coupon")
        SHIPPING = "shipping", _("Free shipping")
        SERVICE = "service", _("Service")

    tier = models.ForeignKey(Tier, on_delete=models.CASCADE, related_name="benefits")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    title = models.CharField(_("title"), max_length=60)
    title_en = models.CharField(_("English title"), max_length=60)
    value = models.JSONField(
        _("value"), default=dict, blank=True
    )  # {"factor": "1.5"}, {"points": 200}, {"coupon": "key"}
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("tier benefit")
        verbose_name_plural = _("tier benefits")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.title


class Standing(models.Model):
    """Where a member stands; no row: on the lowest rung. `value` is what counted at `assessed_at`.

    A tier reached by value rests on what was earned from `basis_from` to `basis_until`, which then was at least `needed`; where it
    rests on nothing that can be refunded, `needed` is None. `beneath`: the tiers it rose from, should it be taken back.
    """

    member = models.OneToOneField("members.Member", primary_key=True, on_delete=models.CASCADE, related_name="+")
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)  # first moment the validity is over
    grace_until = models.DateTimeField(null=True)
    value = models.BigIntegerField(default=0)
    coming = models.ForeignKey(Tier, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    coming_at = models.DateTimeField(null=True)  # a tier reached that counts from the next period on
    is_locked = models.BooleanField(default=False)  # set by hand: no assessment changes it
    warned_for = models.DateTimeField(null=True)  # the `valid_until` that was warned of
    next_check_at = models.DateTimeField(null=True)  # not before then does time alone change anything
    basis_from = models.DateTimeField(null=True)
    basis_until = models.DateTimeField(null=True)
    needed = models.BigIntegerField(null=True)
    beneath = models.JSONField(default=list)  # [{"tier", "since", "until", "from", "to", "needed"}], lowest first
    assessed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("tier standing")
        verbose_name_plural = _("tier standings")
        indexes = [
            models.Index(fields=["next_check_at"], condition=Q(next_check_at__isnull=False), name="points_standing_due")
        ]

    def __str__(self) -> str:
        return f"{self.member_id} {self.tier_id}"


class TierChange(models.Model):
    """One move on the ladder, append-only."""

    class Cause(models.TextChoices):
        REACHED = "reached", _("Reached")
        FELL = "fell", _("Validity ran out")
        REFUND = "refund", _("A refund took the value back")
        BY_HAND = "by_hand", _("Set by hand")
        BROUGHT = "brought", _("Brought along")
        MERGED = "merged", _("Records were joined")
        RULES = "rules", _("The ladder changed")

    member = models.ForeignKey("members.Member", on_delete=models.CASCADE, related_name="+", db_index=False)
    before = models.ForeignKey(Tier, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    after = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="+", db_index=False)
    cause = models.CharField(max_length=10, choices=Cause)
    value = models.BigIntegerField()
    at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["member", "-id"], name="points_tier_moves")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.before_id} → {self.after_id}"
