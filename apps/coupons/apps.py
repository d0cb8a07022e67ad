from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CouponsConfig(AppConfig):
    name = "apps.coupons"
    label = "coupons"

    def ready(self) -> None:
        autodiscover_modules("batches", "keeping")  # registers runners where jobs are started and where they run
