"""The house's tags and their groups: added, renamed, moved, merged, removed. Members follow in the same transaction."""

from dataclasses import dataclass

from django.db import IntegrityError, connection, transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from apps.core import audit
from apps.core.errors import NotFound, ValidationFailed
from apps.members import tagging
from apps.members.errors import GroupNotExclusive, TagNameTaken
from apps.members.models import MemberTag, Tag, TagGroup

_SPREAD = """
update members_membertag mt set exclusive_group_id = g.id
  from members_tag t left join members_taggroup g on g.id = t.group_id and g.is_exclusive
 where mt.tag_id = t.id and t.id = any(%s) and mt.exclusive_group_id is distinct from g.id
"""
_DOUBLES = """
select count(*) from (select mt.member_id from members_membertag mt join members_tag t on t.id = mt.tag_id
                       where t.group_id = %s group by mt.member_id having count(*) > 1) doubles
"""
_INTO = """
insert into members_membertag (member_id, tag_id, exclusive_group_id, source, given_by, given_at, expires_on)
select mt.member_id, t.id, g.id, mt.source, mt.given_by, mt.given_at, mt.expires_on
  from members_membertag mt join members_tag t on t.id = %(into)s
  left join members_taggroup g on g.id = t.group_id and g.is_exclusive
 where mt.tag_id = %(gone)s order by mt.member_id on conflict do nothing
"""


@dataclass(frozen=True)
class Merged:
    """Of the members who had the tag: `moved` have the other one now, `dropped` have another one of its exclusive group."""

    moved: int
    dropped: int


@transaction.atomic
def add_group(*, name: str, is_exclusive: bool = False) -> int:
    """Returns the group's id. Raises ValidationFailed, TagNameTaken."""
    audit.sign()
    return _saved(TagGroup(name=_name(name), is_exclusive=is_exclusive))


@transaction.atomic
def change_group(*, group_id: int, name: str, is_exclusive: bool) -> None:
    """Raises NotFound, ValidationFailed, TagNameTaken, GroupNotExclusive (members with two of its tags)."""
    audit.sign()
    group = _group(group_id)
    group.name, group.is_exclusive = _name(name), is_exclusive
    _saved(group)
    _spread(group)


@transaction.atomic
def remove_group(*, group_id: int) -> None:
    """Its tags stay, without a group. Raises NotFound."""
    audit.sign()
    tag_ids = list(
        Tag.objects.select_for_update().filter(group_id=group_id).order_by("pk").values_list("pk", flat=True)
    )
    group = _group(group_id)
    group.tags.update(group=None)
    _copy_exclusion(tag_ids)
    group.delete()


@transaction.atomic
def add_tag(*, name: str, group_id: int | None = None) -> int:
    """Returns the tag's id. Raises NotFound (group), ValidationFailed, TagNameTaken."""
    audit.sign()
    group = _group(group_id) if group_id else None
    return _saved(Tag(name=_name(name), group=group))


@transaction.atomic
def change_tag(*, tag_id: int, name: str, group_id: int | None) -> None:
    """Rename a tag, move it to another group, or both. Raises NotFound, ValidationFailed, TagNameTaken, GroupNotExclusive."""
    audit.sign()
    tag = _tag(tag_id)
    groups = {key: _group(key) for key in sorted(filter(None, {tag.group_id, group_id}))}
    renamed = tag.name != _name(name)
    tag.name, tag.group = _name(name), groups[group_id] if group_id else None
    _saved(tag)
    if tag.group:
        _spread(tag.group)
    else:
        _copy_exclusion([tag_id])
    if renamed:
        with connection.cursor() as cursor:
            cursor.execute(
                "select members_keep_tags(array(select member_id from members_membertag where tag_id = %s))", [tag_id]
            )


@transaction.atomic
def merge_tags(*, tag_id: int, into_id: int) -> Merged:
    """Give the members of one tag the other one, and remove the first. Cannot be undone. Raises NotFound."""
    audit.sign()
    if tag_id == into_id:
        raise NotFound
    tags = {key: _tag(key) for key in sorted((tag_id, into_id))}
    had = MemberTag.objects.filter(tag_id=into_id).count()
    holders = set(MemberTag.objects.filter(tag_id=tag_id).values_list("member_id", flat=True))
    both = MemberTag.objects.filter(tag_id=into_id, member_id__in=holders).count()
    same_group = tags[tag_id].group_id == tags[into_id].group_id
    if same_group:  # an exclusive group has room for the other one only once this one is gone
        MemberTag.objects.filter(tag_id=tag_id).update(exclusive_group=None)
    with connection.cursor() as cursor:
        cursor.execute(_INTO, {"into": into_id, "gone": tag_id})
    moved = MemberTag.objects.filter(tag_id=into_id).count() - had
    tags[tag_id].delete()
    return Merged(moved=moved, dropped=len(holders) - moved - both)


@transaction.atomic
def remove_tag(*, tag_id: int) -> int:
    """Remove a tag from the house and from its members; returns how many had it. Cannot be undone. Raises NotFound."""
    audit.sign()
    tag = _tag(tag_id)
    members = MemberTag.objects.filter(tag_id=tag_id).count()
    tag.delete()
    return members


def groups() -> list[tuple[TagGroup | None, list[Tag]]]:
    """Groups by name with their tags, each tag with `members`; last, without a group, the loose ones."""
    counted = dict(MemberTag.objects.values_list("tag_id").annotate(members=Count("id")))
    tags = list(Tag.objects.order_by("name"))
    for tag in tags:
        tag.members = counted.get(tag.pk, 0)  # type: ignore[attr-defined]
    found: list[tuple[TagGroup | None, list[Tag]]] = [
        (group, [tag for tag in tags if tag.group_id == group.pk]) for group in TagGroup.objects.order_by("name")
    ]
    loose = [tag for tag in tags if tag.group_id is None]
    return [*found, (None, loose)] if loose else found


def _name(name: str) -> str:
    cleaned = " ".join(name.split())
    if not 0 < len(cleaned) <= tagging.LONGEST_NAME or not cleaned.isprintable() or set(cleaned) & set(",，;；|"):
        sentence = _("A name has 1 to 40 characters, without commas and semicolons.")
        raise ValidationFailed(errors=[{"pointer": "/name", "code": "invalid", "message": sentence}])
    return cleaned


def _saved(row: TagGroup | Tag) -> int:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise TagNameTaken from None
    return row.pk


def _group(group_id: int) -> TagGroup:
    """Locked, after its tags where those change too: nobody gives a tag of it meanwhile."""
    group = TagGroup.objects.select_for_update().filter(pk=group_id).first()
    if group is None:
        raise NotFound
    return group


def _tag(tag_id: int) -> Tag:
    tag = Tag.objects.select_for_update().filter(pk=tag_id).first()
    if tag is None:
        raise NotFound
    return tag


def _spread(group: TagGroup) -> None:
    """Let the members' rows say what the group now is."""
    if group.is_exclusive:
        with connection.cursor() as cursor:
            cursor.execute(_DOUBLES, [group.pk])
            if doubles := cursor.fetchone()[0]:
                raise GroupNotExclusive(members=doubles)
    _copy_exclusion(list(group.tags.values_list("pk", flat=True)))


def _copy_exclusion(tag_ids: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SPREAD, [tag_ids])
