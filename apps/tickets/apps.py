from importlib import import_module

from django.apps import AppConfig


class TicketsConfig(AppConfig):
    name = "apps.tickets"
    label = "tickets"

    def ready(self) -> None:
        import_module("apps.tickets.settings")  # declares the brand's settings
