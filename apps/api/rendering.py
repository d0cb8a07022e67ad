"""JSON out, written at once: DRF's own answer chooses among renderers and renders late, and there is one here."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework.utils.encoders import JSONEncoder

MEDIA_TYPE = "application/json"
_ENCODER = JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def rendered(data: Any) -> bytes:
    """U+2028 and U+2029 are escaped, so that the text is JavaScript, too."""
    return _ENCODER.encode(data).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()


class Response(HttpResponse):
    """What a view of the API answers: `data` as JSON, or no body without any."""

    def __init__(self, data: Any = None, *, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(
            b"" if data is None else rendered(data), status=status, headers=headers, content_type=MEDIA_TYPE
        )
        if data is None:
            del self["Content-Type"]
