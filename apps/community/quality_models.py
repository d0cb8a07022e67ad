"""How staff and their groups did on a shop day, as WeCom counts it; words that staff shall not say to customers."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class StaffDay(models.Model):
    """Where no customer wrote first, nobody could be slow: share and minutes are null.

    `group_*`: all groups of this owner together; WeCom tells nothing of a single group.
    """

    userid = models.CharField(max_length=64)
    day = models.DateField()
    chats = models.PositiveIntegerField(default=0)
    messages = models.PositiveIntegerField(default=0)  # sent by staff
    new_customers = models.PositiveIntegerField(default=0)
    lost = models.PositiveIntegerField(default=0)  # customers who took them off, or blocked them
    replied_permille = models.PositiveSmallIntegerField(null=True)
    reply_minutes = models.PositiveIntegerField(null=True)  # to the first answer, on average
    groups = models.PositiveIntegerField(default=0)
    groups_talking = models.PositiveIntegerField(default=0)
    group_messages = models.PositiveIntegerField(default=0)
    group_people = models.PositiveIntegerField(default=0)  # who wrote something

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["userid", "day"], name="community_staff_day_once"),
            models.CheckConstraint(
                condition=Q(replied_permille=None) | Q(replied_permille__lte=1000), name="community_replied_share"
            ),
        ]
        indexes = [models.Index(fields=["day"], name="community_staff_days")]

    def __str__(self) -> str:
        return f"{self.userid} {self.day}"


class WordRule(models.Model):
    """Words that WeCom keeps staff from sending, or warns them of; in what the house itself sends they are never let through.

    `told`: what WeCom has been told (words, name, blocking, staff), so that it hears of changes alone.
    """

    name = models.CharField(_("name"), max_length=20)
    words = ArrayField(models.CharField(max_length=32))
    is_blocking = models.BooleanField(default=True)
    is_active = models.BooleanField(default=True)
    rule_id = models.CharField(max_length=64, blank=True)
    told = models.JSONField(default=dict)
    trouble = models.CharField(max_length=40, blank=True)
    made_at = models.DateTimeField()

    class Meta:
        verbose_name = _("rule of words")
        verbose_name_plural = _("rules of words")
        constraints = [
            models.CheckConstraint(condition=Q(words__len__gte=1, words__len__lte=300), name="community_words_some"),
        ]

    def __str__(self) -> str:
        return self.name
