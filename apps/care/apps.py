from importlib import import_module

from django.apps import AppConfig


class CareConfig(AppConfig):
    name = "apps.care"
    label = "care"

    def ready(self) -> None:
        import_module("apps.care.asking")  # registers what rules may ask about care
