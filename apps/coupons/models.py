"""Coupons: a template with versions of its terms, what was issued of it, and how each coupon was used. Money in 分."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from apps.core import clock


class Template(models.Model):
    """What staff design and members see. Terms stand in versions; what stands here and in `Stock` may change while coupons are out.
    `version` null: never published."""

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("coupons", "Draft")
        RUNNING = "running", pgettext_lazy("coupons", "Running")
        STOPPED = "stopped", pgettext_lazy("coupons", "Stopped")

    key = models.SlugField(_("key"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("name in English"), max_length=60, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    draft = models.JSONField(null=True)  # terms that are being written
    version = models.ForeignKey("Version", null=True, on_delete=models.PROTECT, related_name="+")
    per_member = models.PositiveSmallIntegerField(_("per member"), null=True, blank=True, default=1)
    opens_at = models.DateTimeField(_("to be claimed from"), null=True, blank=True)
    closes_at = models.DateTimeField(_("to be claimed until"), null=True, blank=True)
    is_in_centre = models.BooleanField(_("in the coupon centre"), default=False)
    is_flash = models.BooleanField(_("flash sale"), default=False)
    is_pool = models.BooleanField(_("codes of a partner"), default=False)
    is_giftable = models.BooleanField(_("may be given to a friend"), default=False)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("coupon template")
        verbose_name_plural = _("coupon templates")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="draft") | Q(version__isnull=False), name="coupons_running_has_terms"
            ),
            models.CheckConstraint(
                condition=Q(opens_at=None) | Q(closes_at=None) | Q(closes_at__gt=F("opens_at")),
                name="coupons_closes_after_opening",
            ),
            models.CheckConstraint(condition=Q(per_member=None) | Q(per_member__gte=1), name="coupons_per_member"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def shown_name(self) -> str:
        """In the reader's language, where it has a name in it."""
        return self.name_en if (get_language() or "").startswith("en") and self.name_en else self.name


class Stock(models.Model):
    """How many of a template there are: the one row that claims contend for, so it holds nothing else. `most` null: no end.
    `issued` counts every coupon that ever took of it. `low_at`: warn when so few are left."""

    template = models.OneToOneField(Template, primary_key=True, on_delete=models.CASCADE, related_name="stock")
    most = models.PositiveIntegerField(_("stock"), null=True)
    issued = models.PositiveIntegerField(default=0)
    low_at = models.PositiveIntegerField(_("warn when so few are left"), null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(most=None) | Q(issued__lte=F("most")), name="coupons_issued_within_stock"
            )
        ]

    def __str__(self) -> str:
        return f"{self.template_id}: {self.issued}/{self.most}"


class Version(models.Model):
    """Terms as they were published: append-only, so a coupon's rules never change once it is out. `terms`: see `coupons.terms`."""

    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="+", db_index=False)
    number = models.PositiveIntegerField()
    terms = models.JSONField()
    published_at = models.DateTimeField(default=clock.now)
    published_by = models.ForeignKey("core.User", null=True, on_delete=models.PROTECT, related_name="+")
    agreed_by = models.ForeignKey("core.User", null=True, on_delete=models.PROTECT, related_name="+")
    worst_cents = models.BigIntegerField(null=True)  # what it could cost when it was published; null: no bound
    allowed_cents = models.BigIntegerField(default=0)  # what `published_by` could cause alone

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="coupons_version_once"),
            models.CheckConstraint(
                condition=Q(published_by=None)
                | Q(agreed_by__isnull=False) & ~Q(agreed_by=F("published_by"))
                | Q(agreed_by=None, worst_cents__isnull=False, worst_cents__lte=F("allowed_cents")),
                name="coupons_version_by_two",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template_id} v{self.number}"


class Budget(models.Model):
    """A ceiling for a template: so many uses, or so many 分 saved, in all, per day, month, store or member. Uses that began before
    `since` do not count; null: all do."""

    class Per(models.TextChoices):
        TOTAL = "total", pgettext_lazy("coupons", "in all")
        DAY = "day", pgettext_lazy("coupons", "a day")
        MONTH = "month", pgettext_lazy("coupons", "a month")
        STORE = "store", pgettext_lazy("coupons", "per store")
        STORE_DAY = "store_day", pgettext_lazy("coupons", "per store and day")
        MEMBER = "member", pgettext_lazy("coupons", "per member")
        MEMBER_MONTH = "member_month", pgettext_lazy("coupons", "per member and month")

    class Of(models.TextChoices):
        USES = "uses", pgettext_lazy("coupons", "uses")
        CENTS = "cents", pgettext_lazy("coupons", "money saved")

    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="budgets", db_index=False)
    per = models.CharField(max_length=15, choices=Per)
    of = models.CharField(max_length=5, choices=Of)
    most = models.BigIntegerField()
    since = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["template", "per", "of"], name="coupons_budget_once"),
            models.CheckConstraint(condition=Q(most__gt=0), name="coupons_budget_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.template_id} {self.of}/{self.per}"


class Spent(models.Model):
    """What of a budget is used up. `key` says for whom and when: "", "2026-11-29", "s5", "s5:2026-11-29", "m7", "m7:2026-11"."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=40, blank=True)
    amount = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["budget", "key"], name="coupons_spent_once"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="coupons_spent_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.budget_id} {self.key}: {self.amount}"


class Batch(models.Model):
    """Codes made in one go by a pattern, or taken over from a partner's file."""

    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="+")
    job = models.OneToOneField("core.Job", null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(_("name"), max_length=60)
    pattern = models.CharField(max_length=40, blank=True)  # "" : codes of a partner
    wanted = models.PositiveIntegerField()
    made = models.PositiveIntegerField(default=0)
    by = models.ForeignKey("core.User", null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(made__lte=F("wanted")), name="coupons_batch_within_wanted")]

    def __str__(self) -> str:
        return self.name


