from django.apps import AppConfig
from django.utils.translation import gettext_lazy

from apps.core import logs


class CoreConfig(AppConfig):
    name = "apps.core"
    label = "core"
    verbose_name = gettext_lazy("System")

    def ready(self) -> None:
        logs.configure()
