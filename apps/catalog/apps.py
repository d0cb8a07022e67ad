from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy


class CatalogConfig(AppConfig):
    name = "apps.catalog"
    label = "catalog"
    verbose_name = gettext_lazy("Goods")

    def ready(self) -> None:
        autodiscover_modules("price_files")  # registers its runner where jobs are started and where they run
