"""Settings of the brand as they were: who changed what when, and how one of them is put back.

A setting is put back by whoever may change it, with the same checks and the same consequences as on its own page. What loosens the
control of people, or asks for a second person, is not put back here: it is changed where it stands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.analytics.study import windows
from apps.care import limits
from apps.community import pool, quotas
from apps.community import settings as community
from apps.core import brand
from apps.core.errors import Forbidden, NotFound, ValidationFailed
from apps.core.models import AuditEntry, BrandSetting
from apps.segments import rules as stages
from apps.segments.predictions import terms
from apps.stores import calendar_edits, calendars
from apps.stores.access import Access
from apps.tickets import promises

TABLE = "core_brandsetting"
LABELS: dict[str, Promise] = {
    "activity.months_kept": gettext_lazy("Months that behaviour events are kept"),
    "analytics.attribution": gettext_lazy("How long before an order a contact counts"),
    "care.approval_from": gettext_lazy("Members from which a sending needs a second person"),
    "care.gate": gettext_lazy("Messages a day and week, quiet hours"),
    "care.sms_price_cents": gettext_lazy("Price of an SMS"),
    "care.throttle": gettext_lazy("Messages a minute"),
    "catalog.price_limits": gettext_lazy("Who decides on prices alone"),
    "community.pool": gettext_lazy("When customers go into the pool"),
    "community.quota": gettext_lazy("How often WeCom customers may be written to"),
    "community.replies": gettext_lazy("How fast WeCom customers are answered"),
    "community.welcome": gettext_lazy("Welcome of WeCom customers"),
    "core.demo": gettext_lazy("Demo data"),
    "core.name": gettext_lazy("Name of the brand"),
    "core.signature": gettext_lazy("Signature of SMS"),
    "counter.rules": gettext_lazy("Rules of the counter"),
    "coupons.at_registration": gettext_lazy("Coupons for new members"),
    "coupons.hand_out_limits": gettext_lazy("Who hands out coupons alone"),
    "coupons.publish_limits": gettext_lazy("Who publishes coupons alone"),
    "coupons.return_days": gettext_lazy("Days after which a coupon comes back no more"),
    "coupons.warn_days": gettext_lazy("Days before a coupon ends that its owner is told"),
    "flows.demo": pgettext_lazy("setting", "State of the demo"),
    "followups.escalate_hours": gettext_lazy("Hours until a task goes to the manager"),
    "members.trusted_sources": gettext_lazy("Sources that are believed"),
    "points.adjust_limits": gettext_lazy("Who gives points alone"),
    "points.ladder_alone": gettext_lazy("Who publishes tiers alone"),
    "points.rule_limits": gettext_lazy("Who publishes rules of points alone"),
    "segments.lifecycle": gettext_lazy("Where life stages begin"),
    "segments.pack_approval_from": gettext_lazy("Members from which a pack needs a second person"),
    "segments.predictions": gettext_lazy("Terms of the predictions"),
    "stores.first_steps": gettext_lazy("First steps of the brand"),
    "stores.hours": gettext_lazy("Opening hours of all stores"),
    "stores.keeps_public_days": gettext_lazy("Stores close on public holidays"),
    "stores.second_factor_roles": gettext_lazy("Roles that need a second factor"),
    "tickets.escalate": gettext_lazy("What happens to a ticket whose promise is missed"),
    "tickets.load": gettext_lazy("Tickets that one person has at most"),
    "tickets.raise_minutes": gettext_lazy("Minutes after which a missed promise is raised"),
    "tickets.targets": gettext_lazy("How fast tickets are answered"),
    "tickets.vip_rank": gettext_lazy("From which tier a member is a VIP"),
    "tickets.warn_minutes": gettext_lazy("Minutes before a promise is missed that somebody is warned"),
    "tickets.windows": gettext_lazy("Days within which goods are returned, exchanged or repaired"),
    "tickets.refund_alone": gettext_lazy("Who refunds from a ticket alone"),
    "webhooks.off_after_days": gettext_lazy("Days after which a silent webhook is switched off"),
}


def _hours(value: Any) -> None:
    calendar_edits.save_default(week=value, keeps_public_days=brand.read(calendars.KEEPS_PUBLIC_DAYS))


def _public_days(value: Any) -> None:
    calendar_edits.save_default(week=brand.read(calendars.HOURS), keeps_public_days=value)


def _by(save: Callable[[dict[str, Any]], Any], key: str) -> Callable[[Any], Any]:
    return lambda value: save({key: value})


# Setting → whose permission it takes, and the act that sets it with all its consequences.
RESTORED: dict[str, tuple[str, Callable[[Any], Any]]] = {
    **{key: ("limits.edit", _by(limits.save, key)) for key in limits.SETTINGS},
    **{key: ("tickets.rules", _by(promises.save, key)) for key in promises.SETTINGS},
    windows.KEY: ("analysis.edit", windows.save),
    stages.KEY: ("stages.edit", stages.save),
    terms.KEY: ("predictions.manage", lambda value: terms.save(**value)),
    calendars.HOURS: ("stores.hours", _hours),
    calendars.KEEPS_PUBLIC_DAYS: ("stores.hours", _public_days),
    community.POOL: ("community.manage", lambda value: pool.set_rules(store_id=None, rules=value)),
    **{
        key: ("community.manage", _by(brand.change, key)) for key in (community.WELCOME, community.REPLIES, quotas.SPAN)
    },
    **{key: ("records.manage", _by(brand.change, key)) for key in ("core.name", "core.signature")},
}


@dataclass(frozen=True, kw_only=True)
class Change:
    """`before` and `after` are the setting's values, the default where nobody had chosen."""

    line: AuditEntry
    key: str
    before: Any
    after: Any

    @property
    def label(self) -> str:
        return str(LABELS.get(self.key, self.key))


def changes(*, key: str = "") -> QuerySet[AuditEntry]:
    """Lines of the audit trail that changed a setting, newest first."""
    lines = AuditEntry.objects.filter(object_type=TABLE, after__has_key="value").order_by("-pk")
    if not key:
        return lines
    return lines.filter(
        object_id__in=[str(pk) for pk in BrandSetting.objects.filter(key=key).values_list("pk", flat=True)]
    )


def told(lines: list[AuditEntry]) -> list[Change]:
    keys = {str(pk): key for pk, key in BrandSetting.objects.values_list("pk", "key")}
    return [
        Change(line=line, key=key, before=_side(key, line.before), after=_side(key, line.after))
        for line in lines
        if (key := keys.get(line.object_id) or str((line.after or {}).get("key", "")))
    ]


def may_restore(change: Change, *, by: Access) -> bool:
    """Whether this person may put back what it was before this change, and whether that is anything else than what holds."""
    known = RESTORED.get(change.key)
    return known is not None and by.can(known[0]) and change.before != brand.read(change.key)


def restore(*, line_id: int, by: Access) -> Change:
    """What it was before that line holds again. Raises NotFound, Forbidden, and what the setting's own act raises."""
    line = changes().filter(pk=line_id).first()
    found = told([line]) if line else []
    if not found:
        raise NotFound
    (change,) = found
    known = RESTORED.get(change.key)
    if known is None or not by.can(known[0]):
        raise Forbidden
    try:
        known[1](change.before)
    except (TypeError, ValueError) as problem:
        raise ValidationFailed(errors=[{"pointer": change.key, "code": "invalid", "message": str(problem)}]) from None
    return change


def _side(key: str, said: dict[str, Any] | None) -> Any:
    return said["value"] if said and "value" in said else brand.declared().get(key)
