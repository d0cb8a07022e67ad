"""E-mail addresses that take no more mail of ours."""

from apps.core import clock
from apps.gateways.models import Suppression
from apps.members import selectors
from apps.members.models import Identity


def close(*, member_id: int, reason: str) -> None:
    """Nothing is sent to the member's addresses any more: they do not exist, or their owner complained. Again is a no-op."""
    family = selectors.family(member_id)
    rows = Identity.objects.filter(member_id__in=family, kind=Identity.Kind.EMAIL).values_list("digest", "member_id")
    for digest, owner in rows:
        Suppression.objects.get_or_create(
            digest=bytes(digest), defaults={"member_id": owner, "reason": reason, "at": clock.now()}
        )


def is_closed(member_id: int) -> bool:
    """Whether they have an address, and the newest takes nothing."""
    family = selectors.family(member_id)
    newest = Identity.objects.filter(member_id__in=family, kind=Identity.Kind.EMAIL).order_by("-pk").first()
    return newest is not None and Suppression.objects.filter(digest=bytes(newest.digest)).exists()
