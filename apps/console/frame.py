"""What Unfold asks for each page it draws."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.core import brand

THEMES = ("light", "dark")


def pinned_theme(request: HttpRequest) -> dict[str, Any]:
    """Unfold follows the theme the person pinned on our own pages."""
    theme = request.COOKIES.get("theme", "")
    return {"theme": theme if theme in THEMES else None}


def environment(request: HttpRequest) -> list[str] | None:
    """The label in the head of demo installations."""
    return [_("Demo data"), "info"] if brand.read("core.demo") else None
