"""What members book in stores: a service at a time that fits the opening hours, a place at an event; who waits when it is full."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from apps.core import clock


class Span(Func):
    function = "tstzrange"


class Service(models.Model):
    """A service has slots of `minutes` one after the other as long as the store is open; an event has those that staff give it."""

    class Kind(models.TextChoices):
        SERVICE = "service", pgettext_lazy("booking", "Service")
        EVENT = "event", pgettext_lazy("booking", "Event")

    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("name in English"), max_length=60, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.SERVICE)
    minutes = models.PositiveSmallIntegerField(default=30)
    days_ahead = models.PositiveSmallIntegerField(default=14)  # how far ahead members may book
    notice_minutes = models.PositiveSmallIntegerField(
        default=60
    )  # not later than so long before; the same for moving and cancelling
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = pgettext_lazy("booking", "service")
        verbose_name_plural = pgettext_lazy("booking", "services")
        constraints = [
            models.CheckConstraint(condition=Q(minutes__gte=5, minutes__lte=1440), name="bookings_minutes"),
        ]

    def __str__(self) -> str:
        """In the reader's language."""
        is_chinese = (get_language() or "").startswith("zh")
        return self.name if is_chinese or not self.name_en else self.name_en


class Offer(models.Model):
    """A service in a store; `capacity`: how many members at once, by the people and seats there."""

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="+", db_index=False)
    store = models.ForeignKey("stores.Store", on_delete=models.PROTECT, related_name="+", db_index=False)
    capacity = models.PositiveSmallIntegerField(default=1)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "store"], name="bookings_offer_once")]
        indexes = [models.Index(fields=["store", "service"], name="bookings_offers_of_store")]

    def __str__(self) -> str:
        return f"{self.service_id} {self.store_id}"


class Person(models.Model):
    """Somebody of the staff who does it there on these weekdays. An offer that names nobody is done by whoever is in."""

    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="+", db_index=False)
    staff = models.ForeignKey("stores.Staff", on_delete=models.PROTECT, related_name="+")
    weekdays = ArrayField(models.PositiveSmallIntegerField())  # 1 is Monday

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["offer", "staff"], name="bookings_person_once"),
            models.CheckConstraint(
                condition=Q(weekdays__len__gte=1, weekdays__contained_by=[1, 2, 3, 4, 5, 6, 7]),
                name="bookings_weekdays",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.offer_id} {self.staff_id}"


class Slot(models.Model):
    """A time of an offer that somebody booked, or that staff gave an event. `taken` never exceeds `capacity`: a CHECK."""

    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="+", db_index=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    capacity = models.PositiveSmallIntegerField()
    taken = models.PositiveSmallIntegerField(default=0)
    is_closed = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["offer", "starts_at"], name="bookings_slot_once"),
            models.CheckConstraint(condition=Q(taken__lte=F("capacity")), name="bookings_never_overbooked"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="bookings_slot_ends_after_start"),
        ]
        indexes = [models.Index(fields=["starts_at"], name="bookings_slots_by_time")]

    def __str__(self) -> str:
        return f"{self.offer_id} {self.starts_at}"


class Booking(models.Model):
    """A member's place in a slot, or in the row of those who wait for one (`WAITING`, oldest first).

    `staff` has one member at a time, whatever the service and store: an exclusion constraint, for which the times stand here too.
    """

    class State(models.TextChoices):
        BOOKED = "booked", pgettext_lazy("booking", "Booked")
        WAITING = "waiting", pgettext_lazy("booking", "On the waiting list")
        ARRIVED = "arrived", pgettext_lazy("booking", "Came")
        MISSED = "missed", pgettext_lazy("booking", "Did not come")
        CANCELLED = "cancelled", pgettext_lazy("booking", "Cancelled")

    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=10, choices=State)
    source = models.CharField(max_length=80, unique=True)
    made_at = models.DateTimeField(default=clock.now)
    filled_at = models.DateTimeField(null=True)  # came off the waiting list
    settled_at = models.DateTimeField(null=True)
    staff = models.ForeignKey("stores.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    staff_from = models.DateTimeField(null=True)
    staff_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(staff=None, staff_from=None, staff_until=None)
                | Q(staff__isnull=False, staff_from__isnull=False, staff_until__gt=F("staff_from")),
                name="bookings_person_has_time",
            ),
            ExclusionConstraint(
                name="bookings_person_one_at_a_time",
                expressions=[
                    (F("staff"), RangeOperators.EQUAL),
                    (
                        Span(F("staff_from"), F("staff_until"), output_field=DateTimeRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(state__in=["booked", "arrived"], staff__isnull=False),
            ),
            models.CheckConstraint(
                condition=Q(state__in=["booked", "waiting"], settled_at=None)
                | (~Q(state__in=["booked", "waiting"]) & Q(settled_at__isnull=False)),
                name="bookings_settled_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["slot", "id"], name="bookings_of_slot"),
            models.Index(fields=["member", "-id"], name="bookings_of_member"),
        ]

    def __str__(self) -> str:
        return self.source


class Notice(models.Model):
    """One set that fell due: everybody booked in the slot then (`DAY`, `HOURS`), or who just came off its waiting list (`FILLED`)."""

    class Kind(models.TextChoices):
        DAY = "day", pgettext_lazy("booking", "A day before")
        HOURS = "hours", pgettext_lazy("booking", "Two hours before")
        FILLED = "filled", pgettext_lazy("booking", "A place came free for who waited")

    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind)
    told_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slot", "kind"], condition=~Q(kind="filled"), name="bookings_notice_once"),
        ]
        indexes = [models.Index(fields=["told_at"], name="bookings_notices_by_time")]

    def __str__(self) -> str:
        return f"{self.slot_id} {self.kind}"
