"""What the house knows and members ask: articles, and what became of each that was held out to somebody who began to write."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock


class Article(models.Model):
    """Plain text, Chinese first. `grams` is all of it in pieces that a search compares, `head_grams` title and search words alone."""

    class Topic(models.TextChoices):
        RETURNS = "returns", pgettext_lazy("help", "Returns and exchanges")
        CARE = "care", pgettext_lazy("help", "Care and repair")
        ORDERS = "orders", pgettext_lazy("help", "Orders and delivery")
        POINTS = "points", pgettext_lazy("help", "Points, tiers, coupons")
        ACCOUNT = "account", pgettext_lazy("help", "Account and privacy")
        OTHER = "other", pgettext_lazy("help", "Other things")

    topic = models.CharField(max_length=10, choices=Topic)
    title = models.CharField(max_length=80)
    title_en = models.CharField(max_length=120, blank=True)
    body = models.TextField(max_length=8_000)
    body_en = models.TextField(max_length=12_000, blank=True)
    words = models.CharField(max_length=300, blank=True)  # what members call it
    is_published = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(default=clock.now)
    changed_by = models.ForeignKey(
        "stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    grams = ArrayField(models.CharField(max_length=40), default=list)
    head_grams = ArrayField(models.CharField(max_length=40), default=list)

    class Meta:
        verbose_name = _("help article")
        verbose_name_plural = _("help articles")
        indexes = [GinIndex(fields=["grams"], name="tickets_article_grams")]

    def __str__(self) -> str:
        return self.title


class Suggestion(models.Model):
    """An article that was held out while somebody wrote a request. `token` is that form's, and says nothing of who it was."""

    token = models.CharField(max_length=40)
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="+")
    shown_at = models.DateTimeField(default=clock.now)
    opened_at = models.DateTimeField(null=True)
    helped_at = models.DateTimeField(null=True)  # "this solved it"
    sent_at = models.DateTimeField(null=True)  # the request was sent all the same

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "article"], name="tickets_suggested_once")]

    def __str__(self) -> str:
        return f"{self.token} {self.article_id}"
