from importlib import import_module

from django.apps import AppConfig
from prometheus_client import Gauge

LATE_AFTER = 300  # seconds
LAG = Gauge("siyu_outbox_lag_seconds", "Age of the oldest fact still owed a step and not parked")


class EventsConfig(AppConfig):
    name = "apps.events"
    label = "events"

    def ready(self) -> None:
        """Add the outbox to the probes. Both modules need models, which exist only from here on."""
        lag = import_module("apps.events.selectors").lag_seconds
        LAG.set_function(lag)
        import_module("apps.core.health").CHECKS["outbox"] = lambda: lag() < LATE_AFTER
