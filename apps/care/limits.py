"""The limits of sending as staff change them: four settings of the brand, all or none, each change in the audit trail."""

from typing import Any

from apps.care import lanes, second_person  # noqa: F401 - they declare what is changed here
from apps.core import brand
from apps.core.models import AuditEntry, BrandSetting

SETTINGS = ("care.gate", "care.throttle", second_person.SETTING, "care.sms_price_cents")


def read() -> dict[str, Any]:
    """Every setting with its value, the default where staff never chose."""
    return {key: brand.read(key) for key in SETTINGS}


def save(wanted: dict[str, Any]) -> list[str]:
    """Write what differs, and say which. What is planned already keeps its hour. Raises ValidationFailed; nothing is written then."""
    return brand.change({key: wanted[key] for key in SETTINGS if key in wanted})


def history(*, at_most: int) -> list[tuple[AuditEntry, dict[str, Any], dict[str, Any]]]:
    """The newest changes, newest first: the line, and the setting by its key before and after."""
    keys = {str(pk): key for pk, key in BrandSetting.objects.filter(key__in=SETTINGS).values_list("pk", "key")}
    lines = AuditEntry.objects.filter(object_type="core_brandsetting", object_id__in=keys, after__has_key="value")
    return [
        (line, _told(keys[line.object_id], line.before), _told(keys[line.object_id], line.after))
        for line in lines.order_by("-pk")[:at_most]
    ]


def _told(key: str, said: dict[str, Any] | None) -> dict[str, Any]:
    """Before the first change the declared default held."""
    return {key: said["value"] if said and "value" in said else brand.declared()[key]}
