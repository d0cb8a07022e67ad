from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class SegmentsConfig(AppConfig):
    name = "apps.segments"
    label = "segments"

    def ready(self) -> None:
        autodiscover_modules(
            "lists.job", "packs.making"
        )  # registers the runner where jobs are started and where they run