class Coupon(models.Model):
    """One issued coupon. Whether it counts at a moment is decided by state, starts_at and ends_at together: "ready" past its end is
    expired also before the sweep writes so.

    `code`: what is typed or scanned; null for coupons that live in a wallet only. `source` names what it was issued for and makes a
    repeat a no-op. `nth`: the how-manieth of the member; its unique key is what holds `per_member` under concurrency. `channel` and
    `origin` say by what way it came. `parent`: the coupon that was given away for it.
    """

    class State(models.TextChoices):
        UNCLAIMED = "unclaimed", pgettext_lazy("coupon", "Not claimed")  # a code nobody has entered yet
        READY = "ready", pgettext_lazy("coupon", "Usable")
        RESERVED = "reserved", pgettext_lazy("coupon", "Reserved")
        USED = "used", pgettext_lazy("coupon", "Used")
        GIVEN = "given", pgettext_lazy("coupon", "Given away")
        EXPIRED = "expired", pgettext_lazy("coupon", "Expired")
        RECALLED = "recalled", pgettext_lazy("coupon", "Recalled")

    class Channel(models.TextChoices):
        CENTRE = "centre", pgettext_lazy("coupon", "Coupon centre")
        CODE = "code", pgettext_lazy("coupon", "Code")
        STAFF = "staff", pgettext_lazy("coupon", "Handed out by staff")
        CARE = "care", pgettext_lazy("coupon", "Care message")
        REGISTER = "register", pgettext_lazy("coupon", "Registration")
        TASK = "task", pgettext_lazy("coupon", "Task")
        MALL = "mall", pgettext_lazy("coupon", "Points mall")
        GIFT = "gift", pgettext_lazy("coupon", "From a friend")
        API = "api", pgettext_lazy("coupon", "Interface")
        MOVED = "moved", pgettext_lazy("coupon", "Moved in")

    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("members.Member", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=10, choices=State, default=State.READY)
    nth = models.PositiveIntegerField(null=True)
    code = models.CharField(max_length=60, null=True, unique=True)
    batch = models.ForeignKey(Batch, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.CharField(max_length=10, choices=Channel)
    origin = models.CharField(max_length=60, blank=True)  # key of the tracked code, journey, task, reward …
    source = models.CharField(max_length=120, null=True, unique=True)
    store = models.ForeignKey("stores.Store", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    staff = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    parent = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="+")
    issued_at = models.DateTimeField(default=clock.now)
    starts_at = models.DateTimeField(null=True)  # null: counted from the claim
    ends_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)  # when its member was told that it ends soon

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["template", "member", "nth"], condition=Q(nth__isnull=False), name="coupons_nth_of_member"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["unclaimed", "expired", "recalled"])
                | Q(member__isnull=False, starts_at__isnull=False, ends_at__isnull=False),
                name="coupons_owned_has_days",
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(starts_at=None) | Q(ends_at__gt=F("starts_at")),
                name="coupons_ends_after_start",
            ),
            models.CheckConstraint(condition=~Q(state="unclaimed") | Q(member=None), name="coupons_unclaimed_is_free"),
        ]
        indexes = [
            models.Index(fields=["member", "state", "ends_at"], name="coupons_of_member"),
            models.Index(fields=["ends_at"], condition=Q(state__in=["unclaimed", "ready"]), name="coupons_to_expire"),
            models.Index(fields=["batch", "id"], condition=Q(batch__isnull=False), name="coupons_of_batch"),
            models.Index(fields=["template", "state"], name="coupons_by_state"),
            BrinIndex(fields=["issued_at"], name="coupons_issued_when", pages_per_range=32),
        ]

    def __str__(self) -> str:
        return f"{self.template_id}/{self.pk}"

    @property
    def partner_code(self) -> str:
        """What its owner shows a partner; "" for the brand's own coupons, for which the member's code stands."""
        return (self.code or "") if self.template.is_pool else ""

    @property
    def may_be_given(self) -> bool:
        """A friend gets a coupon of their own: once, and not with a partner's code, which only one can show."""
        return self.template.is_giftable and self.parent_id is None and not self.partner_code


