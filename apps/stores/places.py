"""Where a store stands and when it is open: what members look for, and what business time is counted by."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class StorePlace(models.Model):
    """`hours`: seven lists from Monday on, of intervals ["10:00", "22:00"] in shop time; [] of all where the brand's hours count. An
    end that is not later than its beginning is on the next day. `latitude`, `longitude`: degrees, WGS 84."""

    store = models.OneToOneField("stores.Store", primary_key=True, on_delete=models.CASCADE, related_name="place")
    address = models.CharField(_("address"), max_length=120, blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    latitude = models.FloatField(_("latitude"), null=True)
    longitude = models.FloatField(_("longitude"), null=True)
    hours = models.JSONField(default=list, blank=True)
    keeps_public_days = models.BooleanField(_("closed on public holidays"), default=False)
    time_zone = models.CharField(
        _("time zone"), max_length=40, blank=True, default="", db_default=""
    )  # of the people around it, for messages; its own hours are in shop time

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(latitude=None, longitude=None)
                | Q(latitude__gte=-90, latitude__lte=90, longitude__gte=-180, longitude__lte=180),
                name="stores_place_on_earth",
            ),
        ]

    def __str__(self) -> str:
        return str(self.store_id)


class SpecialDay(models.Model):
    """A day that is not as its weekday says, of one store or (without one) of all. A store's own counts before everybody's."""

    class Kind(models.TextChoices):
        CLOSED = "closed", pgettext_lazy("day", "Closed")
        WEEKDAY = "weekday", pgettext_lazy("day", "Open as on a weekday")
        HOURS = "hours", pgettext_lazy("day", "Other hours")

    store = models.ForeignKey("stores.Store", null=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField(_("day"))
    kind = models.CharField(max_length=8, choices=Kind)
    weekday = models.PositiveSmallIntegerField(null=True)  # 0 is Monday: whose hours it has
    hours = models.JSONField(default=list, blank=True)  # intervals as in a day of StorePlace.hours
    name = models.CharField(_("name"), max_length=40, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "day"], name="stores_special_day_once", nulls_distinct=False),
            models.CheckConstraint(
                condition=Q(kind="weekday", weekday__range=(0, 6)) | ~Q(kind="weekday") & Q(weekday=None),
                name="stores_special_weekday",
            ),
            models.CheckConstraint(
                condition=Q(kind="hours") & ~Q(hours=[]) | ~Q(kind="hours") & Q(hours=[]), name="stores_special_hours"
            ),
        ]
        indexes = [models.Index(fields=["day"], name="stores_special_by_day")]

    def __str__(self) -> str:
        return f"{self.store_id} {self.day}"


class PublicDay(models.Model):
    """A day off, or (`is_working`) a day of a weekend that is worked in exchange (调休), as it was handed in. It counts before
    what `public_holidays` is sure of."""

    day = models.DateField(_("day"), primary_key=True)
    is_working = models.BooleanField(default=False)
    name = models.CharField(_("name"), max_length=40)

    def __str__(self) -> str:
        return f"{self.day} {self.name}"
