"""The brand's own fields on members: each value is checked against its Attribute before it is stored."""

from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core.errors import NotFound, ValidationFailed
from apps.members.models import Attribute, Member

LONGEST_TEXT = 500


@transaction.atomic
def set_attributes(*, member_id: int, values: dict[str, Any]) -> dict[str, Any]:
    """Set the given fields, remove those given as None, keep the others. Returns all. Raises ValidationFailed, NotFound."""
    known = {attribute.key: attribute for attribute in Attribute.objects.filter(key__in=values)}
    errors: list[dict[str, str]] = []
    for key, value in values.items():
        sentence = _("There is no such field.") if key not in known else _wrong(known[key], value)
        if sentence:
            errors.append({"pointer": f"/attributes/{key}", "code": "invalid", "message": sentence})
    if errors:
        raise ValidationFailed(errors=errors)
    member = _locked(member_id)
    merged = {**member.attributes, **values}
    member.attributes = {key: value for key, value in merged.items() if value is not None}
    member.save(update_fields=["attributes"])
    return member.attributes


def _locked(member_id: int) -> Member:
    member = Member.objects.select_for_update().filter(pk=member_id).first()
    if member is None:
        raise NotFound
    return member


def _wrong(attribute: Attribute, value: Any) -> str:
    """A sentence about a value that does not fit its field; empty when it does."""
    if value is None:
        return ""
    kinds = Attribute.Type
    fits = {
        kinds.TEXT: isinstance(value, str) and len(value) <= LONGEST_TEXT,
        kinds.NUMBER: isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15,
        kinds.DATE: isinstance(value, str) and _is_date(value),
        kinds.FLAG: isinstance(value, bool),
        kinds.CHOICE: isinstance(value, str) and value in attribute.choices,
    }
    if fits[kinds(attribute.type)]:
        return ""
    sentences = {
        kinds.TEXT: _("A text of at most 500 characters is expected."),
        kinds.NUMBER: _("A number is expected."),
        kinds.DATE: _("A date like 2026-11-22 is expected."),
        kinds.FLAG: _("Yes or no is expected."),
        kinds.CHOICE: _("One of the field's choices is expected."),
    }
    return sentences[kinds(attribute.type)]


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
