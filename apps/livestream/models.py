"""Live streams: who shows what in which room when, who wants to be reminded, what is put aside to be tried on in a store."""

from datetime import datetime, timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from apps.core import clock


class Span(Func):
    function = "tstzrange"


class Platform(models.Model):
    """Where streams are shown; data, for platforms come and go."""

    key = models.SlugField(_("key"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=40)
    name_en = models.CharField(_("name in English"), max_length=40, blank=True)
    place = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        """In the reader's language."""
        is_chinese = (get_language() or "").startswith("zh")
        return self.name if is_chinese or not self.name_en else self.name_en


class Room(models.Model):
    """An account on a platform: one stream at a time."""

    platform = models.ForeignKey(Platform, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(pgettext_lazy("live stream", "room"), max_length=60)
    url = models.URLField(_("address"), max_length=300, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "name"], name="livestream_room_once")]

    def __str__(self) -> str:
        return self.name


class Host(models.Model):
    """Who stands before the camera: one stream at a time, whatever the platform."""

    name = models.CharField(pgettext_lazy("live stream", "host"), max_length=40, unique=True)
    is_active = models.BooleanField(_("active"), default=True)

    def __str__(self) -> str:
        return self.name


class Stream(models.Model):
    """One broadcast. `revision` grows with every change: who changes it says which one they saw, and facts are named by it."""

    class State(models.TextChoices):
        PLANNED = "planned", pgettext_lazy("live stream", "Planned")
        LIVE = "live", pgettext_lazy("live stream", "Live now")
        ENDED = "ended", pgettext_lazy("live stream", "Over")
        EXPIRED = "expired", pgettext_lazy("live stream", "Never began")
        CANCELLED = "cancelled", pgettext_lazy("live stream", "Called off")

    title = models.CharField(_("title"), max_length=60)
    note = models.CharField(_("note"), max_length=300, blank=True)
    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="+", db_index=False)
    host = models.ForeignKey(Host, on_delete=models.PROTECT, related_name="+", db_index=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    revision = models.PositiveIntegerField(default=1)
    began_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(default=clock.now)  # the feeds' version
    code = models.OneToOneField(
        "activity.Code", null=True, on_delete=models.PROTECT, related_name="+"
    )  # what is shown in the picture: who joins by it came by the stream
    created_by = models.ForeignKey("core.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        verbose_name = _("live stream")
        verbose_name_plural = _("live streams")
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="livestream_ends_after_start"),
            models.CheckConstraint(
                condition=Q(state__in=["planned", "expired", "cancelled"], began_at=None)
                | Q(state__in=["live", "ended"], began_at__isnull=False),
                name="livestream_began_if_shown",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["planned", "live"], finished_at=None)
                | (~Q(state__in=["planned", "live"]) & Q(finished_at__isnull=False)),
                name="livestream_finished_has_time",
            ),
            *(
                ExclusionConstraint(
                    name=f"livestream_one_at_a_time_per_{field}",
                    expressions=[
                        (F(field), RangeOperators.EQUAL),
                        (
                            Span(F("starts_at"), F("ends_at"), output_field=DateTimeRangeField()),
                            RangeOperators.OVERLAPS,
                        ),
                    ],
                    condition=Q(state__in=["planned", "live"]),
                )
                for field in ("room", "host")
            ),
        ]
        indexes = [
            models.Index(fields=["starts_at", "id"], name="livestream_by_time"),
            models.Index(fields=["starts_at"], condition=Q(state__in=["planned", "live"]), name="livestream_to_come"),
        ]

    def __str__(self) -> str:
        return self.title


class Product(models.Model):
    """What is shown, in order. `quantity`: so many pieces may be put aside to be tried on in a store; null: none."""

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="products", db_index=False)
    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    place = models.PositiveSmallIntegerField(default=0)
    quantity = models.PositiveIntegerField(null=True)
    reserved = models.PositiveIntegerField(default=0)  # pieces put aside now

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "product"], name="livestream_product_once"),
            models.CheckConstraint(
                condition=Q(quantity=None, reserved=0) | Q(reserved__lte=F("quantity")),
                name="livestream_reserved_within_quantity",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stream_id} {self.product_id}"


class Window(models.Model):
    """A coupon that can be claimed while the stream goes on, and so many minutes after it. The coupon is named by its key."""

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="windows", db_index=False)
    coupon = models.SlugField(max_length=40, db_index=False)
    minutes_after = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "coupon"], name="livestream_coupon_once")]
        indexes = [models.Index(fields=["coupon"], name="livestream_window_of_coupon")]

    def __str__(self) -> str:
        return f"{self.stream_id} {self.coupon}"

    def covers(self, moment: datetime) -> bool:
        """Whether the stream was on then, its minutes after the end with it."""
        began, ended = self.stream.began_at, self.stream.finished_at
        return (
            began is not None
            and began <= moment
            and (ended is None or moment <= ended + timedelta(minutes=self.minutes_after))
        )


