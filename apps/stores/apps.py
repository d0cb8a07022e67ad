from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class StoresConfig(AppConfig):
    name = "apps.stores"
    label = "stores"
    verbose_name = gettext_lazy("Stores and staff")
