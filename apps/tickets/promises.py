"""What the brand promises and decides about tickets, as staff change it; open tickets follow."""

from typing import Any
from uuid import uuid4

from django.db import transaction

from apps.core import brand
from apps.events import services as events
from apps.tickets.settings import ESCALATE, LOAD, RAISE, TARGETS, VIP, WARN, WINDOWS

CHANGED = "promises.changed"
SETTINGS = (TARGETS, WINDOWS, LOAD, WARN, RAISE, ESCALATE, VIP)


def read() -> dict[str, Any]:
    return {key: brand.read(key) for key in SETTINGS}


@transaction.atomic
def save(wanted: dict[str, Any]) -> list[str]:
    """Write what differs, and say which; other times set the clocks of open tickets anew. Raises ValidationFailed; nothing is written
    then."""
    changed = brand.change({key: wanted[key] for key in SETTINGS if key in wanted})
    if TARGETS in changed:
        events.publish(CHANGED, key=uuid4().hex, store_id=None)
    return changed
