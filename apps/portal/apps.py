from importlib import import_module

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "apps.portal"
    label = "portal"

    def ready(self) -> None:
        access, door = import_module("apps.stores.access"), import_module("apps.portal.door")
        access.DOORS["portal"] = door.decide
        import_module("apps.core.problems").PAGES["/my/"] = ("portal/problem.html", "portal/fault.html")