class Subscription(models.Model):
    """A member wants to be reminded of a stream. `ended_at`: not any more."""

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "member"], name="livestream_reminded_once")]
        indexes = [models.Index(fields=["member", "-id"], name="livestream_reminders_of_member")]

    def __str__(self) -> str:
        return f"{self.stream_id} {self.member_id}"


class Reminder(models.Model):
    """One set that fell due: everybody who had asked by then. Once per stream, kind and beginning, so a moved stream has another."""

    class Kind(models.TextChoices):
        DAY = "day", pgettext_lazy("live stream", "A day before")
        QUARTER = "quarter", pgettext_lazy("live stream", "A quarter of an hour before")

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind)
    starts_at = models.DateTimeField()  # the beginning it was about
    due_at = models.DateTimeField()
    told_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "kind", "starts_at"], name="livestream_set_once")]
        indexes = [models.Index(fields=["due_at"], name="livestream_sets_by_time")]

    def __str__(self) -> str:
        return f"{self.stream_id} {self.kind}"


class Reservation(models.Model):
    """A piece of a limited product, put aside in a store for a member to try on until the end of a day."""

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("put aside", "Waits in the store")
        TRIED = "tried", pgettext_lazy("put aside", "Tried on")
        CANCELLED = "cancelled", pgettext_lazy("put aside", "Given back")
        MISSED = "missed", pgettext_lazy("put aside", "Nobody came")

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+", db_index=False)
    store = models.ForeignKey("stores.Store", on_delete=models.PROTECT, related_name="+", db_index=False)
    visit_on = models.DateField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    source = models.CharField(max_length=80, unique=True)
    made_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", settled_at=None) | (~Q(state="open") & Q(settled_at__isnull=False)),
                name="livestream_settled_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["product", "id"], name="livestream_put_aside"),
            models.Index(fields=["member", "-id"], name="livestream_put_aside_for"),
            models.Index(fields=["store", "visit_on"], condition=Q(state="open"), name="livestream_awaited_in_store"),
            models.Index(fields=["visit_on"], condition=Q(state="open"), name="livestream_awaited"),
        ]

    def __str__(self) -> str:
        return self.source


class Viewer(models.Model):
    """A member who watched. `seconds` as their own app told them while it was on, `said_seconds` as the platform's file has it."""

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+", db_index=False)
    seconds = models.PositiveIntegerField(default=0)
    said_seconds = models.PositiveIntegerField(default=0)
    comments = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "member"], name="livestream_viewer_once")]
        indexes = [models.Index(fields=["member", "-id"], name="livestream_watched_by")]

    def __str__(self) -> str:
        return f"{self.stream_id} {self.member_id}"


class Tally(models.Model):
    """What the platform counted of a stream in all, members and strangers; entered by hand or with its file."""

    stream = models.OneToOneField(Stream, primary_key=True, on_delete=models.PROTECT, related_name="tally")
    viewers = models.PositiveIntegerField(default=0)
    peak = models.PositiveIntegerField(default=0)  # at one moment
    comments = models.PositiveIntegerField(default=0)
    speakers = models.PositiveIntegerField(default=0)  # who came on the microphone
    followers = models.PositiveIntegerField(default=0)  # new ones
    said_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(peak__lte=F("viewers")), name="livestream_peak_within_viewers"),
        ]

    def __str__(self) -> str:
        return f"tally of {self.stream_id}"


class Sale(models.Model):
    """An order that a stream brought: one stream for each order. What the platform's own file says stands over what we found out."""

    class How(models.TextChoices):
        FILE = "file", pgettext_lazy("why an order is a stream's", "In the platform's file")
        COUPON = "coupon", pgettext_lazy("why an order is a stream's", "With a coupon claimed in it")
        CODE = "code", pgettext_lazy("why an order is a stream's", "By its code")
        WATCHED = "watched", pgettext_lazy("why an order is a stream's", "Watched it and bought what it showed")

    order = models.OneToOneField("orders.Order", primary_key=True, on_delete=models.PROTECT, related_name="+")
    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="+", db_index=False)
    how = models.CharField(max_length=10, choices=How)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["stream", "at"], name="livestream_sales_of")]

    def __str__(self) -> str:
        return f"{self.order_id} by {self.stream_id}"
