"""After-sales tickets: what a member asks for, what is said about it, and everything that happened to it."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock
from apps.tickets import life
from apps.tickets.article_models import Article, Suggestion
from apps.tickets.desk_models import Amends, DeskCard, Link
from apps.tickets.member_models import Attachment, Posting, Vote
from apps.tickets.rule_models import Automation, AutomationRun, Macro, MacroUse

__all__ = [
    "Amends", "Article", "Attachment", "Automation", "AutomationRun", "DeskCard", "Entry", "Link", "Macro", "MacroUse", "Message",
    "Pause", "Posting", "Suggestion", "Ticket", "TicketLine", "Vote",
]  # fmt: skip


class Ticket(models.Model):
    """States and moves stand in `life`. `version` counts changes of the ticket itself, not what is said in it.

    Clocks (`clocks`): `*_due_at` are what is promised, null while the clock is paused, done or never asked; `due_at` is the nearest.
    `asked_at`: since when the member waits for words of ours; null when it is not our turn. `title` is the member's own words.
    `skill`: what whoever works on it must know; "" anybody can. `tier_rank`: of the member's tier, as last told; 0 the first.
    `attributes`: what else the brand notes of it, by name.
    """

    class Kind(models.TextChoices):
        REFUND = life.REFUND, pgettext_lazy("ticket", "Refund")
        RETURN = life.RETURN, pgettext_lazy("ticket", "Return")
        EXCHANGE = life.EXCHANGE, pgettext_lazy("ticket", "Exchange")
        REPAIR = life.REPAIR, pgettext_lazy("ticket", "Repair")
        COMPLAINT = life.COMPLAINT, pgettext_lazy("ticket", "Complaint")
        QUESTION = life.QUESTION, pgettext_lazy("ticket", "Question")

    class State(models.TextChoices):
        NEW = life.NEW, pgettext_lazy("ticket", "New")
        WORKING = life.WORKING, pgettext_lazy("ticket", "In work")
        WAITING = life.WAITING, pgettext_lazy("ticket", "Waiting for the member")
        OFFERED = life.OFFERED, pgettext_lazy("ticket", "Offered to the member")
        RETURNING = life.RETURNING, pgettext_lazy("ticket", "Goods on their way back")
        ARRIVED = life.ARRIVED, pgettext_lazy("ticket", "Goods arrived")
        SENDING = life.SENDING, pgettext_lazy("ticket", "On its way to the member")
        RESOLVED = life.RESOLVED, pgettext_lazy("ticket", "Resolved")
        CLOSED = life.CLOSED, pgettext_lazy("ticket", "Closed")
        WITHDRAWN = life.WITHDRAWN, pgettext_lazy("ticket", "Withdrawn")
        MERGED = life.MERGED, pgettext_lazy("ticket", "Merged into another")

    class Priority(models.IntegerChoices):
        URGENT = 1, pgettext_lazy("ticket", "Urgent")
        NORMAL = 2, pgettext_lazy("ticket", "Normal")
        LOW = 3, pgettext_lazy("ticket", "Low")

    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+", db_index=False)
    order = models.ForeignKey("orders.Order", null=True, on_delete=models.PROTECT, related_name="+")
    store = models.ForeignKey("stores.Store", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    assignee = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NORMAL)
    title = models.CharField(max_length=120)
    channel = models.CharField(max_length=20, default="portal")
    source = models.CharField(max_length=160, unique=True)  # "portal:<key>": what asks for it, once
    skill = models.CharField(max_length=30, blank=True)
    tags = ArrayField(models.CharField(max_length=30), default=list)
    attributes = models.JSONField(default=dict)
    tier_rank = models.PositiveSmallIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)
    into = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now)
    asked_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)  # when the member last looked at it
    first_reply_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    first_due_at = models.DateTimeField(null=True)
    next_due_at = models.DateTimeField(null=True)
    end_due_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    warned_due = models.DateTimeField(
        null=True
    )  # the `due_at` that was warned of, was said to be missed, and was told further up
    missed_due = models.DateTimeField(null=True)
    raised_due = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=sorted(life.OPEN), ended_at=None)
                | ~Q(state__in=sorted(life.OPEN)) & Q(ended_at__isnull=False, due_at=None),
                name="tickets_ended_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state="merged", into__isnull=False) & ~Q(into=F("id")) | ~Q(state="merged") & Q(into=None),
                name="tickets_merged_has_target",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(ended_at=None), name="tickets_by_due"),
            models.Index(fields=["assignee", "due_at", "id"], condition=Q(ended_at=None), name="tickets_of_staff"),
            models.Index(fields=["store", "due_at", "id"], condition=Q(ended_at=None), name="tickets_of_store"),
            models.Index(fields=["-ended_at", "-id"], condition=Q(ended_at__isnull=False), name="tickets_ended"),
            models.Index(fields=["member", "-id"], name="tickets_of_member"),
            models.Index(fields=["-tier_rank", "due_at", "id"], condition=Q(ended_at=None), name="tickets_by_tier"),
            models.Index(fields=["id"], condition=Q(state__in=sorted(life.PAUSED)), name="tickets_waiting"),
            BrinIndex(fields=["created_at"], name="tickets_opened_when", pages_per_range=32),
        ]

    def __str__(self) -> str:
        return f"{clock.local(self.created_at):%Y%m%d}-{self.pk:04d}"


class TicketLine(models.Model):
    """An order line that a ticket is about, or `quantity` of it. `is_open` goes with the ticket: a line has one open ticket."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="lines", db_index=False)
    line = models.ForeignKey("orders.Line", on_delete=models.PROTECT, related_name="+")
    quantity = models.DecimalField(max_digits=12, decimal_places=3, null=True)  # None: all of it
    is_open = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ticket", "line"], name="tickets_line_once"),
            models.CheckConstraint(condition=Q(quantity=None) | Q(quantity__gt=0), name="tickets_line_some"),
            models.UniqueConstraint(fields=["line"], condition=Q(is_open=True), name="tickets_line_open_once"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.line_id}"


class Message(models.Model):
    """Something said: to each other, or (`is_internal`) among staff. `source` makes a repeat a no-op."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="messages", db_index=False)
    side = models.CharField(max_length=10)  # as in `life`
    by = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    is_internal = models.BooleanField(default=False)
    channel = models.CharField(max_length=20, default="", db_default="")  # by which way it came: portal, email, phone …
    text = models.CharField(max_length=4000)
    at = models.DateTimeField(default=clock.now)
    source = models.CharField(max_length=160, unique=True)

    class Meta:
        indexes = [models.Index(fields=["ticket", "id"], name="tickets_message_of_ticket")]
        constraints = [
            models.CheckConstraint(condition=Q(is_internal=False) | ~Q(side="member"), name="tickets_member_is_public")
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.side}"


class Pause(models.Model):
    """A time in which it was the member's turn: no clock ran. The last one of a ticket may be running."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="pauses", db_index=False)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ticket", "began_at"], name="tickets_pause_once"),
            models.UniqueConstraint(fields=["ticket"], condition=Q(ended_at=None), name="tickets_one_pause_runs"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("began_at")), name="tickets_pause_forward"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.began_at}"


class Entry(models.Model):
    """One line of a ticket's life; append-only. `before` and `after` hold codes, ids and times, never words of people."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="+", db_index=False)
    act = models.CharField(max_length=20)
    side = models.CharField(max_length=10)
    by = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["ticket", "id"], name="tickets_entry_of_ticket")]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.act}"
