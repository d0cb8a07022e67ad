"""The books: accounts, ledger lines, lots and holds. Written by the functions of the SQL files here alone; docs/points.md.

Every line says how it changed the account's four totals, so each total is the sum of its column over the lines. A lot is what one
earning left to spend: `amount` minus what `Use` rows took from it is `remaining`, and the open lots add up to `balance`.
"""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.core import clock


class Currency(models.Model):
    """Something members collect: points to spend, growth that is only counted, more as rows.

    `expiry`: {"kind": "never"} | {"kind": "after", "days": N} | {"kind": "after", "months": N, "round_to": "month" | "quarter" |
    "half_year" | "year"} | {"kind": "on", "month": M, "day": D, "years": K} | {"kind": "idle", "months": N}; `points_expiry` of
    ledger.sql computes it. `transfer`: {} = members may not give any away, else {"daily_cap": N, "fee_percent": P, "expiry":
    "keep" | "reset"}; the cap counts points and fees of a shop day, the fee comes on top and is rounded down. `spend_limits`: what may
    pay for orders (`spend_limits.py`), {"order_percent": P, "day" | "week" | "month" | "quarter" | "year" | "life": points}.
    """

    class RefundPolicy(models.TextChoices):
        ONLY_PENDING = "only_pending", _("Take back what is still pending")
        WITHIN_BALANCE = "within_balance", _("Take back what the balance holds")
        DEBT = "debt", _("Take back all, the rest as a debt")

    key = models.SlugField(_("key"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=40)
    name_en = models.CharField(_("English name"), max_length=40)
    is_spendable = models.BooleanField(_("can be spent"), default=True)
    expiry = models.JSONField(_("expiry"), default=dict)
    refund_policy = models.CharField(
        _("after a refund"), max_length=20, choices=RefundPolicy, default=RefundPolicy.DEBT
    )
    cents_per_hundred = models.PositiveIntegerField(_("worth of 100, in 分"), default=0)  # on an order, in reports
    transfer = models.JSONField(_("transfer"), default=dict, blank=True)
    spend_limits = models.JSONField(_("limits of points on orders"), default=dict, blank=True)
    max_balance = models.PositiveBigIntegerField(_("highest balance"), null=True, blank=True)

    class Meta:
        verbose_name = _("points currency")
        verbose_name_plural = _("points currencies")
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.key


class Account(models.Model):
    """A member's totals in one currency. `next_due_at`: not before then does anything expire, activate or lapse by itself.

    `joined_into`: the record was joined to another; everything stands on that account by now, only old lines remain here.
    """

    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+", db_index=False)
    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+", db_index=False)
    balance = models.BigIntegerField(default=0)
    pending = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    debt = models.BigIntegerField(default=0)
    earned_total = models.BigIntegerField(default=0)  # all that was ever granted; never falls
    next_due_at = models.DateTimeField(null=True)
    is_frozen = models.BooleanField(_("frozen"), default=False)
    joined_into = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    is_joint = models.BooleanField(default=False)  # others were joined into it: a source may stand on one of theirs
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = _("points account")
        verbose_name_plural = _("points accounts")
        constraints = [
            models.UniqueConstraint(fields=["member", "currency"], name="points_account_once"),
            models.CheckConstraint(condition=Q(balance__gte=0), name="points_balance_not_negative"),
            models.CheckConstraint(condition=Q(pending__gte=0), name="points_pending_not_negative"),
            models.CheckConstraint(condition=Q(held__gte=0), name="points_held_not_negative"),
            models.CheckConstraint(condition=Q(debt__gte=0), name="points_debt_not_negative"),
            models.CheckConstraint(condition=Q(debt=0) | Q(balance=0), name="points_debt_is_paid_first"),
        ]
        indexes = [
            models.Index(fields=["next_due_at"], condition=Q(next_due_at__isnull=False), name="points_account_due"),
            models.Index(fields=["joined_into"], condition=Q(joined_into__isnull=False), name="points_joined"),
        ]

    def __str__(self) -> str:
        return f"{self.currency_id} of {self.member_id}"


class Entry(models.Model):
    """One line of the ledger, append-only. `source` says what caused it ("order:42") and makes a repeat a no-op."""

    class Kind(models.TextChoices):
        EARN = "earn", _("Earned")
        ACTIVATE = "activate", _("Became usable")
        LAPSE = "lapse", _("Lapsed before it became usable")
        SPEND = "spend", _("Spent")
        RETURN = "return", _("Given back")
        REVERSE = "reverse", _("Taken back")
        EXPIRE = "expire", _("Expired")
        HOLD = "hold", _("Set aside")
        CAPTURE = "capture", _("Spent from what was set aside")
        RELEASE = "release", _("No longer set aside")
        TRANSFER_OUT = "transfer_out", _("Given to somebody")
        TRANSFER_IN = "transfer_in", _("Received from somebody")
        ADJUST = "adjust", _("Adjusted by hand")
        OPENING = "opening", _("Brought along")
        MERGE_OUT = "merge_out", _("Moved to the joined record")
        MERGE_IN = "merge_in", _("Came from the joined record")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="entries", db_index=False)
    kind = models.CharField(max_length=12, choices=Kind)
    amount = models.BigIntegerField(default=0)  # of the balance: plus comes in, minus goes out
    pending = models.BigIntegerField(default=0)  # the same for what is pending, set aside, owed
    held = models.BigIntegerField(default=0)
    debt = models.BigIntegerField(default=0)
    granted = models.BigIntegerField(default=0)  # what the line gave in all, also where it paid a debt or is pending
    balance_after = models.BigIntegerField()
    source = models.CharField(max_length=120)
    reverses = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    undone = models.BigIntegerField(default=0)  # points of `reverses` that this line undid
    version = models.ForeignKey(
        "points.RuleVersion", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    store = models.ForeignKey("stores.Store", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    staff = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    note = models.CharField(max_length=200, blank=True)  # the reason of an adjustment
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("points entry")
        verbose_name_plural = _("points entries")
        constraints = [
            models.UniqueConstraint(fields=["account", "source"], name="points_source_once"),
            models.CheckConstraint(
                condition=~Q(amount=0, pending=0, held=0, debt=0, undone=0), name="points_entry_says_something"
            ),
            models.CheckConstraint(condition=Q(balance_after__gte=0), name="points_never_below_zero"),
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="points_statement"),
            models.Index(
                fields=["reverses"], condition=Q(reverses__isnull=False), name="points_reversals", include=["undone"]
            ),
            models.Index(fields=["staff", "at"], condition=Q(staff__isnull=False), name="points_by_staff"),
            models.Index(fields=["source"], condition=Q(kind__in=["transfer_in", "merge_in"]), name="points_arrivals"),
            models.Index(
                fields=["account", "at"], include=["amount"], condition=Q(kind="transfer_out"), name="points_given_away"
            ),
            BrinIndex(fields=["at"], name="points_entries_when", pages_per_range=32),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.source}"


class Lot(models.Model):
    """What one earning left: spent first-expiring first. Pending until `activated_at`; `expires_at` is the first moment it is void.

    `reversed`: taken back of it in all, wherever it came from; `forgiven`: taken back on paper only, because the policy asks no
    more than the balance; `expired`: run out and not taken back since.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="lots", db_index=False)
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="lots")
    amount = models.BigIntegerField()
    remaining = models.BigIntegerField()
    expired = models.BigIntegerField(default=0)
    reversed = models.BigIntegerField(default=0)
    forgiven = models.BigIntegerField(default=0)
    earned_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)  # pending: becomes usable then; None waits for a fact
    lapse_at = models.DateTimeField(null=True)  # pending: is dropped then, should the fact not have come
    activated_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    expiry = models.JSONField(null=True)  # a rule's own policy; None: the currency's

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="points_lot_positive"),
            models.CheckConstraint(
                condition=Q(remaining__gte=0) & Q(remaining__lte=F("amount")), name="points_lot_within_amount"
            ),
            models.CheckConstraint(
                condition=Q(reversed__gte=0) & Q(reversed__lte=F("amount")), name="points_lot_reversed_within_amount"
            ),
            models.CheckConstraint(condition=Q(expired__gte=0) & Q(forgiven__gte=0), name="points_lot_counts"),
        ]
        indexes = [
            models.Index(
                fields=["account", "expires_at", "id"],
                include=["remaining"],
                condition=Q(remaining__gt=0),
                name="points_lot_open",
            ),
            models.Index(fields=["account"], condition=Q(forgiven__gt=0), name="points_lot_forgiven"),
            models.Index(
                fields=["account", "earned_at"],
                include=["amount", "reversed", "activated_at"],
                name="points_lot_earned",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.remaining} of {self.amount}"


class Use(models.Model):
    """What a line took from a lot (plus) or gave back to it (minus), append-only."""

    class Kind(models.TextChoices):
        SPEND = "spend", _("Spent")  # spent, set aside, given away
        DEBT = "debt", _("Paid a debt")
        EXPIRE = "expire", _("Expired")
        REVERSE = "reverse", _("Taken back")
        LAPSE = "lapse", _("Lapsed")

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="uses", db_index=False)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="uses")
    kind = models.CharField(max_length=8, choices=Kind)
    amount = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entry", "lot", "kind"], name="points_use_once"),
            models.CheckConstraint(condition=~Q(amount=0), name="points_use_not_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of lot {self.lot_id}"


class Hold(models.Model):
    """Points set aside for a basket or an exchange, until `expires_at`: then captured (spent) or released."""

    class State(models.TextChoices):
        HELD = "held", _("Set aside")
        CAPTURED = "captured", _("Spent")
        RELEASED = "released", _("Released")
        EXPIRED = "expired", _("Run out")

    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="hold")
    state = models.CharField(max_length=10, choices=State, default=State.HELD)
    captured = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="held", settled_at=None) | ~Q(state="held") & Q(settled_at__isnull=False),
                name="points_hold_settled_has_time",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], condition=Q(state="held"), name="points_hold_open")]

    def __str__(self) -> str:
        return f"{self.state} {self.entry_id}"


class Check(models.Model):
    """One recomputation of all books (`check_ledgers`); `faults` is how many contradictions it named."""

    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)
    accounts = models.BigIntegerField(default=0)
    entries = models.BigIntegerField(default=0)
    faults = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("ledger check")
        verbose_name_plural = _("ledger checks")

    def __str__(self) -> str:
        return f"{self.started_at:%F %T}"


class Fault(models.Model):
    """One contradiction in the books that a check found. `kind` is a key of `checking.FAULTS`; `row` the row it is about."""

    check_run = models.ForeignKey(Check, on_delete=models.CASCADE, related_name="found")
    kind = models.CharField(max_length=40)
    account = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    row = models.BigIntegerField()
    expected = models.BigIntegerField(null=True)
    found = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.row}"
