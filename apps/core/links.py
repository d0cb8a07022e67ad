"""Links that open one thing for a while to whoever holds them: `<last second>.<signature>`."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from datetime import datetime

from django.conf import settings

from apps.core import clock


def sign(name: str, *, until: datetime) -> str:
    """`name` says what is opened: "file:7". The last moment counts in whole seconds."""
    end = str(int(until.timestamp()))
    return f"{end}.{_signature(name, end)}"


def seconds_left(name: str, text: str) -> int:
    """How long a text of `sign` still opens that thing; 0 for any other text and for one that is over."""
    end, _, signature = text.partition(".")
    if not (end.isascii() and end.isdigit() and len(end) < 12):
        return 0
    if not hmac.compare_digest(_signature(name, end).encode(), signature.encode()):
        return 0
    return max(int(end) - int(clock.now().timestamp()), 0)


def _signature(name: str, end: str) -> str:
    key = hashlib.sha256(b"link:" + settings.SECRET_KEY.encode()).digest()
    digest = hmac.digest(key, f"{name}\0{end}".encode(), hashlib.sha256)
    return urlsafe_b64encode(digest[:24]).decode()
