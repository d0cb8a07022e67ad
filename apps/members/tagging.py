"""Tags on members: given and taken in one statement for one or many, each row with its source; one of an exclusive group at a time.

`Member.tags` follows by trigger (`members_keep_tags`). Groups and tags themselves are kept in `tag_lists`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.core import audit, clock, requests
from apps.core.errors import NotFound, ValidationFailed
from apps.members.errors import TagsExclude, TooLateToUndo
from apps.members.models import Member, MemberTag, Tag, TagAct, TagGroup

MOST_TAGS = 50  # of one member
LONGEST_NAME = 40
CHUNK = 5_000
UNDO_FOR = timedelta(days=1)

# A tag that comes with another last day, or that another one of its exclusive group replaces, goes first.
_REPLACE = """
with gone as (
    delete from members_membertag mt using members_tag t
     where mt.member_id = any(%(members)s) and t.id = any(%(tags)s)
       and (mt.tag_id = t.id and mt.expires_on is distinct from %(expires)s::date
            or mt.tag_id <> t.id and mt.exclusive_group_id = t.group_id)
    returning mt.*
)
insert into members_takentag (act_id, member_id, tag_id, source, given_by, given_at, expires_on)
select %(act)s, member_id, tag_id, source, given_by, given_at, expires_on from gone
"""
_GIVE = """
insert into members_membertag (member_id, tag_id, exclusive_group_id, source, given_by, given_at, expires_on, act_id)
select m.id, t.id, g.id, %(source)s, %(actor)s, %(now)s, %(expires)s::date, %(act)s
  from members_member m cross join members_tag t left join members_taggroup g on g.id = t.group_id and g.is_exclusive
 where m.id = any(%(members)s) and t.id = any(%(tags)s)
on conflict do nothing returning member_id
"""
_TAKE = """
with gone as (
    delete from members_membertag where member_id = any(%(members)s) and tag_id = any(%(tags)s) returning *
), kept as (
    insert into members_takentag (act_id, member_id, tag_id, source, given_by, given_at, expires_on)
    select %(act)s, member_id, tag_id, source, given_by, given_at, expires_on from gone
)
select distinct member_id from gone
"""
_PUT_BACK = """
insert into members_membertag (member_id, tag_id, exclusive_group_id, source, given_by, given_at, expires_on)
select k.member_id, k.tag_id, g.id, k.source, k.given_by, k.given_at, k.expires_on
  from members_takentag k join members_tag t on t.id = k.tag_id
  left join members_taggroup g on g.id = t.group_id and g.is_exclusive
 where k.act_id = %s order by k.given_at desc, k.id on conflict do nothing
"""
_NAMED = """
with wanted as (select distinct * from unnest(%(members)s::bigint[], %(names)s::text[]) w (member_id, name)),
given as (
    insert into members_membertag (member_id, tag_id, exclusive_group_id, source, given_by, given_at)
    select w.member_id, t.id, g.id, %(source)s, %(actor)s, %(now)s
      from wanted w join members_tag t on t.name = w.name
      left join members_taggroup g on g.id = t.group_id and g.is_exclusive
     order by w.member_id, t.id on conflict do nothing returning member_id
)
select count(*), count(distinct member_id) from given
"""
_GONE_BY_NAME = """
delete from members_membertag mt using members_tag t, unnest(%(members)s::bigint[], %(names)s::text[]) w (member_id, name)
 where mt.member_id = w.member_id and t.name = w.name and t.group_id = mt.exclusive_group_id and mt.tag_id <> t.id
"""
_EXPIRE = """
delete from members_membertag where id = any(array(
    select id from members_membertag where expires_on < %s order by id limit %s for update skip locked))
