"""Content cards: what members see in a place of the portal or a mini-program, each whom it is for."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock


class Card(models.Model):
    """Shown to members of `audience` (a rule) while it is on and its days last; several in a slot by `priority`, the lowest first."""

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("card", "Draft")
        ON = "on", pgettext_lazy("card", "Shown")
        OFF = "off", pgettext_lazy("card", "Taken down")

    slot = models.CharField(
        max_length=24, default="home", verbose_name=pgettext_lazy("card", "place")
    )  # "home": the portal's start page
    name = models.CharField(max_length=60, verbose_name=pgettext_lazy("card", "name among ourselves"))  # staff's own
    title = models.CharField(max_length=40, blank=True, verbose_name=pgettext_lazy("card", "title"))
    title_en = models.CharField(max_length=60, blank=True, verbose_name=_("title in English"))
    text = models.CharField(max_length=120, blank=True, verbose_name=pgettext_lazy("card", "text"))
    text_en = models.CharField(max_length=200, blank=True, verbose_name=_("text in English"))
    link = models.CharField(max_length=300, blank=True, verbose_name=_("leads to"))
    audience = models.JSONField(default=dict)
    priority = models.PositiveSmallIntegerField(default=100, verbose_name=pgettext_lazy("card", "order of showing"))
    starts_on = models.DateField(null=True, blank=True, verbose_name=_("first day"))
    ends_on = models.DateField(null=True, blank=True, verbose_name=_("last day"))
    state = models.CharField(max_length=5, choices=State, default=State.DRAFT)
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("content card")
        verbose_name_plural = _("content cards")
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_on=None) | Q(ends_on=None) | Q(ends_on__gte=F("starts_on")), name="care_card_days"
            ),
            models.CheckConstraint(condition=~Q(state="on") | ~Q(title=""), name="care_card_says_something"),
        ]
        indexes = [models.Index(fields=["slot", "priority"], condition=Q(state="on"), name="care_cards_shown")]

    def __str__(self) -> str:
        return self.name
