from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class MembersConfig(AppConfig):
    name = "apps.members"
    label = "members"

    def ready(self) -> None:
        autodiscover_modules(
            "imports.job", "duplicates"
        )  # registers the runners where jobs are started and where they run
