"""Members bring friends: the program as staff set it, each member's own invitation, and one credit for each new friend."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock
from apps.referral.commission_models import Commission, Withdrawal

__all__ = ["Commission", "Credit", "Invite", "Program", "Step", "Withdrawal"]


class Program(models.Model):
    """What bringing a friend is worth: one row. A credit keeps what was promised when the friend came, whatever is changed later."""

    is_only = models.BooleanField(default=True, unique=True)  # a second row cannot be
    is_on = models.BooleanField(_("members can invite"), default=False)
    points = models.PositiveIntegerField(_("points for the member"), default=0)
    coupon = models.SlugField(_("coupon for the member"), max_length=40, blank=True, db_index=False)
    friend_points = models.PositiveIntegerField(_("points for the friend"), default=0)
    friend_coupon = models.SlugField(_("coupon for the friend"), max_length=40, blank=True, db_index=False)
    least_cents = models.PositiveIntegerField(default=1)  # what has to be kept of the friend's first order, in 分
    keep_days = models.PositiveSmallIntegerField(default=7)  # from the payment on, before anybody gets anything
    leave_days = models.PositiveSmallIntegerField(default=30)  # a friend who leaves sooner was none
    most_per_month = models.PositiveSmallIntegerField(default=20)  # friends paid for, in thirty days
    most_per_network = models.PositiveSmallIntegerField(
        default=5
    )  # of one inviter, who came from one network in thirty days
    steps = models.JSONField(default=list)  # [{"friends": 3, "points": 300}]: on top, once so many friends count
    first_permille = models.PositiveSmallIntegerField(
        default=0
    )  # of what a friend keeps of each purchase, in money; 0: none
    second_permille = models.PositiveSmallIntegerField(default=0)  # the same for who invited the inviter
    commission_days = models.PositiveSmallIntegerField(default=365)  # purchases of so many days from the joining on
    freeze_days = models.PositiveSmallIntegerField(default=15)  # from the payment on, before a commission is free
    least_withdrawal_cents = models.PositiveIntegerField(default=1_000)
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("referral program")
        verbose_name_plural = _("referral programs")
        constraints = [
            models.CheckConstraint(condition=Q(is_only=True), name="referral_one_program"),
            models.CheckConstraint(condition=Q(keep_days__gte=1), name="referral_waits_a_day"),
            models.CheckConstraint(condition=Q(least_cents__gte=1), name="referral_asks_for_a_purchase"),
            models.CheckConstraint(condition=Q(freeze_days__gte=1), name="referral_freezes_a_day"),
            models.CheckConstraint(condition=Q(most_per_network__gte=1), name="referral_one_from_a_network"),
            models.CheckConstraint(
                condition=Q(first_permille__lte=500, second_permille__lte=F("first_permille")), name="referral_shares"
            ),
        ]

    def __str__(self) -> str:
        return f"program {self.pk}"


class Invite(models.Model):
    """A member's own tracked code. Made when they first look at it."""

    member = models.OneToOneField("members.Member", on_delete=models.PROTECT, related_name="+")
    code = models.OneToOneField("activity.Code", on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"invitation of {self.member_id}"


class Credit(models.Model):
    """A new friend: one row for each, whoever else claims them. Rows stay where they were made when records are merged; who the
    members are by now is asked of `members`.

    registered → waiting (the first order is paid, `due_at` says until when it has to be kept) → kept (both get what was promised);
    void: it never counts; undone: it counted, and was taken back.
    """

    class Stage(models.TextChoices):
        REGISTERED = "registered", pgettext_lazy("invited friend", "Registered")
        WAITING = "waiting", pgettext_lazy("invited friend", "First order paid")
        KEPT = "kept", pgettext_lazy("invited friend", "Counts")
        VOID = "void", pgettext_lazy("invited friend", "Does not count")
        UNDONE = "undone", pgettext_lazy("invited friend", "Taken back")

    class Why(models.TextChoices):
        SELF = "self", pgettext_lazy("invited friend", "One person, or one device")
        RING = "ring", pgettext_lazy("invited friend", "Invited each other in a ring")
        KNOWN = "known", pgettext_lazy("invited friend", "Was a member before")
        CAP = "cap", pgettext_lazy("invited friend", "More friends than count in a month")
        NETWORK = "network", pgettext_lazy("invited friend", "Too many friends from one network")
        LEFT = "left", pgettext_lazy("invited friend", "Has left")
        REFUNDED = "refunded", pgettext_lazy("invited friend", "Gave the first order back")

    friend = models.OneToOneField("members.Member", on_delete=models.PROTECT, related_name="+")
    advocate = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+", db_index=False)
    stage = models.CharField(max_length=10, choices=Stage, default=Stage.REGISTERED)
    why = models.CharField(max_length=10, choices=Why, blank=True)
    registered_at = models.DateTimeField()
    order = models.ForeignKey("orders.Order", null=True, on_delete=models.PROTECT, related_name="+")
    due_at = models.DateTimeField(null=True)
    kept_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    points = models.PositiveIntegerField(default=0)
    coupon = models.CharField(max_length=40, blank=True)
    friend_points = models.PositiveIntegerField(default=0)
    friend_coupon = models.CharField(max_length=40, blank=True)
    least_cents = models.PositiveIntegerField()
    keep_days = models.PositiveSmallIntegerField()
    leave_days = models.PositiveSmallIntegerField()
    # A keyed hash of where the friend's phone proved itself when they came; forgotten after thirty days.
    network = models.BinaryField(max_length=32, null=True)

    class Meta:
        verbose_name = pgettext_lazy("referral", "invited friend")
        verbose_name_plural = pgettext_lazy("referral", "invited friends")
        constraints = [
            models.CheckConstraint(condition=~Q(friend=F("advocate")), name="referral_never_oneself"),
            models.CheckConstraint(
                condition=Q(stage__in=["registered", "waiting", "kept"], why="", ended_at=None)
                | Q(stage__in=["void", "undone"], ended_at__isnull=False) & ~Q(why=""),
                name="referral_ending_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(stage__in=["registered", "void"])
                | Q(order__isnull=False, due_at__isnull=False, stage__in=["waiting", "kept", "undone"]),
                name="referral_paid_by_an_order",
            ),
            models.CheckConstraint(
                condition=Q(stage__in=["kept", "undone"], kept_at__isnull=False)
                | Q(stage__in=["registered", "waiting", "void"], kept_at=None),
                name="referral_kept_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["advocate", "-id"], name="referral_friends_of"),
            models.Index(fields=["due_at"], condition=Q(stage="waiting"), name="referral_due"),
            models.Index(fields=["registered_at"], condition=Q(network__isnull=False), name="referral_networks"),
        ]

    def __str__(self) -> str:
        return f"{self.friend_id} by {self.advocate_id}"


class Step(models.Model):
    """A member has so many friends that count. `times`: how often they came to stand there, for friends may be taken back."""

    advocate = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+", db_index=False)
    friends = models.PositiveSmallIntegerField()
    points = models.PositiveIntegerField()
    times = models.PositiveSmallIntegerField(default=1)
    reached_at = models.DateTimeField()
    lost_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = pgettext_lazy("referral", "step")
        verbose_name_plural = pgettext_lazy("referral", "steps")
        constraints = [models.UniqueConstraint(fields=["advocate", "friends"], name="referral_step_once")]

    def __str__(self) -> str:
        return f"{self.friends} by {self.advocate_id}"
