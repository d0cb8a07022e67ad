"""What a stock that runs low sets off: an alert for staff, once per crossing, since the fact comes once per stock and threshold."""

from apps.core import alerts
from apps.coupons import warnings
from apps.events.models import Event


def alert(event: Event) -> None:
    alerts.raise_once(warnings.LOW, key=f"{event.name}:{event.pk}", template_id=event.payload["template_id"])
