"""Tags that care policies ask for: they keep their name until no policy names them."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.care import selectors as care
from apps.core.errors import DomainError, NotFound
from apps.members import tag_lists
from apps.members.models import Tag


class TagInUse(DomainError):
    """`policies`: their names."""

    code = "tag_in_use"
    title = _("Care policies ask for this tag: %(policies)s. Take it out of them first.")


@transaction.atomic
def change(*, tag_id: int, name: str, group_id: int | None) -> None:
    """Raises TagInUse for a new name, and what `tag_lists.change_tag` raises."""
    if _name(tag_id) != " ".join(name.split()):
        _refuse_used(tag_id)
    tag_lists.change_tag(tag_id=tag_id, name=name, group_id=group_id)


@transaction.atomic
def merge(*, tag_id: int, into_id: int) -> tag_lists.Merged:
    """Raises TagInUse, NotFound."""
    _refuse_used(tag_id)
    return tag_lists.merge_tags(tag_id=tag_id, into_id=into_id)


@transaction.atomic
def remove(*, tag_id: int) -> int:
    """Returns how many members had it. Raises TagInUse, NotFound."""
    _refuse_used(tag_id)
    return tag_lists.remove_tag(tag_id=tag_id)


def _refuse_used(tag_id: int) -> None:
    if policies := care.policies_asking_for_tag(_name(tag_id)):
        raise TagInUse(policies=", ".join(policies))


def _name(tag_id: int) -> str:
    tag = Tag.objects.filter(pk=tag_id).first()
    if tag is None:
        raise NotFound
    return tag.name
