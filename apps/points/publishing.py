"""Publishing a rule: frozen as a version at once, or put before a second person where it can give more than its author may alone.

The limits are a brand setting by role: points that one member can get from the rule for one thing. By amount and by multiplier there is
no bound unless a cap sets one. They hold for every door; versions that came with the code (`rule_defaults`) were read with the code.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.core import approvals, audit, clock
from apps.core.errors import DomainError, Forbidden
from apps.core.models import Approval, User
from apps.points import definitions, rules
from apps.points.earning import Rule, RuleVersion
from apps.points.rule_defaults import RULES
from apps.stores import limits as limits_by_role
from apps.stores.models import Role

KIND = "points.rule"
SETTING = "points.rule_limits"
LIMITS: dict[str, int] = {Role.ADMIN: 1_000, Role.MARKETER: 200}


class RuleMovedOn(DomainError):
    code = "rule_moved_on"
    title = _("Another version was published since. Ask anew.")


@dataclass(frozen=True)
class Outcome:
    """Either it counts (`version`), or it waits for a second person (`approval_id`)."""

    version: RuleVersion | None = None
    approval_id: int | None = None


def most_at_once(definition: dict[str, Any]) -> int | None:
    """The most that one member can get for one thing; None: no bound."""
    give = definition["give"]
    bounds = [cap["points"] for cap in definition.get("caps", ())]
    if give["kind"] == "fixed":
        bounds.append(give["points"])
    elif give["kind"] == "streak":
        by_day: dict[int, int] = {}
        for step in give.get("steps", ()):
            by_day[step["day"]] = by_day.get(step["day"], 0) + step["points"]
        bounds.append(max(give["points"], *by_day.values()) if by_day else give["points"])
    return min(bounds, default=None)


def limit(user: User) -> int:
    """Points up to which this person publishes alone; 0 without a staff card."""
    return limits_by_role.alone(SETTING, by=user)


def needs_another(*, definition: dict[str, Any], by: User) -> bool:
    most = most_at_once(definition)
    return most is None or most > limit(by)


@transaction.atomic
def publish(*, rule_id: int, by: User, reason: str = "") -> Outcome:
    """Freeze the draft as the next version, which counts from now on; an unchanged one adds no version. Over the author's limit
    nothing counts until another person agrees; a question about an earlier draft lapses. Raises ValidationFailed."""
    audit.sign()
    list(_questions(rule_id).select_for_update())  # before the rule, as whoever decides does
    rule = rules.locked(rule_id)
    version, definition = rule.current, _text(rule)
    if version is not None and version.definition == definition:
        return Outcome(version=_frozen(rule, definition, by=by))
    if not needs_another(definition=definition, by=by):
        _drop_questions(rule.pk)
        return Outcome(version=_frozen(rule, definition, by=by))
    params = {"rule_id": rule.pk, "number": _next(rule), "definition": definition}
    open_one = _questions(rule.pk).filter(params=params, asked_by=by).first()
    if open_one is not None:
        return Outcome(approval_id=open_one.pk)
    _drop_questions(rule.pk)
    source = f"{KIND}:{rule.pk}:{secrets.token_hex(8)}"
    asked = approvals.ask(kind=KIND, source=source, params=params, reason=reason.strip()[:200], user_id=by.pk)
    return Outcome(approval_id=asked.pk)


@transaction.atomic
def ship(*, rule_id: int) -> RuleVersion:
    """Publish a rule as it came with the code. Raises Forbidden for any other text: that takes a person, or two."""
    rule = rules.locked(rule_id)
    known = {key: (trigger, definition) for key, _name, _name_en, _currency, trigger, definition in RULES}
    if rule.current is not None or known.get(rule.key) != (rule.trigger, rule.draft):
        raise Forbidden
    return _frozen(rule, definitions.checked(rule.draft, trigger=rule.trigger), by=None)


def waiting(*, rule_id: int) -> Approval | None:
    """The question about this rule that is open."""
    return _questions(rule_id).order_by("-pk").first()


def _text(rule: Rule) -> dict[str, Any]:
    text = rule.draft if rule.draft is not None or rule.current is None else rule.current.definition
    return definitions.checked(text, trigger=rule.trigger)


def _next(rule: Rule) -> int:
    return rule.current.number + 1 if rule.current else 1


def _frozen(rule: Rule, definition: dict[str, Any], *, by: User | None, agreed_by_id: int | None = None) -> RuleVersion:
    version = rule.current
    if version is None or version.definition != definition:
        version = RuleVersion.objects.create(
            rule=rule,
            number=_next(rule),
            definition=definition,
            at=clock.now(),
            by=by,
            agreed_by_id=agreed_by_id,
            most=most_at_once(definition),
            allowed=limit(by) if by else 0,
        )
        facts = {"version": version.number, "definition": definition}
        audit.record("points.rule_published", object_type="rule", object_id=rule.pk, after=facts)
    rule.current, rule.is_active = version, True
    rule.draft = None if rule.draft == definition else rule.draft
    rule.save(update_fields=["current", "draft", "is_active"])
    return version


def _questions(rule_id: int) -> Any:
    return Approval.objects.filter(kind=KIND, state=Approval.State.WAITING, params__rule_id=rule_id)


def _drop_questions(rule_id: int) -> None:
    _questions(rule_id).update(state=Approval.State.LAPSED)


def _run(asked: Approval) -> None:
    """What a second person's agreement does: the text that was shown becomes the version, whatever is drafted since."""
    approvals.require_open(asked)
    audit.sign()
    rule = rules.locked(asked.params["rule_id"])
    if _next(rule) != asked.params["number"]:
        raise RuleMovedOn
    definition = definitions.checked(asked.params["definition"], trigger=rule.trigger)
    _frozen(rule, definition, by=asked.asked_by, agreed_by_id=asked.decided_by_id)


limits_by_role.declare(SETTING, default=LIMITS, most=10**9)
approvals.register(KIND, run=_run, permission="points.rules_agree", title=_("Rule of earning"))
