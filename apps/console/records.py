"""Record tables under /console/records/: stores, people, catalogue, and the audit trail to read.

Unfold draws them. Who may open them is decided by `records.manage` in config/access.yaml, never by Django's own permissions.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.decorators import csp_replace
from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import SuspiciousOperation
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from apps.catalog.models import Category, Product
from apps.core import audit
from apps.core.models import AuditEntry, User
from apps.stores.models import Region, Staff, Store

PERMISSION = "records.manage"


def _readable(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The package's filters hand what the address says to PostgreSQL, whose texts cannot hold NUL."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if any("\0" in value for values in request.GET.lists() for value in (values[0], *values[1])):
            raise SuspiciousOperation("NUL in a query")
        return view(request, *args, **kwargs)

    return inner


class RecordsSite(UnfoldAdminSite):
    """Its own namespace, our log-in, our permissions, and a policy that lets Unfold's Alpine work here alone."""

    site_title = gettext_lazy("Stores and staff")
    index_title = gettext_lazy("Stores and staff")

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.access.can(PERMISSION))  # type: ignore[attr-defined]

    def admin_view(self, view: Callable[..., HttpResponse], cacheable: bool = False) -> Callable[..., HttpResponseBase]:
        return csp_replace(settings.RECORDS_CSP)(super().admin_view(_readable(view), cacheable))

    def get_urls(self) -> list[Any]:
        """Without a second door: log-in, log-out and passwords are the console's."""
        left_out = {"login", "logout", "password_change", "password_change_done"}
        return [route for route in super().get_urls() if getattr(route, "name", None) not in left_out]


site = RecordsSite(name="console_records")


class Records(ModelAdmin):
    """Whoever may open the site may do what the table offers; each change is signed for the audit triggers."""

    warn_unsaved_form = True
    list_fullwidth = True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return site.has_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return site.has_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return site.has_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        audit.sign()
        super().save_model(request, obj, form, change)


class StaffForm(forms.ModelForm):
    """A log-in is made or renamed here; an unticked card is refused on the person's very next request."""

    login_name = forms.CharField(
        label=gettext_lazy("Log-in name"), max_length=80, required=False, widget=UnfoldAdminTextInputWidget
    )
    new_password = forms.CharField(
        label=gettext_lazy("New password"),
        help_text=gettext_lazy("Ten characters or more. Empty keeps the present one."),
        required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = Staff
        fields = ("code", "name", "role", "region", "store", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.user_id:
            self.fields["login_name"].initial = self.instance.user.username

    def clean_login_name(self) -> str:
        name = str(self.cleaned_data["login_name"]).strip()
        if name and User.objects.filter(username=name).exclude(pk=self.instance.user_id).exists():
            raise forms.ValidationError(_("Another account has this log-in name. Choose another one."))
        return name

    def clean_new_password(self) -> str:
        password = str(self.cleaned_data["new_password"])
        if password:
            validate_password(password)
        return password

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        name, password = cleaned.get("login_name"), cleaned.get("new_password")
        if password and not name:
            self.add_error("login_name", _("A password needs a log-in name."))
        if name and not password and not self.instance.user_id:
            self.add_error("new_password", _("A new log-in needs a password."))
        if self.instance.user_id and not name and "login_name" in cleaned:
            self.add_error("login_name", _("A log-in cannot be taken away. Untick “active” instead."))
        return cleaned

    def keep_login(self) -> None:
        """Make or change the account before the card is saved."""
        name, password = self.cleaned_data["login_name"], self.cleaned_data["new_password"]
        if not name:
            return
        account = self.instance.user or User(username=name, is_staff=True)
        account.username = name
        if password:
            account.set_password(password)
        account.save()
        self.instance.user = account


class RegionRecords(Records):
    list_display = ("name",)
    search_fields = ("name",)


class StoreRecords(Records):
    list_display = ("code", "name", "region", "is_open", "is_warehouse")
    list_filter = ("region", "is_open", "is_warehouse")
    list_select_related = ("region",)
    search_fields = ("code", "name")


class StaffRecords(Records):
    form = StaffForm
    list_display = ("code", "name", "role", "store", "region", "is_active")
    list_filter = ("role", "is_active", "store")
    list_select_related = ("store", "region")
    search_fields = ("code", "name")

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        form.keep_login()
        super().save_model(request, obj, form, change)


class CategoryRecords(Records):
    list_display = ("name",)
    search_fields = ("name",)
    show_full_result_count = False


class ProductRecords(Records):
    list_display = ("sku", "name", "category")
    list_select_related = ("category",)
    search_fields = ("sku", "name")
    autocomplete_fields = ("category",)
    show_full_result_count = False


class AuditRecords(Records):
    list_display = ("at", "actor", "action", "object_type", "object_id")
    list_filter = ("object_type",)
    search_fields = ("action__startswith",)
    ordering = ("-id",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


site.register(Region, RegionRecords)
site.register(Store, StoreRecords)
site.register(Staff, StaffRecords)
site.register(Category, CategoryRecords)
site.register(Product, ProductRecords)
site.register(AuditEntry, AuditRecords)

urls = path("console/records/", site.urls)
