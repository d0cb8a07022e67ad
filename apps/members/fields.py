"""The brand's own member fields: defined, changed, retired. Values are kept by `attributes`."""

import re
from collections.abc import Sequence

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from apps.core import audit, clock
from apps.core.errors import NotFound, ValidationFailed
from apps.members.errors import FieldInUse, FieldNameTaken
from apps.members.models import Attribute

MOST_CHOICES = 50
LONGEST = 40
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")


@transaction.atomic
def define(
    *, key: str, label: str, type: str, choices: Sequence[str] = (), is_searchable: bool = False, is_shown: bool = True
) -> int:
    """A new field at the end of the list; returns its id. Raises ValidationFailed, FieldNameTaken."""
    audit.sign()
    field = Attribute(key=key.strip(), type=type, is_searchable=is_searchable, is_shown=is_shown)
    errors = (
        [] if _KEY.fullmatch(field.key) else [_wrong("/key", _("Small letters, digits and _ only, a letter first."))]
    )
    if type not in Attribute.Type.values:
        errors.append(_wrong("/type", _("Choose one of the types.")))
    errors += _fill(field, label=label, choices=choices)
    if errors:
        raise ValidationFailed(errors=errors)
    field.position = (Attribute.objects.order_by("-position").values_list("position", flat=True).first() or 0) + 1
    try:
        with transaction.atomic():
            field.save()
    except IntegrityError:
        raise FieldNameTaken from None
    return field.pk


@transaction.atomic
def change(
    *, field_id: int, label: str, type: str, choices: Sequence[str], is_searchable: bool, is_shown: bool, position: int
) -> None:
    """Change all but the key. Raises NotFound, ValidationFailed, FieldInUse: with values, type and their choices stay."""
    audit.sign()
    field = _locked(field_id)
    kept = [] if field.type != Attribute.Type.CHOICE else [word for word in field.choices if word not in choices]
    if field.type != type and _has_values(field.key):
        raise FieldInUse
    field.type, field.is_searchable, field.is_shown, field.position = type, is_searchable, is_shown, position
    errors = _fill(field, label=label, choices=choices)
    errors += [
        _wrong("/choices", _("“%(choice)s” is in use, so it stays.") % {"choice": word})
        for word in kept
        if type == Attribute.Type.CHOICE and _has_values(field.key, word)
    ]
    if errors:
        raise ValidationFailed(errors=errors)
    field.save()


@transaction.atomic
def retire(*, field_id: int) -> None:
    """Values stay and are still exported; nobody can enter new ones. Raises NotFound."""
    audit.sign()
    field = _locked(field_id)
    field.retired_at = field.retired_at or clock.now()
    field.save(update_fields=["retired_at"])


@transaction.atomic
def bring_back(*, field_id: int) -> None:
    """Raises NotFound."""
    audit.sign()
    field = _locked(field_id)
    field.retired_at = None
    field.save(update_fields=["retired_at"])


def counts() -> dict[str, int]:
    """How many members have a value, by key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select key, count(*) from members_member, jsonb_object_keys(attributes) key"
            " where not (attributes = '{}'::jsonb) group by key"
        )
        return dict(cursor.fetchall())


def _fill(field: Attribute, *, label: str, choices: Sequence[str]) -> list[dict[str, str]]:
    field.label = " ".join(label.split())
    field.choices = list(dict.fromkeys(" ".join(word.split()) for word in choices if word.strip()))
    errors = []
    if not 0 < len(field.label) <= LONGEST or not field.label.isprintable():
        errors.append(_wrong("/label", _("A name has 1 to 40 characters.")))
    if field.type != Attribute.Type.CHOICE:
        field.choices = []
    elif not 2 <= len(field.choices) <= MOST_CHOICES or any(len(word) > LONGEST for word in field.choices):
        errors.append(_wrong("/choices", _("Give 2 to 50 choices of at most 40 characters, one per line.")))
    return errors


def _wrong(pointer: str, message: str) -> dict[str, str]:
    return {"pointer": pointer, "code": "invalid", "message": message}


def _locked(field_id: int) -> Attribute:
    """Whoever enters a value waits, and then sees the change."""
    field = Attribute.objects.select_for_update().filter(pk=field_id).first()
    if field is None:
        raise NotFound
    return field


def _has_values(key: str, value: str | None = None) -> bool:
    with connection.cursor() as cursor:
        if value is None:
            cursor.execute("select exists (select from members_member where jsonb_exists(attributes, %s))", [key])
        else:
            cursor.execute(
                "select exists (select from members_member where not (attributes = '{}'::jsonb)"
                " and attributes @> jsonb_build_object(%s::text, %s::text))",
                [key, value],
            )
        return bool(cursor.fetchone()[0])