"""


@dataclass(frozen=True)
class Changed:
    """`act_id` undoes it; `members` is whose tags changed."""

    act_id: int
    members: int


def give(
    *, member_ids: Sequence[int], tag_ids: Sequence[int], source: str, expires_on: date | None = None, act_id: int = 0
) -> Changed:
    """Give every one of these members all these tags; another tag of an exclusive group makes room. A repeat changes nothing.

    `expires_on` is the last shop day. `act_id` adds to an act that `begin` opened. Raises NotFound, TagsExclude, ValidationFailed.
    """
    check_last_day(expires_on)
    with transaction.atomic():
        _hold(tag_ids)
        _lock(member_ids)
        act = act_id or begin(kind="give", tag_ids=tag_ids)
        values = _values(member_ids, tag_ids, act) | {"source": source, "expires": expires_on}
        with connection.cursor() as cursor:
            cursor.execute(_REPLACE, values)
            cursor.execute(_GIVE, values)
            return _counted(act, {row[0] for row in cursor.fetchall()})


def take(*, member_ids: Sequence[int], tag_ids: Sequence[int], act_id: int = 0) -> Changed:
    """Take these tags from these members, whatever their source. Raises NotFound."""
    with transaction.atomic():
        _hold(tag_ids)
        _lock(member_ids)
        act = act_id or begin(kind="take", tag_ids=tag_ids)
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, _values(member_ids, tag_ids, act))
            return _counted(act, {row[0] for row in cursor.fetchall()})


@transaction.atomic
def begin(*, kind: str, tag_ids: Sequence[int]) -> int:
    """Open an act that several `give` or `take` calls share, and write it to the audit trail. Returns its id."""
    names = ", ".join(Tag.objects.filter(pk__in=tag_ids).order_by("name").values_list("name", flat=True))
    act = TagAct.objects.create(kind=kind, tag_names=names[:200], actor=requests.origin().actor)
    audit.record(f"tags.{kind}", object_type="tag_act", object_id=act.pk, after={"tags": sorted(tag_ids)})
    return act.pk


@transaction.atomic
def undo(*, act_id: int) -> int:
    """Take back what an act gave and put back what it took; what somebody changed since stays. Returns the members touched.

    Raises NotFound, TooLateToUndo (after a day, or undone already).
    """
    act = TagAct.objects.select_for_update().filter(pk=act_id).first()
    if act is None:
        raise NotFound
    if act.undone_at or act.at < clock.now() - UNDO_FOR:
        raise TooLateToUndo
    given = MemberTag.objects.filter(act_id=act_id)
    member_ids = sorted({*given.values_list("member_id", flat=True), *act.taken.values_list("member_id", flat=True)})
    _lock(member_ids)
    with connection.cursor() as cursor:
        cursor.execute("delete from members_membertag where act_id = %s", [act_id])
        cursor.execute(_PUT_BACK, [act_id])
    act.undone_at = clock.now()
    act.save(update_fields=["undone_at"])
    audit.record("tags.undo", object_type="tag_act", object_id=act_id, after={"members": len(member_ids)})
    return len(member_ids)


@transaction.atomic
def set_tags(*, member_id: int, tags: Sequence[str], source: str = MemberTag.Source.MANUAL) -> list[str]:
    """Give one member exactly these tags, by name; names unheard of become tags. Tags that stay keep source and last day.

    Returns the names, sorted. Raises ValidationFailed, TagsExclude, NotFound.
    """
    wanted = clean_names(tags)
    member = Member.objects.select_for_update(no_key=True).filter(pk=member_id).first()
    if member is None:
        raise NotFound
    known = known_tags(wanted)
    present = set(MemberTag.objects.filter(member_id=member_id).values_list("tag_id", flat=True))
    fresh, gone = [tag for tag in known.values() if tag not in present], sorted(present - set(known.values()))
    _hold(list(known.values()))
    if fresh or gone:
        act = begin(kind="set", tag_ids=[*fresh, *gone])
        if gone:
            take(member_ids=[member_id], tag_ids=gone, act_id=act)
        if fresh:
            give(member_ids=[member_id], tag_ids=fresh, source=source, act_id=act)
    return wanted


@transaction.atomic
def give_named(*, pairs: Sequence[tuple[int, str]], source: str) -> tuple[int, int]:
    """(member, tag name) pairs of a file: names unheard of become tags, the last of an exclusive group stays.

    Callers check names with `clean_names`. Returns rows added and members they went to; a repeat adds none.
    """
    if not pairs:
        return 0, 0
    known_tags(sorted({name for _member, name in pairs}))
    member_ids = sorted({member_id for member_id, _name in pairs})
    _lock(member_ids)
    values: dict[str, Any] = {
        "members": [member_id for member_id, _name in pairs],
        "names": [name for _member, name in pairs],
        "source": source,
        "actor": requests.origin().actor,
        "now": clock.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_GONE_BY_NAME, values)
        cursor.execute(_NAMED, values)
        return cursor.fetchone()


def expire(*, today: date) -> int:
    """Take the tags whose last day is over, in chunks that commit on their own. Returns how many rows went."""
    gone = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_EXPIRE, [today, CHUNK])
            gone += cursor.rowcount
            if cursor.rowcount < CHUNK:
                break
    TagAct.objects.filter(at__lt=clock.now() - 2 * UNDO_FOR).delete()
    return gone


def check_last_day(expires_on: date | None) -> None:
    """Raises ValidationFailed for a day that is over."""
    if expires_on is not None and expires_on < clock.local_date(clock.now()):
        sentence = _("The last day lies in the past. Choose today or later.")
        raise ValidationFailed(errors=[{"pointer": "/expires_on", "code": "invalid", "message": sentence}])


def a_day(text: str) -> date | None:
    """A day as forms and jobs write it; None for what is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def clean_names(names: Sequence[str]) -> list[str]:
    """Trimmed, each once, sorted. Raises ValidationFailed."""
    cleaned = sorted({" ".join(name.split()) for name in names if name.strip()})
    if len(cleaned) > MOST_TAGS or any(len(name) > LONGEST_NAME or not name.isprintable() for name in cleaned):
        sentence = _("At most %(count)s tags of 40 characters each.") % {"count": MOST_TAGS}
        raise ValidationFailed(errors=[{"pointer": "/tags", "code": "invalid", "message": sentence}])
    return cleaned