class Use(models.Model):
    """One redemption: reserved for a while, then done or cancelled; a done one can be taken back.

    That a coupon has one live use at most is a unique key. `source` names the act: coupons that are
    used in one act share it, and a repeat is a no-op. `reference` is the till's receipt or the
    shop's order number, `order` where the order is kept here. `saved_cents`: what the basket was lowered by (for an exchange what the
    thing is worth), `store_cents` of it borne by the store. `is_vouched`: the till knew no lines, the clerk said that the goods fit.
    """

    class State(models.TextChoices):
        RESERVED = "reserved", pgettext_lazy("coupon use", "Reserved")
        DONE = "done", pgettext_lazy("coupon use", "Redeemed")
        CANCELLED = "cancelled", pgettext_lazy("coupon use", "Cancelled")
        TAKEN_BACK = "taken_back", pgettext_lazy("coupon use", "Taken back")

    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="+")
    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State)
    source = models.CharField(max_length=120)
    store = models.ForeignKey("stores.Store", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    device = models.ForeignKey("stores.Device", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    staff = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.CharField(max_length=40, blank=True)
    order = models.ForeignKey("orders.Order", null=True, on_delete=models.PROTECT, related_name="+")
    reference = models.CharField(max_length=64, blank=True)
    basket_cents = models.BigIntegerField(default=0)
    saved_cents = models.BigIntegerField(default=0)
    store_cents = models.BigIntegerField(default=0)
    shares = models.JSONField(default=dict)  # {line number: 分 saved on it}
    prices = models.JSONField(
        default=list, db_default=[]
    )  # [[line number, 分 by the list, 分 before coupons], …] of the act
    is_vouched = models.BooleanField(default=False)
    at = models.DateTimeField(default=clock.now)
    reserved_until = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["coupon"], condition=Q(state__in=["reserved", "done"]), name="coupons_one_live_use"
            ),
            models.UniqueConstraint(fields=["source", "coupon"], name="coupons_once_per_act"),
            models.CheckConstraint(
                condition=~Q(state="reserved") | Q(reserved_until__isnull=False), name="coupons_reserved_ends"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["done", "taken_back"]) | Q(done_at__isnull=False), name="coupons_done_has_time"
            ),
            models.CheckConstraint(
                condition=Q(saved_cents__gte=0) & Q(store_cents__gte=0) & Q(store_cents__lte=F("saved_cents")),
                name="coupons_saved_and_borne",
            ),
        ]
        indexes = [
            models.Index(fields=["reserved_until"], condition=Q(state="reserved"), name="coupons_reserved"),
            models.Index(fields=["template", "done_at"], name="coupons_uses_of_template"),
            models.Index(fields=["store", "done_at"], name="coupons_uses_of_store"),
            BrinIndex(fields=["done_at"], name="coupons_used_when", pages_per_range=32),
            models.Index(fields=["undone_at"], condition=Q(undone_at__isnull=False), name="coupons_undone_when"),
        ]

    def __str__(self) -> str:
        return f"{self.coupon_id} {self.state}"


class Entry(models.Model):
    """History of a coupon after its issue: append-only. Who did it stands here for staff; the audit has the rest."""

    class Kind(models.TextChoices):
        CLAIMED = "claimed", pgettext_lazy("coupon history", "Claimed with its code")
        RESERVED = "reserved", pgettext_lazy("coupon history", "Reserved")
        RELEASED = "released", pgettext_lazy("coupon history", "Set free")
        USED = "used", pgettext_lazy("coupon history", "Used")
        RETURNED = "returned", pgettext_lazy("coupon history", "Given back after a refund")
        GIVEN = "given", pgettext_lazy("coupon history", "Given to a friend")
        RECALLED = "recalled", pgettext_lazy("coupon history", "Recalled")
        RESTORED = "restored", pgettext_lazy("coupon history", "Recall undone")
        EXPIRED = "expired", pgettext_lazy("coupon history", "Expired")
        EXTENDED = "extended", pgettext_lazy("coupon history", "Last day moved")

    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    use = models.ForeignKey(Use, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    by = models.ForeignKey("core.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.coupon_id} {self.kind}"


class Gift(models.Model):
    """An offer of a coupon to a friend by link: claimed once, revocable until then. Only a digest of the link's secret is kept."""

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("coupon gift", "Waiting")
        CLAIMED = "claimed", pgettext_lazy("coupon gift", "Taken")
        REVOKED = "revoked", pgettext_lazy("coupon gift", "Withdrawn")

    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="+", db_index=False)
    digest = models.BinaryField(max_length=32, unique=True)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    child = models.OneToOneField(Coupon, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["coupon"], condition=Q(state__in=["open", "claimed"]), name="coupons_one_gift"
            ),
            models.CheckConstraint(
                condition=Q(state="claimed", child__isnull=False) | (~Q(state="claimed") & Q(child=None)),
                name="coupons_claimed_has_child",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.coupon_id} {self.state}"


class Welcomed(models.Model):
    """A keyed hash of what a welcomed person was known by (phone, WeChat ids): its unique key is what stops a second welcome."""

    digest = models.BinaryField(max_length=32, unique=True)
    at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"welcomed {self.at:%Y-%m-%d}"
