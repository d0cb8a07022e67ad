"""Headers of our own making on an answer."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse


def add(response: HttpResponse, headers: Mapping[str, str]) -> None:
    """Those that it has not yet. Names and values are ASCII that no client wrote: Django would check each of them again."""
    there: Any = response.headers._store
    for name, value in headers.items():
        there.setdefault(name.lower(), (name, value))
