from importlib import import_module
from typing import Any

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "apps.api"
    label = "api"

    def ready(self) -> None:
        """What stands on lower floors is told of the door and the bench. Both need models, which exist only now."""
        door = import_module("apps.api.door")
        import_module("apps.stores.access").DOORS["api"] = door.admit
        import_module("apps.api.later")  # registers its runner where jobs are started and where they run
        benches = import_module("apps.flows.benches")
        benches.BENCHES["api"] = benches.Bench(_bench, needs_orders=False)
        benches.BENCHES["earn"] = benches.Bench(_bench_earn, needs_orders=False)
        benches.BENCHES["search"] = benches.Bench(_bench_search, needs_orders=False)


def _bench(size: str) -> Any:
    return import_module("apps.api.bench").bench_api(size)


def _bench_earn(size: str) -> Any:
    return import_module("apps.api.bench_earn").bench_earn(size)


def _bench_search(size: str) -> Any:
    return import_module("apps.api.bench_search").bench_search(size)
