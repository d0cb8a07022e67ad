"""Brand settings: declared in code with a default and a check, changed by staff, history kept by the audit trail."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import JSONField, Value

from apps.core import audit, prepared
from apps.core.errors import NotFound, ValidationFailed
from apps.core.models import BrandSetting

_READ = "select value from core_brandsetting where key = %s"
Check = Callable[[Any], None]
_declared: dict[str, tuple[Any, Check]] = {}


def declare(key: str, *, default: Any, check: Check) -> None:
    """Make a setting known. `check` raises ValueError with a sentence for people."""
    check(default)
    _declared[key] = (default, check)


def read(key: str) -> Any:
    """The brand's value, or the declared default. Raises NotFound for an undeclared key."""
    if key not in _declared:
        raise NotFound(key=key)
    found = prepared.row(_READ, [key])
    return _declared[key][0] if found is None else found[0]


def write(key: str, value: Any) -> None:
    """None where the setting allows it, which is not the default. Raises ValueError from the check; nothing is written then."""
    if key not in _declared:
        raise NotFound(key=key)
    _declared[key][1](value)
    kept = Value(None, JSONField()) if value is None else value
    with transaction.atomic():
        audit.sign()
        BrandSetting.objects.update_or_create(key=key, defaults={"value": kept})


@transaction.atomic
def change(wanted: dict[str, Any]) -> list[str]:
    """Write what differs, all or none, each in the audit trail, and say which. Raises ValidationFailed; nothing is written then."""
    changed = [key for key in wanted if wanted[key] != read(key)]
    for key in changed:
        try:
            write(key, wanted[key])
        except ValueError as problem:
            raise ValidationFailed(errors=[{"pointer": key, "code": "invalid", "message": str(problem)}]) from None
    return changed


def declared() -> dict[str, Any]:
    """Every known key with its default."""
    return {key: default for key, (default, _) in _declared.items()}


def name() -> str:
    """What the brand calls itself on pages and in messages."""
    return read("core.name") or settings.BRAND_NAME


def signature() -> str:
    """The 【signature】 of its SMS, without the brackets: what the platform has registered, else the name."""
    return read("core.signature") or settings.SMS_SIGNATURE or name()


def _check_flag(value: Any) -> None:
    if not isinstance(value, bool):
        raise ValueError("yes or no is expected")


def _check_name(value: Any) -> None:
    if not isinstance(value, str) or len(value) > 40:
        raise ValueError("a name of at most 40 characters is expected")


def _check_signature(value: Any) -> None:
    if not isinstance(value, str) or (value and not 2 <= len(value) <= 12):
        raise ValueError("a signature has 2 to 12 characters")


declare("core.demo", default=False, check=_check_flag)
declare("core.name", default="", check=_check_name)
declare("core.signature", default="", check=_check_signature)
