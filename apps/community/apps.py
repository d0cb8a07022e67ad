from importlib import import_module

from django.apps import AppConfig


class CommunityConfig(AppConfig):
    name = "apps.community"
    label = "community"

    def ready(self) -> None:
        import_module("apps.community.settings")  # declares the brand's settings
        import_module("apps.community.syncing")  # registers its job
        import_module("apps.community.handing")  # likewise
