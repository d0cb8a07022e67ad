"""Customer groups: who is in them, by which way and whose invitation, day by day; codes that lead into one with room."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Group(models.Model):
    """One customer group. `version` is WeCom's own of its roster: an older roster changes nothing. `key` scopes coupons."""

    chat_id = models.CharField(max_length=64, unique=True)
    key = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=100, blank=True)
    owner = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    version = models.PositiveBigIntegerField(default=0)
    people = models.PositiveIntegerField(default=0)  # staff and customers, as WeCom counts the room
    seen_at = models.DateTimeField()
    dismissed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("customer group")
        verbose_name_plural = _("customer groups")
        indexes = [models.Index(fields=["owner"], condition=Q(dismissed_at=None), name="community_groups_of")]

    def __str__(self) -> str:
        return self.name or self.chat_id


class GroupMember(models.Model):
    """Somebody in a group, or who was: one row for each, however often they come back."""

    class Way(models.IntegerChoices):
        INVITED = 1, pgettext_lazy("group", "Invited by staff")
        LINK = 2, pgettext_lazy("group", "By a link")
        CODE = 3, pgettext_lazy("group", "By the code")

    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="+", db_index=False)
    who = models.CharField(max_length=64)  # userid or external_userid
    contact = models.ForeignKey(
        "community.Contact", null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )  # once known
    is_staff = models.BooleanField(default=False)
    way = models.PositiveSmallIntegerField(choices=Way, default=Way.CODE)
    invited_by = models.CharField(max_length=64, blank=True)
    code = models.ForeignKey(
        "community.GroupCode", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )  # by which they came last
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "who"], name="community_in_group_once")]
        indexes = [
            models.Index(fields=["who", "group"], condition=Q(left_at=None), name="community_groups_of_one"),
            models.Index(fields=["contact"], condition=Q(contact__isnull=False), name="community_groups_of_contact"),
            models.Index(fields=["group", "-left_at"], condition=Q(left_at__isnull=False), name="community_left_group"),
            models.Index(fields=["code", "joined_at"], condition=Q(code__isnull=False), name="community_came_by_code"),
            models.Index(fields=["joined_at"], condition=Q(left_at=None, is_staff=False), name="community_came_lately"),
        ]

    def __str__(self) -> str:
        return f"{self.who} in {self.group_id}"


class GroupDay(models.Model):
    """How a group did on a shop day: customers who came and went, and how many there were at the last look."""

    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    joined = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField(default=0)
    customers = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "day"], name="community_group_day_once")]

    def __str__(self) -> str:
        return f"{self.group_id} {self.day}"


class GroupCode(models.Model):
    """A QR code into the first of up to five groups that has room; full and dead groups make room for the next."""

    name = models.CharField(_("name"), max_length=30)
    state = models.CharField(max_length=30, unique=True)
    config_id = models.CharField(max_length=64, blank=True)
    qr_url = models.CharField(max_length=300, blank=True)
    base_name = models.CharField(_("name of further groups"), max_length=40)
    next_number = models.PositiveIntegerField(default=2)
    chats = ArrayField(models.CharField(max_length=64), default=list)
    trouble = models.CharField(max_length=40, blank=True)
    store = models.ForeignKey("stores.Store", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    keyword = models.CharField(max_length=20, blank=True)  # folded; members type it to find the group
    is_shown = models.BooleanField(default=False)  # on the pages of the store's members; without a store: of all
    made_at = models.DateTimeField()

    class Meta:
        verbose_name = _("group code")
        verbose_name_plural = _("group codes")
        constraints = [
            models.UniqueConstraint(fields=["keyword"], condition=~Q(keyword=""), name="community_keyword_once"),
        ]
        indexes = [
            models.Index(fields=["store"], condition=Q(store__isnull=False), name="community_codes_of_store"),
        ]

    def __str__(self) -> str:
        return self.name
