"""Traits are made, changed and put away; what they say of members works out `working.py`."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.core import audit, clock
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.segments.language.compiling import leaves_of
from apps.segments.models import Segment, Trait, TraitValue
from apps.segments.traits import shape


class TraitKeyTaken(DomainError):
    code = "trait_key_taken"
    title = _("Another computed trait has this key already.")


@transaction.atomic
def create(*, key: str, name: str, definition: Any, by_user_id: int | None = None) -> Trait:
    """Its values come with the next run, within a minute. Raises ValidationFailed, TraitKeyTaken."""
    made = shape.check(definition)
    if Trait.objects.filter(key=key).exists():
        raise TraitKeyTaken
    trait = Trait.objects.create(
        key=key, name=name, definition=definition, type=made, moves=shape.moves(definition), created_by_id=by_user_id
    )
    _tell("created", trait, {"key": key, "definition": definition})
    return trait


@transaction.atomic
def change(*, trait_id: int, name: str, definition: Any) -> Trait:
    """Another definition is worked out from the beginning; one of another type only where no segment asks about the trait.

    Raises ValidationFailed, NotFound.
    """
    trait = _locked(trait_id)
    made = shape.check(definition)
    if made != trait.type:
        _refuse_if_asked(trait)
        TraitValue.objects.filter(trait=trait).delete()
        trait.size = 0
    before = {"name": trait.name, "definition": trait.definition}
    if before == {"name": name, "definition": definition}:
        return trait
    trait.is_due = trait.is_due or definition != trait.definition
    trait.name, trait.definition, trait.type, trait.moves = name, definition, made, shape.moves(definition)
    trait.save()
    _tell("changed", trait, {"before": before, "after": {"name": name, "definition": definition}})
    return trait


@transaction.atomic
def archive(*, trait_id: int) -> None:
    """Its values go. Raises NotFound, ValidationFailed where a segment asks about it."""
    trait = _locked(trait_id)
    _refuse_if_asked(trait)
    TraitValue.objects.filter(trait=trait).delete()
    trait.archived_at, trait.size = clock.now(), 0
    trait.save(update_fields=["archived_at", "size"])
    _tell("archived", trait)


def asked_by(rule: Any) -> set[str]:
    """Keys of the traits that a valid rule asks about."""
    return {leaf["key"] for leaf in leaves_of(rule or {}) if leaf["field"] == "trait"}


def _refuse_if_asked(trait: Trait) -> None:
    segments = Segment.objects.filter(archived_at=None, kind=Segment.Kind.RULE)
    if names := [one.name for one in segments if trait.key in asked_by(one.rule)]:
        message = str(_("These segments ask about it: %(names)s") % {"names": ", ".join(names)})
        raise ValidationFailed(errors=[{"pointer": "", "code": "trait_in_use", "message": message}])


def _locked(trait_id: int) -> Trait:
    trait = Trait.objects.select_for_update().filter(pk=trait_id, archived_at=None).first()
    if trait is None:
        raise NotFound
    return trait


def _tell(what: str, trait: Trait, after: dict[str, Any] | None = None) -> None:
    audit.record(f"trait.{what}", object_type="trait", object_id=trait.pk, after=after)
