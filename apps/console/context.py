"""What every page knows."""

from django.http import HttpRequest

from apps.core import brand


def house(request: HttpRequest) -> dict[str, object]:
    """The brand's name, whether this is the demo, and the request id for error pages."""
    return {
        "brand_name": brand.name(),
        "demo": brand.read("core.demo"),
        "request_id": getattr(request, "id", ""),
    }
