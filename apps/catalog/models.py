"""Products, the categories they stand in, and what they cost: list prices, special prices and bundles as dated rows."""

from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from psycopg.types.multirange import Multirange
from psycopg.types.range import Range

from apps.core import clock

EVERYONE, MEMBERS = "", "*"  # audiences; any other is the key of a tier
MOST_CENTS = 10**9


class Category(models.Model):
    """`name` is what files say; unique."""

    name = models.CharField(_("name"), max_length=80, unique=True)

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """One sellable thing, by its SKU. `barcode`: what a scanner reads on it, as `barcodes` keeps it; "" for none."""

    sku = models.CharField(_("SKU"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    category = models.ForeignKey(
        Category, null=True, blank=True, on_delete=models.PROTECT, related_name="products", verbose_name=_("category")
    )
    brand = models.CharField(_("brand"), max_length=60, blank=True, default="", db_default="")
    barcode = models.CharField(_("barcode"), max_length=14, blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["sku"]
        constraints = [
            models.UniqueConstraint(fields=["barcode"], condition=~Q(barcode=""), name="catalog_barcode_once"),
            models.CheckConstraint(
                condition=Q(barcode="") | Q(barcode__regex=r"^[0-9]{14}$"), name="catalog_barcode_of_fourteen"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class WeekField(models.Field):
    """Minutes of the shop's week from Monday 00:00 on, as pairs from–until: an int4multirange, so that the database can tell whether
    two weekly windows meet."""

    def db_type(self, connection: Any) -> str:
        return "int4multirange"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> tuple[tuple[int, int], ...]:
        return tuple((one.lower, one.upper) for one in value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return Multirange([Range(start, until) for start, until in value])


def whole_week() -> tuple[tuple[int, int], ...]:
    return ((0, 7 * 24 * 60),)


class Period(Func):
    function = "tstzrange"


class Dated(models.Model):
    """For whom, where and when something costs so much. Rows are never changed but for their end: `ends_at` moves when a row is
    stopped (`was_until` keeps what it was, so that a stop can be undone) or when another takes its place. What was taken back before it
    began ends when it begins.

    `audience`: "" everyone, "*" any member, else the key of a tier. `store`, `channel`: "" all. `weekdays` (1 is Monday) and `hours`
    are the words of `week`, which is what counts. `source`: the door that made it. Who agreed stands beside whoever asked.
    """

    audience = models.CharField(max_length=20, blank=True, default="")
    store = models.CharField(max_length=40, blank=True, default="")
    channel = models.CharField(max_length=40, blank=True, default="")
    starts_at = models.DateTimeField(default=clock.now)
    ends_at = models.DateTimeField(null=True, blank=True)
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)
    hours = models.JSONField(default=list, blank=True)  # [["22:00", "02:00"], …]
    week = WeekField(default=whole_week)
    source = models.CharField(max_length=60, blank=True, default="")
    by = models.ForeignKey("core.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    agreed_by = models.ForeignKey("core.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField(default=clock.now)
    stopped_at = models.DateTimeField(null=True)
    stopped_by = models.ForeignKey("core.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    was_until = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class Price(Dated):
    """What a unit of a product costs. A list price is for everyone, everywhere, always; a special one asks for an audience or an end.

    That two prices of one product for the same audience, store and channel never count at once is an exclusion constraint, to the
    minute of the week. Of those that count, the lowest does.
    """

    class Kind(models.TextChoices):
        LIST = "list", pgettext_lazy("price", "List price")
        SPECIAL = "special", pgettext_lazy("price", "Special price")

    kind = models.CharField(max_length=8, choices=Kind)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+", db_index=False)
    cents = models.BigIntegerField()
    label = models.CharField(max_length=60, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(cents__gte=0, cents__lte=MOST_CENTS), name="catalog_price_in_bounds"),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gte=F("starts_at")), name="catalog_price_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(kind="list", audience="", store="", channel="", weekdays=[], hours=[])
                | Q(kind="special", ends_at__isnull=False)
                | (Q(kind="special") & ~Q(audience="")),
                name="catalog_special_is_for_some",
            ),
            ExclusionConstraint(
                name="catalog_one_price_at_a_time",
                expressions=[
                    (F("product"), RangeOperators.EQUAL),
                    (F("kind"), RangeOperators.EQUAL),
                    (F("audience"), RangeOperators.EQUAL),
                    (F("store"), RangeOperators.EQUAL),
                    (F("channel"), RangeOperators.EQUAL),
                    (Period(F("starts_at"), F("ends_at"), output_field=DateTimeRangeField()), RangeOperators.OVERLAPS),
                    (F("week"), RangeOperators.OVERLAPS),
                ],
            ),
        ]
        indexes = [models.Index(fields=["product", "starts_at"], name="catalog_prices_of_product")]

    def __str__(self) -> str:
        return f"{self.product_id} {self.cents}"


class Bundle(Dated):
    """Several units for one price. `for`: any `count` of the products for `cents`. `set`: so many of each for `cents`. `nth`: of every
    `count` pieces at list price the cheapest costs `percent` hundredths."""

    class Kind(models.TextChoices):
        FOR = "for", pgettext_lazy("bundle", "Several for one price")
        SET = "set", pgettext_lazy("bundle", "A set for one price")
        NTH = "nth", pgettext_lazy("bundle", "The nth piece for less")

    kind = models.CharField(max_length=4, choices=Kind)
    name = models.CharField(max_length=60)
    name_en = models.CharField(max_length=60, blank=True, default="")
    count = models.PositiveSmallIntegerField(null=True)
    cents = models.BigIntegerField(null=True)
    percent = models.PositiveSmallIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="for", count__gte=2, count__lte=20, cents__isnull=False, percent=None)
                | Q(kind="set", count=None, cents__isnull=False, percent=None)
                | Q(kind="nth", count__gte=2, count__lte=20, cents=None, percent__gte=0, percent__lte=99),
                name="catalog_bundle_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(cents=None) | Q(cents__gte=0, cents__lte=MOST_CENTS), name="catalog_bundle_in_bounds"
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gte=F("starts_at")), name="catalog_bundle_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BundleItem(models.Model):
    """`count` says how many of a set; of the other kinds it is 1."""

    bundle = models.ForeignKey(Bundle, on_delete=models.PROTECT, related_name="items", db_index=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    count = models.PositiveSmallIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bundle", "product"], name="catalog_product_once_per_bundle"),
            models.CheckConstraint(condition=Q(count__gte=1, count__lte=20), name="catalog_bundle_item_count"),
        ]

    def __str__(self) -> str:
        return f"{self.bundle_id} {self.product_id}"


class Stock(models.Model):
    """Pieces of a product on the shelf of a store, as the store's own system counted them at `as_of`. A later count takes its place, an
    earlier one that comes late does not."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+", db_index=False)
    store = models.ForeignKey("stores.Store", on_delete=models.PROTECT, related_name="+")
    on_hand = models.PositiveIntegerField()
    as_of = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["product", "store"], name="catalog_stock_once")]

    def __str__(self) -> str:
        return f"{self.product_id} {self.store_id} {self.on_hand}"
