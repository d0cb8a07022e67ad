"""Cursors that clients hand back: the sort key of the last row they saw, signed for one list and one filter."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError

_SIGNATURE = 12  # bytes


class CursorInvalid(DomainError):
    code = "cursor_invalid"
    status = 400
    title = _("This cursor was not made by this list. Begin without one.")


def write(name: str, key: Sequence[Any]) -> str:
    """`name` says which list, filter and owner it belongs to ("orders:user:7:paid")."""
    parts = [part.isoformat() if isinstance(part, datetime) else part for part in key]
    body = json.dumps(parts, separators=(",", ":")).encode()
    return urlsafe_b64encode(_sign(name, body) + body).decode().rstrip("=")


def read(name: str, text: str) -> list[Any]:
    """The key that `write` packed (times as ISO text). Raises CursorInvalid for any other text."""
    try:
        packed = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        raise CursorInvalid from None
    body = packed[_SIGNATURE:]
    if not hmac.compare_digest(_sign(name, body), packed[:_SIGNATURE]):
        raise CursorInvalid
    return json.loads(body)


def _sign(name: str, body: bytes) -> bytes:
    key = hashlib.sha256(b"cursor:" + settings.SECRET_KEY.encode()).digest()
    return hmac.digest(key, name.encode() + b"\0" + body, hashlib.sha256)[:_SIGNATURE]
