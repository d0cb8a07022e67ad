"""Alerts: noticed by a rule, shown to people until somebody has seen them."""

from apps.core import clock
from apps.core.errors import NotFound
from apps.core.models import Alert


def raise_once(kind: str, *, key: str, **facts: object) -> bool:
    """Note it, in the caller's transaction; the same key again is the same alert. True: it is new."""
    return Alert.objects.get_or_create(key=key, defaults={"kind": kind, "facts": facts, "at": clock.now()})[1]


def unseen(kind: str) -> list[Alert]:
    """Newest first, at most 50."""
    return list(Alert.objects.filter(kind=kind, seen_at=None).order_by("-id")[:50])


def see(*, alert_id: int, user_id: int) -> None:
    """Somebody has looked at it. Raises NotFound when it is not there or seen already."""
    open_one = Alert.objects.filter(pk=alert_id, seen_at=None)
    if not open_one.update(seen_at=clock.now(), seen_by_id=user_id):
        raise NotFound
