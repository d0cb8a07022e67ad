from django.apps import AppConfig

from apps.core import logs


class CoreConfig(AppConfig):
    name = "apps.core"
    label = "core"

    def ready(self) -> None:
        logs.configure()
