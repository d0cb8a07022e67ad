"""What a trait is, what it says of each member, and how its last workings out went."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock


class Trait(models.Model):
    """A figure of every member under a name, worked out by its definition (`shape.py`). Rules ask for it as `trait` with its key.

    `type`: which column of `TraitValue` it fills. `moves`: whether time alone changes it ("", "days", "hours").
    """

    class Type(models.TextChoices):
        NUMBER = "number", pgettext_lazy("trait", "A number")
        TEXT = "text", pgettext_lazy("trait", "A text")
        DATE = "date", pgettext_lazy("trait", "A moment")
        WORDS = "words", pgettext_lazy("trait", "A list of words")

    key = models.SlugField(_("key"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    definition = models.JSONField()
    type = models.CharField(max_length=6, choices=Type)
    moves = models.CharField(max_length=5, blank=True)
    is_due = models.BooleanField(default=True)  # has to be worked out from the beginning
    size = models.IntegerField(default=0)  # members who have a value
    full_at = models.DateTimeField(null=True)  # when all were last looked at
    created_by = models.ForeignKey("core.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("computed trait")
        verbose_name_plural = _("computed traits")
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(size__gte=0), name="segments_trait_size")]

    def __str__(self) -> str:
        return self.name


class TraitValue(models.Model):
    """One trait of one member; who has no value has no row."""

    trait = models.ForeignKey(Trait, on_delete=models.CASCADE, related_name="+", db_index=False)
    member = models.ForeignKey("members.Member", on_delete=models.CASCADE, related_name="+", db_index=False)
    number = models.FloatField(null=True)
    text = models.CharField(max_length=200, null=True)
    at = models.DateTimeField(null=True)
    words = ArrayField(models.CharField(max_length=200), null=True)

    class Meta:
        verbose_name = _("value of a computed trait")
        verbose_name_plural = _("values of computed traits")
        constraints = [
            models.UniqueConstraint(fields=["trait", "member"], name="segments_trait_once"),
            models.CheckConstraint(
                condition=~Q(number=None, text=None, at=None, words=None), name="segments_trait_has_value"
            ),
        ]
        indexes = [models.Index(fields=["member", "trait"], name="segments_traits_of")]

    def __str__(self) -> str:
        return f"{self.trait_id} {self.member_id}"


class TraitRun(models.Model):
    """One working out of a trait for everybody, or one that failed."""

    trait = models.ForeignKey(Trait, on_delete=models.CASCADE, related_name="runs", db_index=False)
    is_full = models.BooleanField()
    as_of = models.DateTimeField()
    changed = models.IntegerField(default=0)
    size = models.IntegerField(default=0)
    seconds = models.FloatField(default=0)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["trait", "-id"], name="segments_trait_runs_of")]

    def __str__(self) -> str:
        return f"{self.trait_id} {self.as_of:%F %T}"
