"""Brand → region → store, and the people who work there. One brand per installation."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.stores.places import StorePlace  # noqa: F401 - Django looks for models here


class Region(models.Model):
    name = models.CharField(_("name"), max_length=60, unique=True)

    class Meta:
        verbose_name = _("region")
        verbose_name_plural = _("regions")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Store(models.Model):
    """A shop, or an online channel's warehouse. `code` is what tills and files say."""

    code = models.CharField(_("store code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    region = models.ForeignKey(
        Region, null=True, blank=True, on_delete=models.PROTECT, related_name="stores", verbose_name=_("region")
    )
    is_open = models.BooleanField(_("open"), default=True)
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
    ORDERS_READ = "orders.read", _("Read orders")
    ORDERS_WRITE = "orders.write", _("Hand in orders")
    REFUNDS_WRITE = "refunds.write", _("Hand in refunds")
    POINTS_READ = "points.read", _("Read points")
    POINTS_WRITE = "points.write", _("Book points")
    EVENTS_WRITE = "events.write", _("Hand in behaviour events")
    EXCHANGES_WRITE = "exchanges.write", _("Confirm payments of exchanges and hand rewards over")
    JOBS_READ = "jobs.read", _("See how long work goes on")


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


class Device(_Key):
    """A till or hand scanner, bound to one store."""

    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="devices")
