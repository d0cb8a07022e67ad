"""Sums of the books by day and month of earning, so that no page scans the ledger. Written by `tallying`, read by `liability`."""

from django.db import models

from apps.core import clock
from apps.points.books import Currency
from apps.stores.models import Store


class Tally(models.Model):
    """What the lines of one shop day did to the points earned in one month (`cohort`: its first day). What is left of a cohort is
    granted − spent − expired − taken_back − moved, the part set aside (`aside`) among it."""

    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+", db_index=False)
    cohort = models.DateField()
    on = models.DateField()
    granted = models.BigIntegerField(default=0)
    spent = models.BigIntegerField(default=0)
    expired = models.BigIntegerField(default=0)
    taken_back = models.BigIntegerField(default=0)
    moved = models.BigIntegerField(default=0)
    aside = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["currency", "cohort", "on"], name="points_tally_once")]

    def __str__(self) -> str:
        return f"{self.cohort} on {self.on}"


class StoreTally(models.Model):
    """The same by the store of the earning, None: of no store. Apart from `Tally`, which the whole is read from: it has a row where
    this has one for each store."""

    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+", db_index=False)
    store = models.ForeignKey(Store, null=True, on_delete=models.PROTECT, related_name="+")
    cohort = models.DateField()
    on = models.DateField()
    granted = models.BigIntegerField(default=0)
    spent = models.BigIntegerField(default=0)
    expired = models.BigIntegerField(default=0)
    taken_back = models.BigIntegerField(default=0)
    moved = models.BigIntegerField(default=0)
    aside = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["currency", "cohort", "on", "store"], name="points_store_tally_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.store_id} {self.cohort} on {self.on}"


class DayTotal(models.Model):
    """The four columns of one shop day's lines, summed."""

    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+", db_index=False)
    on = models.DateField()
    balance = models.BigIntegerField(default=0)
    pending = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    debt = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["currency", "on"], name="points_day_total_once")]

    def __str__(self) -> str:
        return f"{self.on}"


class TallyMark(models.Model):
    """Up to which line the sums go. One row."""

    upto = models.BigIntegerField(default=0)
    as_of = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.upto}"


class Outlook(models.Model):
    """What was usable at `as_of`: by the month of its last day ("ends", key "2026-12", "" for no end) and by tier ("tier")."""

    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=5)
    key = models.CharField(max_length=40, blank=True)
    points = models.BigIntegerField()
    as_of = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["currency", "kind", "key"], name="points_outlook_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
