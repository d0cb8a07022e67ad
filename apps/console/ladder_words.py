"""What would change in the ladder, in words: the lines that differ, as they are and as they would be."""

import json
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.console import tier_form
from apps.console.templatetags.console import figure
from apps.console.tier_form import LadderForm
from apps.core import money
from apps.points.ladders import Draft, TierDraft
from apps.points.models import Benefit, Currency, Ladder


def differences(now: Draft, wanted: Draft) -> tuple[str, str]:
    """Before and after, each a line of text."""
    old, new = _said(now), _said(wanted)
    changed = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
    none = _("none")
    return _joined({name: old.get(name, none) for name in changed}), _joined(
        {name: new.get(name, none) for name in changed}
    )


def benefits(given: list[dict[str, Any]]) -> str:
    """What a tier gives."""
    kinds = dict(Benefit.Kind.choices)
    said = []
    for one in given:
        value = next((str(part) for part in one["value"].values()), "")
        said.append(f"{kinds.get(one['kind'], one['kind'])} {value}".strip())
    return _("; ").join(said) or _("none")


def _said(draft: Draft) -> dict[str, str]:
    """Every rule of a ladder by its name."""
    labels = {name: str(field.label) for name, field in LadderForm.base_fields.items()}
    windows, validities = dict(tier_form.WINDOWS), dict(tier_form.VALIDITIES)
    name_of = "name_en" if get_language() == "en" else "name"
    currency = Currency.objects.filter(key=draft.currency).values_list(name_of, flat=True).first()
    lines = {
        labels["basis"]: str(Ladder.Basis(draft.basis).label),
        labels["currency"]: currency or draft.currency,
        labels["window_kind"]: _details(windows, draft.window),
        labels["validity_kind"]: _details(validities, draft.validity),
        labels["downgrade"]: str(Ladder.Downgrade(draft.downgrade).label),
        labels["grace_days"]: str(figure(draft.grace_days)),
        labels["warn_days"]: str(figure(draft.warn_days)),
        labels["starts_next_period"]: _("yes") if draft.starts_next_period else _("no"),
    }
    return lines | {
        getattr(tier, name_of): _tier(tier, is_money=draft.basis == Ladder.Basis.SPEND) for tier in draft.tiers
    }


def _details(kinds: dict[str, Any], rule: dict[str, Any]) -> str:
    """A period or a validity: its kind, then its figures."""
    more = [str(value) for name, value in rule.items() if name != "kind"]
    return " · ".join([str(kinds.get(rule["kind"], json.dumps(rule))), *more])


def _tier(tier: TierDraft, *, is_money: bool) -> str:
    said = [_("from %(shown)s") % {"shown": money.show(tier.threshold) if is_money else str(figure(tier.threshold))}]
    if tier.segment_key:
        said.append(tier_form.gate_named(tier.segment_key))
    if tier.is_for_life:
        said.append(_("Never lost"))
    return " · ".join(said)


def _joined(lines: dict[str, str]) -> str:
    return _("; ").join(_("%(name)s: %(value)s") % {"name": name, "value": value} for name, value in lines.items())
