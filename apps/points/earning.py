"""Rules of earning as rows, and what they gave. The grammar of a definition stands in docs/points-rules.md."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.points.books import Account, Currency, Entry


class Rule(models.Model):
    """One way to earn. Published versions never change; `current` counts from its publication on, `draft` is being edited."""

    class Trigger(models.TextChoices):
        ORDER = "order", _("Order paid")
        FIRST_ORDER = "first_order", _("First order")
        EVENT = "event", _("Behaviour event")
        TASK = "task", _("Task done")
        SIGN_IN = "sign_in", _("Daily sign-in")
        BIRTHDAY = "birthday", _("Birthday")
        REVIEW = "review", _("Review")
        REGISTRATION = "registration", _("Registration")

    key = models.SlugField(_("key"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60)
    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+")
    trigger = models.CharField(_("trigger"), max_length=20, choices=Trigger)
    is_active = models.BooleanField(_("active"), default=False)
    draft = models.JSONField(null=True)
    current = models.ForeignKey("points.RuleVersion", null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = _("earning rule")
        verbose_name_plural = _("earning rules")
        ordering = ["trigger", "key"]
        constraints = [
            models.CheckConstraint(condition=Q(is_active=False) | Q(current__isnull=False), name="points_rule_has_text")
        ]

    def __str__(self) -> str:
        return self.key


class RuleVersion(models.Model):
    """What a rule said from `at` on, append-only. Every ledger line knows the version that made it.

    `most` is what it can give one member for one thing (None: no bound), `allowed` what its author may publish alone; above it stands
    `agreed_by`, who is another. Without `by` it came with the code.
    """

    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    definition = models.JSONField()
    at = models.DateTimeField(default=clock.now)
    by = models.ForeignKey("core.User", null=True, on_delete=models.PROTECT, related_name="+")
    agreed_by = models.ForeignKey("core.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    most = models.BigIntegerField(null=True)
    allowed = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="points_version_once"),
            models.CheckConstraint(
                condition=Q(by=None, agreed_by=None)
                | Q(by__isnull=False, agreed_by__isnull=False) & ~Q(agreed_by=F("by"))
                | Q(by__isnull=False, agreed_by=None, most__isnull=False, most__lte=F("allowed")),
                name="points_version_by_two",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id}/{self.number}"


class Award(models.Model):
    """What one version gave for one thing, by order line where there is one, append-only: caps and partial refunds stand on it.

    `points` may be 0 where a cap left nothing. `on` is the shop day. `reason`: "" or the code of what cut it down.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    entry = models.ForeignKey(Entry, null=True, on_delete=models.PROTECT, related_name="awards")
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey(RuleVersion, on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey("orders.Order", null=True, on_delete=models.PROTECT, related_name="+")
    line = models.ForeignKey("orders.Line", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    points = models.BigIntegerField()
    reason = models.CharField(max_length=40, blank=True)
    on = models.DateField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(points__gte=0), name="points_award_not_negative")]
        indexes = [models.Index(fields=["account", "rule", "on"], include=["points"], name="points_awards_of")]

    def __str__(self) -> str:
        return f"{self.points} by {self.version_id}"


class Payment(models.Model):
    """Points that paid for an order, by line where it has any, append-only: a refund of the line returns them."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="+", db_index=False)
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="+")
    line = models.ForeignKey("orders.Line", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    points = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entry", "line"], nulls_distinct=False, name="points_payment_once"),
            models.CheckConstraint(condition=Q(points__gt=0), name="points_payment_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.points} for {self.order_id}"


class EventMark(models.Model):
    """Up to when behaviour events were looked at for rewards. One row."""

    upto = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.upto:%F %T}"


class SignIn(models.Model):
    """A day on which a member signed in. `streak` counts the days in a row up to and with this one."""

    member = models.ForeignKey("members.Member", on_delete=models.CASCADE, related_name="+", db_index=False)
    on = models.DateField()
    streak = models.PositiveIntegerField()
    reached = models.PositiveIntegerField(default=0)  # the longest its run was when this row was written: steps given
    is_made_up = models.BooleanField(default=False)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "on"], name="points_signed_in_once")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.on}"


class Achievement(models.Model):
    """Something to reach within a period, for points. `measure`: {"kind": "orders" | "spend_cents" | "sign_ins" | "event", ...}."""

    class Period(models.TextChoices):
        LIFE = "life", _("Once in a life")
        MONTH = "month", _("Every month")
        QUARTER = "quarter", _("Every quarter")
        YEAR = "year", _("Every year")

    key = models.SlugField(_("key"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60)
    measure = models.JSONField(_("measure"))
    target = models.PositiveBigIntegerField(_("target"))
    period = models.CharField(_("period"), max_length=10, choices=Period, default=Period.LIFE)
    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+")
    points = models.PositiveIntegerField(_("points"))
    coupon_key = models.CharField(_("coupon"), max_length=40, blank=True)  # of a template: given beside the points
    is_active = models.BooleanField(_("active"), default=False)
    starts_on = models.DateField(_("from"), null=True, blank=True)
    ends_on = models.DateField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("achievement")
        verbose_name_plural = _("achievements")
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key


class Attainment(models.Model):
    """How far a member is with an achievement in one period ("life", "2026-11", "2026Q4", "2026"); rewarded once, and taken back
    when a refund takes the value below the target."""

    achievement = models.ForeignKey(Achievement, on_delete=models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("members.Member", on_delete=models.CASCADE, related_name="+", db_index=False)
    period = models.CharField(max_length=10)
    value = models.BigIntegerField(default=0)
    completed_at = models.DateTimeField(null=True)
    taken_back_at = models.DateTimeField(null=True)
    times = models.PositiveIntegerField(default=0)  # how often completed: after a roll-back it may be reached again
    coupon_key = models.CharField(
        max_length=40, blank=True
    )  # what it gave beside the points when it was completed last

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "achievement", "period"], name="points_attainment_once")
        ]

    def __str__(self) -> str:
        return f"{self.member_id} {self.achievement_id} {self.period}"
