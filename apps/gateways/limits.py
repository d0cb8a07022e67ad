"""The platforms' limits are data with effective dates (`PlatformLimit`), seeded by migration."""

from datetime import date

from apps.gateways.models import PlatformLimit


class LimitUnknown(LookupError):
    """No value of this limit is in force on that day."""


def current(platform: str, name: str, on: date) -> int:
    """The value in force on that day (shop time). Raises LimitUnknown."""
    rows = PlatformLimit.objects.filter(platform=platform, name=name, effective_from__lte=on)
    value = rows.order_by("-effective_from").values_list("value", flat=True).first()
    if value is None:
        raise LimitUnknown(f"{platform} {name} on {on}")
    return value
