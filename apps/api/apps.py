from importlib import import_module

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "apps.api"
    label = "api"

    def ready(self) -> None:
        """The door needs models, which exist only now."""
        door = import_module("apps.api.door")
        import_module("apps.stores.access").DOORS["api"] = door.admit
