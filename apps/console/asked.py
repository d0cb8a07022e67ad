"""What an address asks for: dates, keys, cursors. Anything that makes no sense counts as not asked."""

from datetime import date
from typing import Any

from django.http import HttpRequest, QueryDict

from apps.analytics.keyset import Page


def a_date(request: HttpRequest, *, name: str) -> date | None:
    try:
        return date.fromisoformat(request.GET.get(name, ""))
    except ValueError:
        return None


def a_key(request: HttpRequest, *, name: str) -> int | None:
    """A database key from a filter, such as a store."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def one_of(request: HttpRequest, *, name: str, allowed: Any) -> str:
    text = request.GET.get(name, "")
    return text if text in allowed else ""


def pager(request: HttpRequest, page: Page) -> dict[str, str]:
    """Addresses of the neighbouring pages, all filters kept."""
    return {"newer_url": _at(request.GET, page.newer), "older_url": _at(request.GET, page.older)}


def without(request: HttpRequest, *names: str) -> str:
    """The same list with some filters dropped."""
    kept = request.GET.copy()
    for name in (*names, "at"):
        kept.pop(name, None)
    return f"?{kept.urlencode()}" if kept else request.path


def _at(asked: QueryDict, cursor: str) -> str:
    if not cursor:
        return ""
    kept = asked.copy()
    kept["at"] = cursor
    return f"?{kept.urlencode()}"
