"""The customer pool: who has a customer and does nothing for them loses them to whoever takes them next, never without notice."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class PoolRule(models.Model):
    """The rules of one store, in place of the brand's: customers of whoever works there. Figures as in the setting `community.pool`."""

    store = models.OneToOneField("stores.Store", primary_key=True, on_delete=models.PROTECT, related_name="+")
    is_on = models.BooleanField()
    follow_days = models.PositiveSmallIntegerField()
    deal_days = models.PositiveSmallIntegerField()
    notice_days = models.PositiveSmallIntegerField()
    most = models.PositiveSmallIntegerField()
    locks = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name = _("pool rules of a store")
        verbose_name_plural = _("pool rules of stores")
        constraints = [
            models.CheckConstraint(
                condition=Q(notice_days__gte=1)
                & (Q(follow_days=0) | Q(follow_days__gt=models.F("notice_days")))
                & (Q(deal_days=0) | Q(deal_days__gt=models.F("notice_days"))),
                name="community_pool_rule_notice",
            ),
        ]

    def __str__(self) -> str:
        return f"pool rules of {self.store_id}"


class PoolCase(models.Model):
    """One customer on the way into the pool, in it, or on the way to somebody else. One open case for each customer."""

    class State(models.TextChoices):
        WARNED = "warned", pgettext_lazy("pool", "Notice given")
        KEPT = "kept", pgettext_lazy("pool", "Kept")
        POOLED = "pooled", pgettext_lazy("pool", "In the pool")
        TAKEN = "taken", pgettext_lazy("pool", "Taken, WeCom not told yet")
        MOVING = "moving", pgettext_lazy("pool", "On the way")
        DONE = "done", pgettext_lazy("pool", "With the new colleague")
        GONE = "gone", pgettext_lazy("pool", "Gone")

    class Why(models.TextChoices):
        NO_FOLLOW_UP = "no_follow_up", pgettext_lazy("pool", "Nobody turned to them")
        NO_DEAL = "no_deal", pgettext_lazy("pool", "No purchase")
        BY_HAND = "by_hand", pgettext_lazy("pool", "Given back")

    contact = models.ForeignKey("community.Contact", on_delete=models.CASCADE, related_name="+", db_index=False)
    userid = models.CharField(max_length=64)  # who has, or had, the customer
    state = models.CharField(max_length=10, choices=State)
    why = models.CharField(max_length=12, choices=Why)
    due_at = models.DateTimeField()  # when the notice ends
    warned_at = models.DateTimeField()
    pooled_at = models.DateTimeField(null=True)
    taken_by = models.CharField(max_length=64, blank=True)
    taken_at = models.DateTimeField(null=True)
    code = models.CharField(max_length=40, blank=True)  # why WeCom did not pass them on
    settled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("customer in the pool")
        verbose_name_plural = _("customers in the pool")
        constraints = [
            models.UniqueConstraint(fields=["contact"], condition=Q(settled_at=None), name="community_pool_once"),
            models.CheckConstraint(
                condition=Q(state__in=["kept", "done", "gone"], settled_at__isnull=False)
                | Q(state__in=["warned", "pooled", "taken", "moving"], settled_at=None),
                name="community_pool_settled",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["pooled", "taken", "moving", "done"]) | Q(pooled_at__isnull=False),
                name="community_pool_since",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["taken", "moving", "done"]) | ~Q(taken_by="") & Q(taken_at__isnull=False),
                name="community_pool_taken",
            ),
            models.CheckConstraint(
                condition=Q(why="by_hand") | Q(pooled_at=None) | Q(pooled_at__gte=models.F("due_at")),
                name="community_pool_noticed",
            ),
        ]
        indexes = [
            models.Index(fields=["contact", "-id"], name="community_pool_of"),
            models.Index(fields=["state", "id"], condition=Q(settled_at=None), name="community_pool_open"),
            models.Index(fields=["taken_by"], condition=Q(state__in=["taken", "moving"]), name="community_pool_coming"),
        ]

    def __str__(self) -> str:
        return f"pool {self.pk} {self.state}"
