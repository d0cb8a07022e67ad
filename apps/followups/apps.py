from importlib import import_module

from django.apps import AppConfig


class FollowupsConfig(AppConfig):
    name = "apps.followups"
    label = "followups"

    def ready(self) -> None:
        import_module("apps.followups.settings")  # declares the brand's settings
