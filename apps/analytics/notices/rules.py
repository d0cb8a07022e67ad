"""Alert rules: who sees and changes which, and what the audit trail keeps of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from apps.analytics.models import AlertRule, Breach
from apps.core import audit
from apps.core.errors import NotFound

_FIELDS = (
    "name",
    "figure",
    "kind",
    "limit",
    "at_least",
    "from_hour",
    "store_id",
    "is_each_store",
    "is_active",
    "muted_until",
)


def seen_by(store_ids: Sequence[int] | None) -> QuerySet[AlertRule]:
    """Who sees some stores sees their rules and those of each store; never those of the brand as a whole."""
    rows = AlertRule.objects.select_related("store").order_by("-is_active", "name", "pk")
    return rows if store_ids is None else rows.filter(Q(store_id__in=store_ids) | Q(is_each_store=True))


def breaches(store_ids: Sequence[int] | None, *, since: datetime, limit: int) -> list[Breach]:
    """Newest first, of these stores (None: all, and the brand as a whole)."""
    rows = Breach.objects.select_related("rule").filter(began_at__gte=since).order_by("-began_at", "-pk")
    return list((rows if store_ids is None else rows.filter(store_id__in=store_ids))[:limit])


def editable(rule: AlertRule, store_ids: Sequence[int] | None) -> bool:
    return store_ids is None or rule.store_id in store_ids


@transaction.atomic
def save(*, rule_id: int | None, user_id: int | None, store_ids: Sequence[int] | None, **fields: Any) -> AlertRule:
    """A new rule, or a changed one. Raises NotFound where it, or its store, is beyond `store_ids`."""
    if store_ids is not None and fields.get("store_id") not in store_ids:
        raise NotFound
    if rule_id is None:
        row = AlertRule.objects.create(created_by_id=user_id, **fields)
        audit.record("alert_rule.made", object_type="alert_rule", object_id=row.pk, after=_told(row))
        return row
    return _change(rule_id, store_ids, fields)


@transaction.atomic
def set_active(*, rule_id: int, is_active: bool, store_ids: Sequence[int] | None) -> AlertRule:
    return _change(rule_id, store_ids, {"is_active": is_active})


@transaction.atomic
def mute(*, rule_id: int, until: datetime | None, store_ids: Sequence[int] | None) -> AlertRule:
    """Until then breaches are noted and nobody is told; None: told again."""
    return _change(rule_id, store_ids, {"muted_until": until})


def _change(rule_id: int, store_ids: Sequence[int] | None, fields: dict[str, Any]) -> AlertRule:
    row = AlertRule.objects.select_for_update().filter(pk=rule_id).first()
    if row is None or not editable(row, store_ids):
        raise NotFound
    before = _told(row)
    for name, value in fields.items():
        setattr(row, name, value)
    row.save(update_fields=[name.removesuffix("_id") if name == "store_id" else name for name in fields])
    audit.record("alert_rule.changed", object_type="alert_rule", object_id=row.pk, before=before, after=_told(row))
    return row


def _told(row: AlertRule) -> dict[str, Any]:
    said = {name: getattr(row, name) for name in _FIELDS}
    return said | {"muted_until": row.muted_until.isoformat() if row.muted_until else None}
