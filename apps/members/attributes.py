"""The brand's own fields on members: each value is checked against its Attribute before it is stored."""

from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import audit
from apps.core.errors import NotFound, ValidationFailed
from apps.members.models import Attribute, Member

LONGEST_TEXT = 500
_FLAGS = {"yes": True, "true": True, "1": True, "是": True, "no": False, "false": False, "0": False, "否": False}


@transaction.atomic
def set_attributes(*, member_id: int, values: dict[str, Any]) -> dict[str, Any]:
    """Set the given fields, remove those given as None, keep the others. Returns all.

    Raises ValidationFailed (also for retired fields), NotFound; nothing is written then.
    """
    held = Attribute.objects.raw(
        "select * from members_attribute where key = any(%s) order by id for share", [list(values)]
    )
    known = {attribute.key: attribute for attribute in held}
    errors: list[dict[str, str]] = []
    for key, value in values.items():
        sentence = _("There is no such field.") if key not in known else _wrong(known[key], value)
        if sentence:
            errors.append({"pointer": f"/attributes/{key}", "code": "invalid", "message": sentence})
    if errors:
        raise ValidationFailed(errors=errors)
    member = _locked(member_id)
    merged = {key: value for key, value in {**member.attributes, **values}.items() if value is not None}
    if merged != member.attributes:
        keys = sorted(key for key in values if merged.get(key) != member.attributes.get(key))
        member.attributes = merged
        member.save(update_fields=["attributes"])
        audit.record("member.fields_changed", object_type="member", object_id=member_id, after={"keys": keys})
    return member.attributes


def fields() -> list[Attribute]:
    """All fields, in the order of the pages; retired ones too."""
    return list(Attribute.objects.all())


def hold(*, member_id: int) -> None:
    """Let nobody else change this member until the transaction ends: to compare before writing. Raises NotFound."""
    _locked(member_id)


def held(member_id: int, *, is_own: bool = False) -> dict[str, Any]:
    """The member's values by field; with `is_own` only what the member is shown: neither hidden nor retired fields."""
    values = Member.objects.filter(pk=member_id).values_list("attributes", flat=True).first() or {}
    if not values:
        return {}
    known = Attribute.objects.filter(key__in=values)
    if is_own:
        known = known.filter(is_shown=True, retired_at=None)
    return {key: values[key] for key in known.values_list("key", flat=True)}


def _locked(member_id: int) -> Member:
    member = Member.objects.select_for_update().filter(pk=member_id).first()
    if member is None:
        raise NotFound
    return member


def parsed(attribute: Attribute, text: str) -> Any:
    """What somebody typed, as a value of the field; None when it is empty. A text that does not fit comes back as it is."""
    text = text.strip()
    if not text:
        return None
    if attribute.type == Attribute.Type.NUMBER:
        try:
            number = float(text.replace(",", ""))
        except ValueError:
            return text
        return int(number) if number.is_integer() and abs(number) < 1e15 else number
    if attribute.type == Attribute.Type.FLAG:
        return _FLAGS.get(text.lower(), text)
    return text


def fits(attribute: Attribute, value: Any) -> bool:
    """Whether a value may stand in a field."""
    return not _wrong(attribute, value)


def _wrong(attribute: Attribute, value: Any) -> str:
    """A sentence about a value that does not fit its field; empty when it does."""
    if value is None:
        return ""
    if attribute.retired_at:
        return _("This field is retired: it takes no new values.")
    kinds = Attribute.Type
    fits = {
        kinds.TEXT: isinstance(value, str) and len(value) <= LONGEST_TEXT,
        kinds.NUMBER: isinstance(value, int | float) and not isinstance(value, bool) and -1e15 < value < 1e15,
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
