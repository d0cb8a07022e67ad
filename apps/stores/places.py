"""Where a store stands and when it is open: what members look for."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class StorePlace(models.Model):
    """`hours`: seven entries from Monday on, ["10:00", "22:00"] in shop time or null for a day off; [] where nothing is known. An end
    that is not later than its beginning is on the next day. `latitude`, `longitude`: degrees, WGS 84."""

    store = models.OneToOneField("stores.Store", primary_key=True, on_delete=models.CASCADE, related_name="place")
    address = models.CharField(_("address"), max_length=120, blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    latitude = models.FloatField(_("latitude"), null=True)
    longitude = models.FloatField(_("longitude"), null=True)
    hours = models.JSONField(default=list, blank=True)

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
