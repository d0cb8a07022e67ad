"""Customers as WeCom knows them: contacts, who of the staff follows them, the codes they came by."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.community.group_models import Group, GroupCode, GroupDay, GroupMember
from apps.community.handing_models import HandOver, HandOverItem
from apps.community.invite_models import Invitation, Invitee
from apps.community.plan_models import GroupPlan, GroupTodo
from apps.community.pool_models import PoolCase, PoolRule
from apps.community.quality_models import StaffDay, WordRule
from apps.community.send_models import Send, SendItem
from apps.community.task_models import GroupTask, TaskDeed, TaskReward
from apps.community.window_models import ServiceAccount, Talk, WindowMessage
from apps.core import clock

__all__ = [
    "Account", "Contact", "Follow", "Group", "GroupCode", "GroupDay", "GroupMember", "GroupPlan", "GroupTask", "GroupTodo",
    "HandOver", "HandOverItem", "Invitation", "Invitee", "LiveCode", "PoolCase", "PoolRule", "Send", "SendItem", "ServiceAccount",
    "StaffDay", "SyncRun", "TagLink", "Talk", "TaskDeed", "TaskReward", "Welcome", "WindowMessage", "WordRule",
]  # fmt: skip


class Account(models.Model):
    """Somebody of the staff in WeCom. Linked to the house's staff by the same number, or by hand."""

    userid = models.CharField(max_length=64, unique=True)
    staff = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+")
    is_active = models.BooleanField(default=True)  # may have customers, as WeCom says
    seen_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.userid


class LiveCode(models.Model):
    """A QR code into the hands of whoever is on duty. `users` is what WeCom has been told; the plan says what it should be."""

    name = models.CharField(_("name"), max_length=30)
    state = models.CharField(max_length=30, unique=True)  # comes back with every customer
    config_id = models.CharField(max_length=64, blank=True)
    qr_url = models.CharField(max_length=300, blank=True)
    shifts = models.JSONField(default=list)  # [{"days": [1..7], "from": "09:00", "until": "21:00", "users": [...]}]
    spare = ArrayField(models.CharField(max_length=64), default=list)
    daily_limit = models.PositiveIntegerField(_("customers a day for each"), default=0)  # 0: any number
    users = ArrayField(models.CharField(max_length=64), default=list)
    welcome = models.CharField(_("welcome"), max_length=600, blank=True)
    tag = models.ForeignKey(
        "members.Tag", null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("tag")
    )
    group_code = models.ForeignKey(
        GroupCode, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )  # where it leads on to: its picture goes with the welcome
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(default=clock.now)
    trouble = models.CharField(max_length=40, blank=True)  # why WeCom was not told

    class Meta:
        verbose_name = _("live code")
        verbose_name_plural = _("live codes")
        indexes = [
            models.Index(fields=["group_code"], condition=Q(group_code__isnull=False), name="community_lead_on"),
        ]

    def __str__(self) -> str:
        return self.name


class Contact(models.Model):
    """One customer, found by the union id or a phone that staff noted; without a member until one is known."""

    external_userid = models.CharField(max_length=64, unique=True)
    member = models.ForeignKey("members.Member", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=64, blank=True)
    union_digest = models.BinaryField(max_length=32, null=True)  # blind index, as of members' identities
    agreed_tags = ArrayField(models.BigIntegerField(), default=list)  # our tags on which both sides agreed last
    first_at = models.DateTimeField()
    seen_at = models.DateTimeField()  # when what stands here was asked for

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        indexes = [
            models.Index(fields=["member"], condition=Q(member__isnull=False), name="community_contact_of"),
            models.Index(fields=["union_digest"], condition=Q(member=None), name="community_unbound"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Follow(models.Model):
    """Who of the staff has the customer, since when, and how it ended. One row for each pair, however often they meet."""

    class Ending(models.TextChoices):
        CUSTOMER = "customer", pgettext_lazy("contact", "The customer left")
        STAFF = "staff", pgettext_lazy("contact", "Taken off by staff")
        HANDED_OVER = "handed_over", pgettext_lazy("contact", "Handed over")
        UNSEEN = "unseen", pgettext_lazy("contact", "Gone at WeCom")

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="follows", db_index=False)
    userid = models.CharField(max_length=64)
    code = models.ForeignKey(LiveCode, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    since_at = models.DateTimeField()
    wecom_tags = ArrayField(models.CharField(max_length=64), default=list)
    phone_digests = ArrayField(models.BinaryField(max_length=32), default=list)
    left_at = models.DateTimeField(null=True)
    ending = models.CharField(max_length=12, choices=Ending, blank=True)
    seen_at = models.DateTimeField()
    turned_at = models.DateTimeField(null=True)  # when this colleague last did something for them
    locked_until = models.DateField(null=True)  # to that day's end the pool does not take them

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contact", "userid"], name="community_follow_once"),
            models.CheckConstraint(
                condition=Q(left_at=None, ending="") | Q(left_at__isnull=False) & ~Q(ending=""),
                name="community_follow_ending",
            ),
        ]
        indexes = [
            models.Index(fields=["userid", "contact"], condition=Q(left_at=None), name="community_followed"),
            models.Index(
                fields=["code", "userid", "since_at"], condition=Q(code__isnull=False), name="community_by_code"
            ),
            models.Index(
                fields=["userid", "locked_until"], condition=Q(locked_until__isnull=False), name="community_locked"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.userid} {self.contact_id}"


class Welcome(models.Model):
    """One welcome for one customer's coming. The code itself stands here as a hash only."""

    digest = models.BinaryField(max_length=32, unique=True)
    code = models.ForeignKey(LiveCode, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10)  # taken, sent, refused, late, unknown
    trouble = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"welcome {self.pk} {self.state}"


class TagLink(models.Model):
    """Our tag and WeCom's tag that stand for each other."""

    tag = models.OneToOneField("members.Tag", on_delete=models.CASCADE, related_name="+")
    wecom_id = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return f"{self.tag_id} {self.wecom_id}"


class SyncRun(models.Model):
    """A full reading of WeCom's customers and groups: how far it is, written with every page: a kill costs one page."""

    userids = ArrayField(models.CharField(max_length=64), default=list)
    place = models.PositiveIntegerField(default=0)  # the batch of staff that is being read
    cursor = models.CharField(max_length=300, blank=True)
    contacts = models.PositiveIntegerField(default=0)
    has_groups = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                models.F("finished_at"), condition=Q(finished_at=None), nulls_distinct=False, name="community_one_sync"
            )
        ]

    def __str__(self) -> str:
        return f"sync {self.pk}"
