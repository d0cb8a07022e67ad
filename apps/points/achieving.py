"""Achievements as staff keep them: saved at once, or put before a second person where they give more than one person may publish alone.

The limit is that of rules (`publishing.limit`). Turning one off, or lowering what is off, takes one person.
"""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.core import approvals, audit
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.core.models import Approval, User
from apps.points import achievements, publishing
from apps.points.earning import Achievement
from apps.points.models import Currency

KIND = "points.achievement"
_INVALID = _("This value is not known.")
_ENDS = _("The end must come after the beginning.")


class AchievementMovedOn(DomainError):
    code = "achievement_moved_on"
    title = _("The achievement was changed since. Ask anew.")


@dataclass(frozen=True)
class Wanted:
    """An achievement as it shall be. Days are shop days, `ends_on` counts."""

    name: str
    name_en: str
    measure: dict[str, Any]
    target: int
    period: str
    currency: str
    points: int
    is_active: bool
    starts_on: str | None = None
    ends_on: str | None = None
    coupon_key: str = ""


@transaction.atomic
def save(*, key: str, wanted: Wanted, by: User) -> int | None:
    """Write it; None. Over the limit of `by` nothing is written and the approval's id is returned. Raises ValidationFailed."""
    audit.sign()
    _check(wanted)
    before = _state(key)
    if not wanted.is_active or wanted.points <= publishing.limit(by) or asdict(wanted) == before:
        _write(key, wanted)
        return None
    params = {"key": key, "wanted": asdict(wanted), "before": before}
    return approvals.ask_once(kind=KIND, params=params, user_id=by.pk).pk


def of(row: Achievement) -> Wanted:
    """What it is now."""
    return Wanted(
        name=row.name,
        name_en=row.name_en,
        measure=row.measure,
        target=row.target,
        period=row.period,
        currency=row.currency.key,
        points=row.points,
        is_active=row.is_active,
        starts_on=row.starts_on.isoformat() if row.starts_on else None,
        ends_on=row.ends_on.isoformat() if row.ends_on else None,
        coupon_key=row.coupon_key,
    )


def _state(key: str) -> dict[str, Any] | None:
    row = Achievement.objects.select_for_update(of=("self",)).select_related("currency").filter(key=key).first()
    return asdict(of(row)) if row else None


def _write(key: str, wanted: Wanted) -> None:
    fields = asdict(wanted) | {"currency": Currency.objects.get(key=wanted.currency)}
    row, is_new = Achievement.objects.update_or_create(key=key, defaults=fields)
    facts = {"points": wanted.points, "target": wanted.target, "is_active": wanted.is_active}
    act = "points.achievement_made" if is_new else "points.achievement_changed"
    audit.record(act, object_type="achievement", object_id=row.pk, after=facts)


def _check(wanted: Wanted) -> None:
    found = [(pointer, _INVALID) for pointer in achievements.check(wanted.measure)]
    if (
        wanted.starts_on
        and wanted.ends_on
        and date.fromisoformat(wanted.ends_on) < date.fromisoformat(wanted.starts_on)
    ):
        found.append(("/ends_on", _ENDS))
    if not Currency.objects.filter(key=wanted.currency).exists():
        found.append(("/currency", _INVALID))
    if found:
        raise ValidationFailed(errors=[{"pointer": at, "code": "invalid", "message": str(text)} for at, text in found])


def _run(asked: Approval) -> None:
    """What a second person's agreement does."""
    approvals.require_open(asked)
    audit.sign()
    facts = asked.params
    if _state(facts["key"]) != facts["before"]:
        raise AchievementMovedOn
    _write(facts["key"], Wanted(**facts["wanted"]))


def one(*, key: str) -> Achievement:
    """Raises NotFound."""
    row = Achievement.objects.select_related("currency").filter(key=key).first()
    if row is None:
        raise NotFound(key=key)
    return row


approvals.register(KIND, run=_run, permission="points.rules_agree", title=_("Achievement"))
