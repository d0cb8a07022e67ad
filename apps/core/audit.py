"""The audit trail: acts are recorded here, changed rows by triggers (see `database.Audited`)."""

from django.db import connection

from apps.core import requests
from apps.core.models import AuditEntry


def record(
    action: str, *, object_type: str = "", object_id: object = "", before: dict | None = None, after: dict | None = None
) -> AuditEntry:
    """Write one act by the present actor, in the caller's transaction. No personal data in `before` and `after`."""
    who = requests.origin()
    return AuditEntry.objects.create(
        actor=who.actor,
        request_id=who.request_id,
        address=who.address,
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        before=before,
        after=after,
    )


def sign() -> None:
    """Tell this transaction's triggers who acts. Call at the top of a service that changes an audited row."""
    who = requests.origin()
    with connection.cursor() as cursor:
        cursor.execute(
            "select set_config('siyu.actor', %s, true), set_config('siyu.request_id', %s, true),"
            " set_config('siyu.address', %s, true)",
            [who.actor, who.request_id, who.address],
        )
