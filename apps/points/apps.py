from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class PointsConfig(AppConfig):
    name = "apps.points"
    label = "points"

    def ready(self) -> None:
        autodiscover_modules(
            "achieving", "adjusting", "bringing", "publishing", "spend_limits"
        )  # registers what a second person's agreement does
        autodiscover_modules("ladders", "openings")  # registers runners where jobs are started and where they run
