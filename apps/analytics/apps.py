from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class AnalyticsConfig(AppConfig):
    name = "apps.analytics"
    label = "analytics"

    def ready(self) -> None:
        autodiscover_modules(
            "exports", "exchange_exports", "quality"
        )  # registers the runners where jobs are started and where they run
