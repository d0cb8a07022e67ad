"""What every page knows."""

from django.conf import settings
from django.http import HttpRequest

from apps.core import brand


def house(request: HttpRequest) -> dict[str, object]:
    """The brand's name, whether this is the demo, and the request id for error pages."""
    return {
        "brand_name": settings.BRAND_NAME,
        "demo": brand.read("core.demo"),
        "request_id": getattr(request, "id", ""),
    }
