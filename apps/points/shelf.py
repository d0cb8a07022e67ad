"""What the mall offers, and what members took. Written by `mall.py` alone."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock
from apps.points.books import Currency, Entry, Hold


class RewardPicture(models.Model):
    """A picture of a reward, drawn anew by us; named by its content, so its address may be kept for good."""

    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of `content`, in hex
    content = models.BinaryField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.digest[:12]


class Reward(models.Model):
    """Something to get for points, or points and cash. `left` None: as many as are wanted."""

    class Kind(models.TextChoices):
        GIFT = "gift", _("Gift")
        VIRTUAL = "virtual", _("Virtual")  # delivered at once, e.g. by `coupon_key`

    class Motif(models.TextChoices):
        """What is drawn on its tile where it has no picture."""

        GIFT = "gift", _("Gift box")
        TEA = "tea", _("Tea bowl")
        CUP = "cup", _("Cup")
        BAG = "bag", _("Bag")
        SCARF = "scarf", _("Scarf")
        FLOWER = "flower", _("Flower")
        TICKET = "ticket", pgettext_lazy("reward", "Ticket")
        BOOK = "book", _("Book")

    key = models.SlugField(_("key"), max_length=40, unique=True)
    motif = models.CharField(_("picture"), max_length=10, choices=Motif, default=Motif.GIFT)
    picture = models.ForeignKey(
        RewardPicture, null=True, on_delete=models.PROTECT, related_name="+", to_field="digest", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.GIFT)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60)
    description = models.CharField(_("description"), max_length=300, blank=True)
    description_en = models.CharField(_("English description"), max_length=300, blank=True)
    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+")
    points = models.PositiveIntegerField(_("points"))
    cash_cents = models.PositiveIntegerField(_("cash in 分"), default=0)
    worth_cents = models.PositiveIntegerField(_("cost in 分"), default=0)  # what one costs the brand
    left = models.PositiveIntegerField(_("stock"), null=True, blank=True)
    taken = models.PositiveIntegerField(default=0)
    per_member = models.PositiveIntegerField(_("per member"), null=True, blank=True)
    per_days = models.PositiveIntegerField(_("within days"), null=True, blank=True)  # None: ever
    is_store_limited = models.BooleanField(_("only in chosen stores"), default=False)
    tier_keys = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    auto_from = models.PositiveIntegerField(null=True, blank=True)  # balance from which it is taken by itself
    auto_per_day = models.PositiveSmallIntegerField(default=1)
    coupon_key = models.CharField(_("coupon"), max_length=60, blank=True)
    pick_up_days = models.PositiveIntegerField(_("days to pick it up"), default=30)
    forfeits_points = models.BooleanField(_("points are lost when it is not picked up"), default=False)
    is_active = models.BooleanField(_("active"), default=False)
    starts_at = models.DateTimeField(_("from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = _("reward")
        verbose_name_plural = _("rewards")
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(points__gt=0), name="points_reward_costs_points"),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(starts_at=None) | Q(ends_at__gt=F("starts_at")),
                name="points_reward_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(is_store_limited=False) | Q(left=None), name="points_reward_counts_in_one_place"
            ),
            models.CheckConstraint(condition=Q(pick_up_days__gt=0), name="points_reward_can_be_picked_up"),
            models.CheckConstraint(
                condition=Q(auto_from=None)
                | Q(auto_from__gte=F("points"), cash_cents=0, is_store_limited=False, auto_per_day__range=(1, 10)),
                name="points_reward_taken_by_itself",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class StoreStock(models.Model):
    """How many of a reward one store holds; only for rewards that are limited to stores."""

    reward = models.ForeignKey(Reward, on_delete=models.CASCADE, related_name="stocks", db_index=False)
    store = models.ForeignKey("stores.Store", on_delete=models.PROTECT, related_name="+")
    left = models.PositiveIntegerField(_("stock"))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reward", "store"], name="points_stock_once")]

    def __str__(self) -> str:
        return f"{self.reward_id} in {self.store_id}: {self.left}"


class StockChange(models.Model):
    """Stock that staff put in (plus) or took out (minus), append-only. What members take is not noted here."""

    reward = models.ForeignKey(Reward, on_delete=models.PROTECT, related_name="stock_changes")
    store = models.ForeignKey("stores.Store", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    change = models.IntegerField()
    left_after = models.PositiveIntegerField()
    reason = models.CharField(max_length=200)
    source = models.CharField(max_length=60, null=True, unique=True)  # of a form; None: nothing repeats it
    by = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(change=0), name="points_stock_change_not_zero"),
            models.CheckConstraint(condition=~Q(reason=""), name="points_stock_change_has_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.change} of {self.reward_id}"


class Exchange(models.Model):
    """One reward taken by one member. Points are set aside while cash is awaited, else spent at once.

    `code_digest` is the keyed hash of the pick-up code, `code_sealed` the code under the member's key. `entry` is the line that took
    the points from their lots: also where they were set aside first. `store` None: any store hands it over.
    """

    class State(models.TextChoices):
        AWAITING = "awaiting", _("Waiting for payment")
        READY = "ready", _("Ready for pick-up")
        DONE = "done", _("Handed over")
        CANCELLED = "cancelled", _("Cancelled")
        LAPSED = "lapsed", _("Not picked up in time")

    class Why(models.TextChoices):
        MEMBER = "member", _("The member's wish")
        STAFF = "staff", _("Cancelled by staff")
        UNPAID = "unpaid", _("Not paid in time")

    reward = models.ForeignKey(Reward, on_delete=models.PROTECT, related_name="exchanges", db_index=False)
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+", db_index=False)
    store = models.ForeignKey("stores.Store", null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State)
    points = models.PositiveIntegerField()
    cash_cents = models.PositiveIntegerField(default=0)
    source = models.CharField(max_length=120)
    hold = models.OneToOneField(Hold, null=True, on_delete=models.PROTECT, related_name="+")
    entry = models.OneToOneField(Entry, null=True, on_delete=models.PROTECT, related_name="+")
    code_digest = models.BinaryField(max_length=32, null=True)
    code_sealed = models.BinaryField(null=True)
    at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(null=True)  # of the payment while awaiting, of the pick-up while ready
    paid_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    paid_ref = models.CharField(max_length=80, blank=True)  # the payment's number where it was paid
    why = models.CharField(max_length=10, choices=Why, blank=True)  # why it was cancelled
    note = models.CharField(max_length=200, blank=True)  # the reason that staff gave
    closed_by = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    handed_by = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    handed_store = models.ForeignKey(
        "stores.Store", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        verbose_name = _("exchange")
        verbose_name_plural = _("exchanges")
        constraints = [
            models.UniqueConstraint(fields=["member", "source"], name="points_exchange_once"),
            models.UniqueConstraint(fields=["code_digest"], name="points_code_once"),
            models.CheckConstraint(
                condition=~Q(state="awaiting") | Q(hold__isnull=False, expires_at__isnull=False, cash_cents__gt=0),
                name="points_exchange_awaits_with_hold",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["ready", "done", "lapsed"]) | Q(entry__isnull=False),
                name="points_exchange_was_spent",
            ),
            models.CheckConstraint(
                condition=~Q(state="ready") | Q(expires_at__isnull=False), name="points_exchange_ready_until"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["awaiting", "ready"], settled_at=None)
                | Q(state__in=["done", "cancelled", "lapsed"], settled_at__isnull=False),
                name="points_exchange_settled_has_time",
            ),
            models.CheckConstraint(
                condition=Q(note="", closed_by=None) | Q(state="cancelled", why="staff"),
                name="points_exchange_note_of_staff",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-id"], name="points_exchanges_of"),
            models.Index(fields=["reward", "member"], name="points_exchange_counts"),
            models.Index(fields=["-at", "-id"], name="points_exchange_newest"),
            models.Index(
                fields=["expires_at"], condition=Q(state__in=["awaiting", "ready"]), name="points_exchange_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.reward_id}"
