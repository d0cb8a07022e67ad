"""Brand → region → store, and the people who work there. One brand per installation."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.stores.places import PublicDay, SpecialDay, StorePlace  # noqa: F401 - Django looks for models here


class Region(models.Model):
    name = models.CharField(_("name"), max_length=60, unique=True)

    class Meta:
        verbose_name = _("region")
        verbose_name_plural = _("regions")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Store(models.Model):
    """A shop, or a warehouse. `code` is what tills and files say. Who works in a warehouse takes goods in and sends them out."""

    code = models.CharField(_("store code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    region = models.ForeignKey(
        Region, null=True, blank=True, on_delete=models.PROTECT, related_name="stores", verbose_name=_("region")
    )
    is_open = models.BooleanField(_("open"), default=True)
    is_warehouse = models.BooleanField(_("a warehouse, no shop"), default=False, db_default=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = _("store")
        verbose_name_plural = _("stores")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    ADMIN = "admin", _("Administrator")
    ANALYST = "analyst", _("Headquarters analyst")
    MARKETER = "marketer", _("Marketer")
    REGION_MANAGER = "region_manager", _("Region manager")
    MANAGER = "manager", _("Store manager")
    AGENT = "agent", _("Service agent")
    CLERK = "clerk", _("Store clerk")
    AUDITOR = "auditor", _("Auditor")


class Staff(models.Model):
    """Somebody who works for the brand; `user` is their log-in, absent for imported guides. `code` is what tills and files say."""

    user = models.OneToOneField(
        "core.User", null=True, blank=True, on_delete=models.PROTECT, related_name="staff", verbose_name=_("account")
    )
    code = models.CharField(_("staff number"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    role = models.CharField(_("role"), max_length=20, choices=Role, default=Role.CLERK)
    store = models.ForeignKey(
        Store, null=True, blank=True, on_delete=models.PROTECT, related_name="staff", verbose_name=_("store")
    )
    region = models.ForeignKey(
        Region, null=True, blank=True, on_delete=models.PROTECT, related_name="staff", verbose_name=_("region")
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("staff member")
        verbose_name_plural = _("staff")
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class Scope(models.TextChoices):
    """What a key may be allowed. Routes name these in `config/access.yaml`: `client:orders.write`."""

    MEMBERS_READ = "members.read", _("Look members up")
    MEMBERS_WRITE = "members.write", _("Add and change members")
    MEMBERS_MERGE = "members.merge", _("Join two records of one person")
    ORDERS_READ = "orders.read", _("Read orders")
    ORDERS_WRITE = "orders.write", _("Hand in orders")
    REFUNDS_WRITE = "refunds.write", _("Hand in refunds")
    SEGMENTS_READ = "segments.read", _("Read segments and who is in them")
    POINTS_READ = "points.read", _("Read points")
    POINTS_WRITE = "points.write", _("Book points")
    EVENTS_WRITE = "events.write", _("Hand in behaviour events")
    COUPONS_WRITE = "coupons.write", _("Quote baskets and redeem coupons")
    CATALOG_WRITE = "catalog.write", _("Hand in products and their prices")
    JOURNEYS_WRITE = "journeys.write", _("Let members into journeys")
    EXCHANGES_WRITE = "exchanges.write", _("Confirm payments of exchanges and hand rewards over")
    TICKETS_READ = "tickets.read", _("Read tickets of the service desk")
    TICKETS_WRITE = "tickets.write", _("Answer tickets and move them on")
    JOBS_READ = "jobs.read", _("See how long work goes on")
    COUNTER = "counter", _("Be a till at the counter")


class _Key(models.Model):
    """What every key has. The secret itself is shown once, when it is issued; see `credentials`."""

    name = models.CharField(_("name"), max_length=60)
    digest = models.BinaryField(max_length=32, unique=True)
    last_four = models.CharField(max_length=4)
    scopes = ArrayField(models.CharField(max_length=40, choices=Scope))
    is_sandbox = models.BooleanField(_("sandbox"), default=False)
    created_at = models.DateTimeField(default=clock.now)
    last_used_at = models.DateTimeField(null=True)  # to the hour
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name} …{self.last_four}"


class ApiClient(_Key):
    """A program that calls the API with a key of its own: an order system, a mini-program's server."""

    contact = models.EmailField(_("mail for changes"), blank=True)  # who hears that a version of the API ends
    told = ArrayField(models.CharField(max_length=40), default=list)  # "2026-12-01 deprecated": what they heard


class Device(_Key):
    """A till or hand scanner, bound to one store."""

    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="devices")


class Till(models.Model):
    """A browser that was made a till: its device key lives in a cookie there. `scan_key` is the public half of a key that the browser
    made for itself, once: it signs what is taken in while the network is away."""

    device = models.OneToOneField(Device, on_delete=models.PROTECT, related_name="till")
    scan_key = models.BinaryField(max_length=200, null=True)
    bound_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    def __str__(self) -> str:
        return str(self.device_id)


class Pin(models.Model):
    """Four to six digits by which somebody shows at a till who they are, as a salted hash."""

    staff = models.OneToOneField(Staff, on_delete=models.PROTECT, related_name="pin")
    hash = models.CharField(max_length=200)
    changed_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return str(self.staff_id)


class Shift(models.Model):
    """One person's work at one till. At most one of a till's open shifts `is_at_till`; two minutes after `seen_at` it is locked."""

    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+", db_index=False)
    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    began_at = models.DateTimeField(default=clock.now)
    seen_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)
    is_at_till = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device"], condition=Q(is_at_till=True), name="stores_one_at_till"),
            models.UniqueConstraint(
                fields=["device", "staff"], condition=Q(ended_at=None), name="stores_open_shift_once"
            ),
            models.CheckConstraint(condition=Q(is_at_till=False) | Q(ended_at=None), name="stores_at_till_is_open"),
        ]
        indexes = [
            models.Index(fields=["device", "-began_at"], name="stores_shifts_of_till"),
            models.Index(fields=["staff", "-began_at"], name="stores_shifts_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.staff_id} at {self.device_id}"
