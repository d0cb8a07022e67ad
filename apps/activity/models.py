"""Behaviour events, who they belong to, and the codes and short links that bring people."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock


class Event(models.Model):
    """One thing somebody, or a device in a store, did. Partitioned by month of `occurred_at`, Asia/Shanghai.

    `event_id` is unique through `Receipt`: a key here would have to contain the time. Rows of 500 at once come with one member,
    whom the statement has locked, so the database need not check each. Only the member is ever changed, once (`stitch`).
    """

    occurred_at = models.DateTimeField()  # by our clock: a phone's own is corrected
    received_at = models.DateTimeField()
    event_id = models.UUIDField()  # made by the client
    name = models.CharField(max_length=40)  # a name of `catalogue`
    member = models.ForeignKey(
        "members.Member", null=True, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    anonymous_id = models.CharField(max_length=64, blank=True)
    source = models.CharField(max_length=40)  # "portal", "api", "short-link", "api:3" (a program)
    properties = models.JSONField(default=dict)
    is_late = models.BooleanField(default=False)  # came more than an hour after it happened
    is_stitched = models.BooleanField(default=False)  # happened before the log-in that told whose it is

    class Meta:
        indexes = [
            models.Index(
                fields=["member", "-occurred_at", "-id"], condition=Q(member__isnull=False), name="activity_of_member"
            ),
            models.Index(
                fields=["anonymous_id", "occurred_at"],
                condition=Q(member__isnull=True) & ~Q(anonymous_id=""),
                name="activity_of_nobody_yet",
            ),
            models.Index(
                fields=["occurred_at"],
                condition=Q(name__in=["live_entered", "live_watched"]),
                name="activity_of_streams",
            ),
            # Whoever asks what came in since a moment reads the end of the table alone.
            BrinIndex(fields=["received_at"], pages_per_range=16, autosummarize=True, name="activity_received"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.event_id}"


class Receipt(models.Model):
    """An event id that came in; kept eight days, longer than the oldest event that is accepted."""

    event_id = models.UUIDField(primary_key=True)
    received_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.event_id)


class Code(models.Model):
    """A tracked code: what a poster, a stand or a message carries, and where it leads. `slug` is what stands after `/s/`."""

    class Channel(models.TextChoices):
        POSTER = "poster", pgettext_lazy("where a code stands", "Poster")
        COUNTER = "counter", pgettext_lazy("where a code stands", "Stand at the till")
        STAFF = "staff", pgettext_lazy("where a code stands", "Staff card")
        PARCEL = "parcel", pgettext_lazy("where a code stands", "Card in the parcel")
        RECEIPT = "receipt", pgettext_lazy("where a code stands", "Receipt")
        SMS = "sms", pgettext_lazy("where a code stands", "SMS")
        WECOM = "wecom", pgettext_lazy("where a code stands", "WeCom")
        SOCIAL = "social", pgettext_lazy("where a code stands", "Social media")
        PARTNER = "partner", pgettext_lazy("where a code stands", "Partner")
        STREAM = "stream", pgettext_lazy("where a code stands", "Live stream")
        FRIEND = "friend", pgettext_lazy("where a code stands", "Member's invitation")
        OTHER = "other", pgettext_lazy("where a code stands", "Elsewhere")

    slug = models.CharField(_("short code"), max_length=12, unique=True, db_collation="C")
    name = models.CharField(pgettext_lazy("of a code", "name"), max_length=60)
    channel = models.CharField(_("where it stands"), max_length=10, choices=Channel, default=Channel.POSTER)
    campaign = models.CharField(_("campaign"), max_length=60, blank=True)
    poster = models.CharField(_("poster or place"), max_length=60, blank=True)
    store = models.ForeignKey(
        "stores.Store", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    staff = models.ForeignKey("stores.Staff", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    target = models.CharField(_("leads to"), max_length=500)
    stopped_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey("core.User", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = pgettext_lazy("tracked", "code")
        verbose_name_plural = pgettext_lazy("tracked", "codes")
        constraints = [
            models.CheckConstraint(condition=Q(slug__regex=r"^[0-9A-Za-z]{4,12}$"), name="activity_slug_is_base62"),
        ]
        indexes = [models.Index(fields=["store", "-id"], name="activity_code_of_store")]

    def __str__(self) -> str:
        return self.slug


class Visitor(models.Model):
    """One random id that a browser or mini-program calls itself by, and whom it turned out to be.

    It belongs to the first member who logs in with it. A second member makes it `shared`: from then on nothing is attributed by it.
    """

    anonymous_id = models.CharField(max_length=64, unique=True)
    member = models.ForeignKey("members.Member", null=True, on_delete=models.SET_NULL, related_name="+")
    linked_at = models.DateTimeField(null=True)  # the newest log-in of that member
    shared_at = models.DateTimeField(null=True)
    first_code = models.ForeignKey(Code, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    first_touch_at = models.DateTimeField(null=True)
    last_code = models.ForeignKey(Code, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    last_touch_at = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(shared_at__isnull=True) | Q(linked_at__isnull=False), name="activity_shared_was_linked"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class CodeVisitor(models.Model):
    """One person as far as we can tell, on one code."""

    code = models.ForeignKey(Code, on_delete=models.CASCADE, related_name="+", db_index=False)
    visitor = models.ForeignKey(Visitor, on_delete=models.CASCADE, related_name="+")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    opens = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code", "visitor"], name="activity_person_once_per_code")]

    def __str__(self) -> str:
        return f"{self.code_id} {self.visitor_id}"


class CodeDay(models.Model):
    """A code's count of one shop day. `people` are those who opened it for the first time ever; bots are in neither figure."""

    code = models.ForeignKey(Code, on_delete=models.CASCADE, related_name="+", db_index=False)
    on = models.DateField()
    scans = models.IntegerField(default=0)
    people = models.IntegerField(default=0)
    bots = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "on"], name="activity_day_once_per_code"),
            models.CheckConstraint(condition=Q(people__lte=F("scans")), name="activity_people_within_scans"),
        ]

    def __str__(self) -> str:
        return f"{self.code_id} {self.on}"


class Arrival(models.Model):
    """The code that brought a member: their registration names it as its source."""

    member = models.OneToOneField("members.Member", primary_key=True, on_delete=models.CASCADE, related_name="+")
    code = models.ForeignKey(Code, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.member_id} by {self.code_id}"
