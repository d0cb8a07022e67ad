"""Unfold's settings: it draws the record tables under /console/records/ in our tokens and with our navigation."""

from typing import Any

from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

_WEIGHTS = (50, 100, 200, 300, 400, 500, 600, 700, 800, 900, 950)
_BRAND = {
    50: "soft", 100: "soft", 200: "line", 300: "line", 400: "ink", 500: "ink",
    600: "fill", 700: "fill", 800: "fill", 900: "soft", 950: "soft",
}  # fmt: skip


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Siyu",
    "SITE_HEADER": "Siyu",
    "SITE_SUBHEADER": _("Stores and staff"),
    "SITE_URL": "/console/",
    "SITE_ICON": lambda request: static("shared/gate.svg"),
    "SITE_SYMBOL": "trip_origin",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("shared/favicon.svg")}],
    "SHOW_BACK_BUTTON": True,
    "SHOW_LANGUAGES": False,
    "BORDER_RADIUS": "8px",
    "GLOBAL_CALLBACK": "apps.console.frame.pinned_theme",
    "ENVIRONMENT": "apps.console.frame.environment",
    "STYLES": [
        lambda request: static("shared/tokens.css"),
        lambda request: static("console/console.css"),
        lambda request: static("console/unfold.css"),
    ],
    "SCRIPTS": [lambda request: static("console/shell.js")],
    "COLORS": {
        "base": {str(weight): f"var(--u-{weight})" for weight in _WEIGHTS},
        "primary": {str(weight): f"var(--brand-{_BRAND[weight]})" for weight in _WEIGHTS},
        "font": {
            "subtle-light": "var(--ink-3)",
            "subtle-dark": "var(--ink-3)",
            "default-light": "var(--ink-2)",
            "default-dark": "var(--ink-2)",
            "important-light": "var(--ink)",
            "important-dark": "var(--ink)",
        },
    },
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": []},
}
