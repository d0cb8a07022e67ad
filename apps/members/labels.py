"""Tags as tables: groups, tags, who has which and why, and what each bulk act changed. `Member.tags` is their fast reading copy."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock


class TagGroup(models.Model):
    """Tags that answer one question. In an exclusive group a member has at most one of them."""

    name = models.CharField(_("name"), max_length=40, unique=True)
    is_exclusive = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = _("tag group")
        verbose_name_plural = _("tag groups")

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A word on members. Names are unique in the house: lists and rules ask by name."""

    name = models.CharField(_("name"), max_length=40, unique=True)
    group = models.ForeignKey(TagGroup, null=True, on_delete=models.PROTECT, related_name="tags")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")

    def __str__(self) -> str:
        return self.name


class TagAct(models.Model):
    """One change of tags by somebody, on one member or many: what undo takes back."""

    kind = models.CharField(max_length=10)  # "give", "take", "set"
    tag_names = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=60)  # "user:7", "cli"
    members = models.BigIntegerField(default=0)  # whose tags it changed
    at = models.DateTimeField(default=clock.now)
    undone_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class _Given(models.Model):
    """Why a member has a tag, and until when."""

    class Source(models.TextChoices):
        MANUAL = "manual", pgettext_lazy("tag source", "By hand")
        RULE = "rule", pgettext_lazy("tag source", "Rule")
        IMPORT = "import", pgettext_lazy("tag source", "Import")
        WECOM = "wecom", _("WeCom")
        API = "api", pgettext_lazy("tag source", "API")

    member = models.ForeignKey("members.Member", on_delete=models.CASCADE, related_name="+", db_index=False)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+")
    source = models.CharField(max_length=10, choices=Source)
    given_by = models.CharField(max_length=60)  # an actor as in the audit trail
    given_at = models.DateTimeField(default=clock.now)
    expires_on = models.DateField(null=True)  # the last shop day on which the member has it

    class Meta:
        abstract = True


class MemberTag(_Given):
    """A member has a tag. Written by `tagging` alone; triggers keep `Member.tags`."""

    exclusive_group = models.ForeignKey(TagGroup, null=True, on_delete=models.PROTECT, related_name="+")
    act = models.ForeignKey(TagAct, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "tag"], name="members_tag_once"),
            models.UniqueConstraint(
                fields=["member", "exclusive_group"],
                condition=Q(exclusive_group__isnull=False),
                name="members_one_of_exclusive_group",
            ),
        ]
        indexes = [
            models.Index(fields=["expires_on"], condition=Q(expires_on__isnull=False), name="members_tag_expiry"),
            models.Index(fields=["act"], condition=Q(act__isnull=False), name="members_tag_of_act"),
        ]

    def __str__(self) -> str:
        return f"{self.tag_id} on {self.member_id}"


class TakenTag(_Given):
    """A tag as a member had it before an act took it: kept as long as the act can be undone."""

    act = models.ForeignKey(TagAct, on_delete=models.CASCADE, related_name="taken")

    class Meta:
        indexes = [models.Index(fields=["member"], name="members_taken_tag_of")]

    def __str__(self) -> str:
        return f"{self.tag_id} off {self.member_id}"
