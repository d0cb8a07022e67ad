"""Secrets of endpoints and signatures by Standard Webhooks 1.0.0: HMAC-SHA256 of `id.timestamp.body`, one per living secret."""

import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from apps.core import ciphers
from apps.webhooks.models import Secret

PREFIX = "whsec_"
BOTH_FOR = timedelta(hours=24)  # after a change the old secret signs beside the new one
_BYTES = 32


def issue(*, endpoint_id: int, moment: datetime) -> str:
    """A new secret in place of the newest, in the caller's transaction: the newest signs for 24 hours more, older ones no more.

    Returned once, as people enter it at the other side; stored sealed.
    """
    living = Secret.objects.filter(endpoint_id=endpoint_id)
    living.filter(ends_at__gt=moment).update(ends_at=moment)
    living.filter(ends_at=None).update(ends_at=moment + BOTH_FOR)
    text = PREFIX + b64encode(os.urandom(_BYTES)).decode()
    wrapped = ciphers.new_person_key()
    sealed = ciphers.encrypt(person_key=ciphers.unwrap(wrapped), text=text, context=_context(endpoint_id))
    Secret.objects.create(endpoint_id=endpoint_id, wrapped=wrapped, sealed=sealed, created_at=moment)
    return text


def living(*, endpoint_ids: Sequence[int], moment: datetime) -> dict[int, list[str]]:
    """The secrets that sign now, newest first, by endpoint."""
    rows = Secret.objects.filter(Q(ends_at=None) | Q(ends_at__gt=moment), endpoint_id__in=endpoint_ids).order_by("-id")
    found: dict[int, list[str]] = {}
    for row in rows:
        key = ciphers.unwrap(bytes(row.wrapped))
        text = ciphers.decrypt(person_key=key, blob=bytes(row.sealed), context=_context(row.endpoint_id))
        found.setdefault(row.endpoint_id, []).append(text)
    return found


def signature(secrets: Sequence[str], *, message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(
        "v1," + b64encode(hmac.digest(b64decode(secret.removeprefix(PREFIX)), signed, "sha256")).decode()
        for secret in secrets
    )


def rewrap() -> int:
    """Put every secret under the newest field key (see `members.rotation`); how many changed. Repeatable.

    Raises BadCipher when an old field key is missing.
    """
    newest, done = next(iter(settings.FIELD_KEYS)), 0
    for row in Secret.objects.order_by("pk"):
        stale = bytes(row.wrapped)
        if ciphers.key_id(stale) != newest:
            done += Secret.objects.filter(pk=row.pk, wrapped=stale).update(wrapped=ciphers.rewrap(stale))
    return done


def _context(endpoint_id: int) -> str:
    return f"webhooks.secret:{endpoint_id}"
