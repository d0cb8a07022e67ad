from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class FlowsConfig(AppConfig):
    name = "apps.flows"
    label = "flows"

    def ready(self) -> None:
        # registers the runners where jobs are started and where they run, and whom journeys may call
        autodiscover_modules("export", "tag_list", "tier_moves", "journey_called")
