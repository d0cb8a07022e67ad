"""Installs the rules and achievements a shop begins with (`rule_defaults`)."""

from django.db import transaction

from apps.core import audit
from apps.points import publishing, rules
from apps.points.earning import Achievement, Rule
from apps.points.models import Currency
from apps.points.rule_defaults import ACHIEVEMENTS, RULES


@transaction.atomic
def install() -> list[str]:
    """Create and publish what a shop begins with; returns the keys that are new. What exists, edited or paused, is left alone."""
    audit.sign()
    made = []
    for key, name, name_en, currency, trigger, definition in RULES:
        if not Rule.objects.filter(key=key).exists():
            rule = rules.create(
                key=key, name=name, name_en=name_en, currency=currency, trigger=trigger, draft=definition
            )
            publishing.ship(rule_id=rule.pk)
            made.append(key)
    spendable = Currency.objects.get(key="points")
    for fields in ACHIEVEMENTS:
        _one, is_new = Achievement.objects.get_or_create(
            key=fields["key"], defaults=fields | {"currency": spendable, "is_active": True}
        )
        made += [fields["key"]] if is_new else []
    return made
