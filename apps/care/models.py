"""Policies, touches, attempts. A policy is a published one-send journey: a trigger, an audience, one message."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.care.campaigns.tables import Campaign, Cost
from apps.care.cards.tables import Card
from apps.care.journeys.tables import Enrolment, Journey, JourneyMark, JourneyVersion, Step, StepWatch
from apps.care.trial_tables import Tester, Trial
from apps.core import clock

__all__ = [
    "Attempt", "Campaign", "Card", "Channel", "Cost", "Enrolment", "Journey", "JourneyMark", "JourneyVersion", "Lane", "Policy",
    "Receipt", "Run", "Step", "StepWatch", "Tester", "Touch", "Trial", "Version",
]  # fmt: skip


class Channel(models.TextChoices):
    SMS = "sms", _("SMS")
    INBOX = "inbox", _("In-app inbox")
    WECHAT = "wechat", _("Mini-program message")
    EMAIL = "email", _("E-mail")
    WECOM = "wecom", _("WeCom")


class Policy(models.Model):
    """What staff edit. Publishing freezes a Version; touches belong to versions, uniqueness to the policy.

    A message of a journey is a policy too, written by `journeys.editing`: key "<journey>.<node>", trigger "journey".
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        LIVE = "live", _("Live")
        PAUSED = "paused", _("Paused")

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=60)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    draft = models.JSONField(default=dict)  # the shape stands in `policies.py`; validated there
    version = models.PositiveIntegerField(default=0)  # newest published; 0: never
    priority = models.PositiveSmallIntegerField(default=100)  # lower goes first when a member's cap is nearly used
    journey = models.ForeignKey("care.Journey", null=True, on_delete=models.PROTECT, related_name="sends")
    created_at = models.DateTimeField(default=clock.now)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("care policy")
        verbose_name_plural = _("care policies")
        ordering = ["priority", "id"]

    def __str__(self) -> str:
        return self.name


class Version(models.Model):
    """A published state of a policy; never changed."""

    class Trigger(models.TextChoices):
        STAGE_ENTERED = "stage_entered", _("Enters a stage")
        DAYS_SINCE_ORDER = "days_since_order", _("Days since the last order")
        SECOND_PURCHASE = "second_purchase", _("First purchase made, second not yet")
        BIRTHDAY = "birthday", _("Birthday")
        JOURNEY = "journey", _("Step of a journey")
        REGISTERED = "registered", _("Days after joining")
        POINTS_EXPIRING = "points_expiring", _("Points run out")
        COUPON_EXPIRING = "coupon_expiring", _("A coupon runs out")
        CART_LEFT = "cart_left", _("Cart left behind")
        REPLENISHMENT_DUE = "replenishment_due", _("Needed again soon")
        SEGMENT_ENTERED = "segment_entered", _("Comes into a segment")
        TRACK_STEP = "track_step", _("Comes to a step of a life track")
        LIVE_REMINDER = "live_reminder", _("Reminder of a live stream")
        BOOKING_NOTICE = "booking_notice", _("Notice of a booking")
        GROUP_INVITE = "group_invite", _("Invitation into a WeCom group")
        GROUP_JOINED = "group_joined", _("Joined a WeCom group")

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    trigger = models.CharField(max_length=20, choices=Trigger)
    params = models.JSONField(
        default=dict
    )  # {"stage": "lapsing"} | {"days": 45} | {"days_before": 0}; {"window_days": 14} each
    audience = models.JSONField(default=dict)  # a rule of `segments.language`; {} is everybody
    channel = models.CharField(max_length=10, choices=Channel)
    purpose = models.CharField(max_length=20, default="care")  # the consent it needs
    template = models.TextField()
    content = models.JSONField(default=dict)  # WeChat: {"template_id": "…", "page": "…"}; its text is a line per field
    missing = models.JSONField(default=dict)  # per variable: {"policy": "skip"} | {"policy": "default", "value": "…"}
    send_hour = models.PositiveSmallIntegerField(default=10)  # by the member's clock, 0–23
    is_own_hour = models.BooleanField(
        default=False
    )  # at the hour at which the member buys; `send_hour` for who has none
    is_now_or_never = models.BooleanField(default=False)  # what would fall into quiet hours is skipped, not put off
    is_transactional = models.BooleanField(default=False)  # no cap, no holdout of the house; consent is another matter
    fallback = models.JSONField(
        default=list
    )  # [{"channel": "inbox", "template": "…"}]: where it goes when it cannot go here
    holdout_percent = models.DecimalField(max_digits=4, decimal_places=1, default=10)
    return_days = models.PositiveSmallIntegerField(default=30)
    published_at = models.DateTimeField(default=clock.now)
    published_by = models.ForeignKey("core.User", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["policy", "number"], name="care_version_once")]

    def __str__(self) -> str:
        return f"{self.policy_id} v{self.number}"


