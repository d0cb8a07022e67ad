"""Events as a client would send them."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from apps.activity import services
from apps.activity.services import IngestResult
from apps.core import clock

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
PHONE_ID = "browser-0001"


def event(
    name: str = "page_viewed", *, at: datetime | None = None, event_id: str = "", **properties: Any
) -> dict[str, Any]:
    if name == "page_viewed" and not properties:
        properties = {"path": "/my/"}
    return {
        "event_id": event_id or str(uuid4()),
        "name": name,
        "occurred_at": (at or clock.now()).isoformat(),
        "properties": properties,
    }


def send(*events: Any, member_id: int | None = None, anonymous_id: str = "", **more: Any) -> IngestResult:
    return services.ingest(batch=list(events), member_id=member_id, anonymous_id=anonymous_id, source="test", **more)