def known_tags(names: Sequence[str]) -> dict[str, int]:
    """Tag ids by name; names unheard of become tags without a group."""
    Tag.objects.bulk_create([Tag(name=name) for name in names], ignore_conflicts=True)
    return dict(Tag.objects.filter(name__in=names).values_list("name", "pk"))


def _hold(tag_ids: Sequence[int]) -> None:
    """The tags' groups stay as they are until the end of the transaction. Raises NotFound, TagsExclude."""
    held = Tag.objects.raw("select * from members_tag where id = any(%s) order by id for share", [list(tag_ids)])
    rows = [(tag.pk, tag.group_id) for tag in held]
    if len(rows) != len(set(tag_ids)):
        raise NotFound
    group_ids = [group_id for _tag, group_id in rows if group_id]
    groups = TagGroup.objects.raw(
        "select * from members_taggroup where id = any(%s) order by id for share", [sorted(set(group_ids))]
    )
    for group in groups:
        if group.is_exclusive and group_ids.count(group.pk) > 1:
            raise TagsExclude(group=group.name)


def _lock(member_ids: Sequence[int]) -> None:
    """One order for everybody who changes tags: no deadlock, and the second sees what the first did."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select id from members_member where id = any(%s) order by id for no key update", [list(member_ids)]
        )


def _values(member_ids: Sequence[int], tag_ids: Sequence[int], act: int) -> dict[str, Any]:
    return {
        "members": list(member_ids),
        "tags": list(tag_ids),
        "act": act,
        "actor": requests.origin().actor,
        "now": clock.now(),
    }


def _counted(act: int, member_ids: set[int]) -> Changed:
    with connection.cursor() as cursor:
        cursor.execute("update members_tagact set members = members + %s where id = %s", [len(member_ids), act])
    return Changed(act_id=act, members=len(member_ids))