class Touch(models.Model):
    """One decision about one member: sent, held out, or skipped with its reason. Unique per policy, member and occurrence."""

    class State(models.TextChoices):
        PLANNED = "planned", _("Waiting")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        DELIVERED = "delivered", _("Delivered")
        UNKNOWN = "unknown", _("Not known yet")
        FAILED = "failed", _("Failed")
        SKIPPED = "skipped", _("Skipped")
        HELD_OUT = "held_out", _("Held out")

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+", db_index=False)
    occurrence = models.CharField(
        max_length=60
    )  # "stage:lapsing:1763740800", "order:55", "birthday:2026": what caused it, never the run
    channel = models.CharField(max_length=10, choices=Channel)
    state = models.CharField(max_length=10, choices=State)
    reason = models.CharField(max_length=30, blank=True)  # code of the skip or failure; texts in `reasons.py`
    is_treated = models.BooleanField(null=True)  # True/False: arm of the comparison; None: not eligible, in no arm
    decided_at = models.DateTimeField()  # snapshot moment of the run; both arms count from here
    send_at = models.DateTimeField(null=True)
    route = models.PositiveSmallIntegerField(
        default=0, db_default=0
    )  # place in the chain of channels, 0 the version's own
    is_transactional = models.BooleanField(default=False, db_default=False)
    zone = models.CharField(max_length=40, default="", db_default="")  # whose clock counts for it; "": the shop's
    slot_on = models.DateField(
        null=True
    )  # day, in `zone`, whose frequency cap it uses; NULL: uses none. Written by planning, slots, dispatch
    lease_until = models.DateTimeField(
        null=True
    )  # SENDING and UNKNOWN: after it a worker asks the provider, then goes on
    deaths = models.PositiveSmallIntegerField(default=0, db_default=0)  # workers that ended with it in hand, unposted
    fence = models.PositiveIntegerField(
        default=0
    )  # grows with each claim; a late worker's write with an old fence is void
    tries = models.PositiveSmallIntegerField(default=0)
    settled_at = models.DateTimeField(null=True)  # NULL while there is still something to do

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["policy", "member", "occurrence"], name="care_touch_once"),
            models.CheckConstraint(condition=~Q(state="skipped") | ~Q(reason=""), name="care_skip_has_reason"),
        ]
        indexes = [  # few, and none on what a claim changes: its update stays on the page and touches no index
            models.Index(fields=["channel", "send_at", "id"], condition=Q(settled_at=None), name="care_touch_open"),
            models.Index(fields=["member", "channel", "slot_on"], name="care_touch_of_member"),
            BrinIndex(fields=["decided_at"], autosummarize=True, name="care_touch_decided"),  # rows stand in this order
        ]

    def __str__(self) -> str:
        return f"{self.policy_id} {self.member_id} {self.occurrence}"


class Attempt(models.Model):
    """One try on a channel under a touch. `key` goes to the provider with the message, the same on every retry."""

    touch = models.ForeignKey(
        Touch, on_delete=models.CASCADE, related_name="attempts", db_index=False, db_constraint=False
    )  # written by the statement that updates the touch; a constraint would lock every touch once more
    number = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=60)  # "touch:81"
    state = models.CharField(max_length=10)  # accepted, refused, unknown, retry: what the provider said
    code = models.CharField(max_length=60, blank=True)
    provider_id = models.CharField(max_length=80, blank=True)
    text = models.TextField(blank=True)  # as sent; holds at most the nickname
    units = models.PositiveSmallIntegerField(default=0, db_default=0)  # messages that the carrier bills for
    cost_cents = models.PositiveIntegerField(default=0, db_default=0)  # 分, by the price of that day
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["touch", "number"], name="care_attempt_once")]

    def __str__(self) -> str:
        return f"{self.key}#{self.number}"


class Receipt(models.Model):
    """What a carrier said after the provider had taken a message; append-only, once per `source`."""

    class State(models.TextChoices):
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")
        COMPLAINED = "complained", _("Complained of")

    touch = models.ForeignKey(Touch, on_delete=models.PROTECT, related_name="receipts", db_index=False)
    source = models.CharField(max_length=120)
    state = models.CharField(max_length=10, choices=State)
    code = models.CharField(max_length=30, blank=True)
    at = models.DateTimeField()  # as the carrier tells it
    taken_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["touch", "source"], name="care_receipt_once")]

    def __str__(self) -> str:
        return f"{self.touch_id} {self.state}"


class Lane(models.Model):
    """How sending on one channel goes: its circuit, and what went out in the last minute."""

    class Circuit(models.TextChoices):
        CLOSED = "closed", _("In order")
        OPEN = "open", _("Stopped by itself")
        HALF_OPEN = "half_open", _("Trying one message")

    channel = models.CharField(max_length=10, primary_key=True, choices=Channel)
    circuit = models.CharField(max_length=10, choices=Circuit, default=Circuit.CLOSED)
    changed_at = models.DateTimeField(null=True)  # of the circuit
    probe_at = models.DateTimeField(null=True)  # open: when one message is tried
    trouble = models.CharField(max_length=60, blank=True)  # the last bad answer's code
    counted_from = models.DateTimeField(null=True)
    answers = models.PositiveIntegerField(default=0)  # since `counted_from`
    failures = models.PositiveIntegerField(default=0)
    recent = models.JSONField(default=list)  # [[moment, messages]] of the last minute, for the throttle

    def __str__(self) -> str:
        return f"{self.channel} {self.circuit}"


class Run(models.Model):
    """One planning run, its snapshot and its counts."""

    as_of = models.DateTimeField()
    change_id = models.BigIntegerField(default=0)  # newest stage change it looked at; later ones may lie in the past
    planned = models.IntegerField(default=0)
    held_out = models.IntegerField(default=0)
    skipped = models.IntegerField(default=0)
    seconds = models.FloatField(default=0)
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.as_of:%F %T}"
