"""Rules that watch the figures of the day, what they found, and how each person of the staff is told."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock


class AlertRule(models.Model):
    """A figure of the day that somebody wants to hear of when it goes wrong. Judged after each count, from `from_hour` on.

    `limit`: in the figure's unit (分, points, a number) for BELOW and ABOVE; percent for FELL and ROSE. `at_least`: for FELL, ROSE and
    MISSING, what the same weekday must have had until the same time; below it the comparison says nothing. `store` null: the brand as
    a whole, or (`is_each_store`) each store for itself.
    """

    class Kind(models.TextChoices):
        BELOW = "below", pgettext_lazy("alert rule", "Is below a limit")
        ABOVE = "above", pgettext_lazy("alert rule", "Is above a limit")
        FELL = "fell", pgettext_lazy("alert rule", "Fell against the same weekday")
        ROSE = "rose", pgettext_lazy("alert rule", "Rose against the same weekday")
        MISSING = "missing", pgettext_lazy("alert rule", "Is missing: nothing came at all")

    name = models.CharField(_("name"), max_length=60)
    figure = models.CharField(max_length=60)
    kind = models.CharField(max_length=8, choices=Kind)
    limit = models.BigIntegerField(default=0)
    at_least = models.BigIntegerField(default=1)
    from_hour = models.PositiveSmallIntegerField(default=0)  # shop time
    store = models.ForeignKey("stores.Store", null=True, on_delete=models.PROTECT, related_name="+")
    is_each_store = models.BooleanField(default=False)
    is_active = models.BooleanField(_("active"), default=True)
    muted_until = models.DateTimeField(null=True)
    created_by = models.ForeignKey("core.User", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("alert rule")
        verbose_name_plural = _("alert rules")
        constraints = [
            models.CheckConstraint(condition=Q(limit__gte=0, at_least__gte=1), name="analytics_rule_figures"),
            models.CheckConstraint(condition=Q(from_hour__lte=23), name="analytics_rule_hour"),
            models.CheckConstraint(
                condition=Q(store=None) | Q(is_each_store=False), name="analytics_rule_one_store_or_each"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Breach(models.Model):
    """That a rule's figure went wrong on a shop day: one row a day and store (0: the brand as a whole), however often it is seen."""

    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="breaches", db_index=False)
    store_id = models.BigIntegerField(default=0)
    on = models.DateField()
    value = models.BigIntegerField()  # as it was first seen
    before = models.BigIntegerField(default=0)
    began_at = models.DateTimeField()
    recovered_at = models.DateTimeField(null=True)
    times = models.PositiveIntegerField(default=1)  # how often it went wrong again
    is_muted = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "store_id", "on"], name="analytics_breach_once_a_day")]
        indexes = [models.Index(fields=["-began_at", "-id"], name="analytics_breaches_newest")]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.store_id} {self.on}"


class NoticeBox(models.Model):
    """How somebody of the staff is told: up to when they have read, and what they want by e-mail or in WeCom, or both."""

    user = models.OneToOneField("core.User", primary_key=True, on_delete=models.CASCADE, related_name="+")
    read_upto = models.DateTimeField(null=True)
    mail = models.EmailField(_("e-mail"), blank=True)
    wecom = models.CharField(_("WeCom userid"), max_length=64, blank=True)
    wants_digest = models.BooleanField(default=False)
    wants_alerts = models.BooleanField(default=False)

    def __str__(self) -> str:
        return str(self.user_id)


class NoticePost(models.Model):
    """A mail, or a message in WeCom, to somebody of the staff: written down with what it tells, sent afterwards, each `key` once.

    An outcome that nobody knows is not sent again: the page has it in any case.
    """

    class Channel(models.TextChoices):
        MAIL = "mail", _("E-mail")
        WECOM = "wecom", _("WeCom")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        UNKNOWN = "unknown", pgettext_lazy("notice", "Not known")

    user = models.ForeignKey("core.User", on_delete=models.CASCADE, related_name="+", db_index=False)
    channel = models.CharField(max_length=8, choices=Channel, default=Channel.MAIL)
    key = models.CharField(max_length=60)  # "breach:81", "recovered:81", "digest:2026-11-29"
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    due_at = models.DateTimeField(default=clock.now)
    tries = models.PositiveSmallIntegerField(default=0)
    code = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key", "channel"], name="analytics_post_once")]
        indexes = [models.Index(fields=["due_at"], condition=Q(state="waiting"), name="analytics_mails_due")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.key}"
