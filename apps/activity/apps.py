from importlib import import_module

from django.apps import AppConfig
from prometheus_client import Gauge

READY = Gauge("siyu_event_months_ready", "Monthly partitions made ahead for behaviour events, this month not counted")
STRAYED = Gauge(
    "siyu_events_in_default_partition", "Behaviour events that found no month of their own; 0 when all is well"
)


class ActivityConfig(AppConfig):
    name = "apps.activity"
    label = "activity"

    def ready(self) -> None:
        """Figures of the whole house, read when asked."""
        partitions = import_module("apps.activity.partitions")
        READY.set_function(partitions.months_ahead)
        STRAYED.set_function(partitions.strayed)
        import_module("apps.activity.settings")  # declares the brand's settings
