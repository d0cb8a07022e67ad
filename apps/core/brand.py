"""Brand settings: declared in code with a default and a check, changed by staff, history kept by the audit trail."""

from collections.abc import Callable
from typing import Any

from apps.core.errors import NotFound
from apps.core.models import BrandSetting

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
    row = BrandSetting.objects.filter(key=key).values_list("value", flat=True).first()
    return _declared[key][0] if row is None else row


def write(key: str, value: Any) -> None:
    """Raises ValueError from the declared check; nothing is written then."""
    if key not in _declared:
        raise NotFound(key=key)
    _declared[key][1](value)
    BrandSetting.objects.update_or_create(key=key, defaults={"value": value})


def declared() -> dict[str, Any]:
    """Every known key with its default."""
    return {key: default for key, (default, _) in _declared.items()}


def _check_flag(value: Any) -> None:
    if not isinstance(value, bool):
        raise ValueError("yes or no is expected")


declare("core.demo", default=False, check=_check_flag)
