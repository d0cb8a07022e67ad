from importlib import import_module

from django.apps import AppConfig


class CounterConfig(AppConfig):
    name = "apps.counter"
    label = "counter"

    def ready(self) -> None:
        access, door = import_module("apps.stores.access"), import_module("apps.counter.door")
        access.DOORS["counter"] = door.decide
        import_module("apps.core.problems").PAGES["/counter/"] = ("counter/problem.html", "counter/problem.html")
