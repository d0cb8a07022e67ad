"""Tags both ways: what staff tag in WeCom comes to the member, what the house tags goes to WeCom.

`Contact.agreed_tags` is what both sides had when they last agreed: whatever differs from it is a change of that side, so neither
side undoes the other's work, and a tag that both changed the same way is settled at once.
"""

from collections.abc import Iterable, Sequence

from django.db import connection, transaction

from apps.community.models import Contact, Follow, TagLink
from apps.gateways import wecom
from apps.gateways.wecom_calls import Refused
from apps.members import tagging
from apps.members.models import MemberTag, Tag

MOST_A_ROUND = 500  # contacts; the next round takes the rest
# Contacts of members whose mapped tags here or there differ from what was agreed.
_DIFFERING = """
select c.id from community_contact c where c.member_id is not null and exists (
    select from community_follow f where f.contact_id = c.id and f.left_at is null)
and (
    coalesce((select array_agg(distinct l.tag_id order by l.tag_id) from members_membertag mt
        join community_taglink l on l.tag_id = mt.tag_id where mt.member_id = c.member_id), '{}') <> c.agreed_tags
    or coalesce((select array_agg(distinct l.tag_id order by l.tag_id) from community_follow f
        join community_taglink l on l.wecom_id = any(f.wecom_tags) where f.contact_id = c.id and f.left_at is null), '{}')
        <> c.agreed_tags)
order by c.id limit %s
"""


def pull() -> int:
    """Read WeCom's tags: each stands for our tag of the same name; names unheard of become tags. Returns how many are linked."""
    named = {tag["name"]: tag["id"] for group in wecom.tags() for tag in group["tag"] if not tag.get("deleted")}
    with transaction.atomic():
        known = tagging.known_tags(sorted(named))
        TagLink.objects.exclude(wecom_id__in=named.values()).delete()
        links = [TagLink(tag_id=tag_id, wecom_id=named[name]) for name, tag_id in known.items()]
        TagLink.objects.bulk_create(links, ignore_conflicts=True)
    return len(links)


def link(tag_id: int, *, group: str) -> str:
    """WeCom's id of our tag; it is made there if it has none. Call it with no transaction open."""
    found = TagLink.objects.filter(tag_id=tag_id).values_list("wecom_id", flat=True).first()
    if found:
        return found
    name = Tag.objects.get(pk=tag_id).name
    made = wecom.add_tags(group=group, names=[name])[name]
    return TagLink.objects.get_or_create(tag_id=tag_id, defaults={"wecom_id": made})[0].wecom_id


def even_out() -> int:
    """Bring both sides together where they differ. Returns how many contacts were settled. No transaction may be open."""
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERING, [MOST_A_ROUND])
        ids = [row[0] for row in cursor.fetchall()]
    for contact_id in ids:
        settle(contact_id)
    return len(ids)


def settle(contact_id: int) -> None:
    """One contact: tell WeCom first, then write; a kill between the two leaves a difference that settles the same way."""
    contact = Contact.objects.get(pk=contact_id)
    follows = list(Follow.objects.filter(contact_id=contact_id, left_at=None).order_by("pk"))
    if contact.member_id is None or not follows:
        return
    names = dict(TagLink.objects.values_list("wecom_id", "tag_id"))
    there = {names[tag] for follow in follows for tag in follow.wecom_tags if tag in names}
    here = set(
        MemberTag.objects.filter(member_id=contact.member_id, tag_id__in=names.values()).values_list(
            "tag_id", flat=True
        )
    )
    agreed = set(contact.agreed_tags)
    both = (here | there) - ((agreed - here) | (agreed - there))
    wanted = {tag_id: wecom_id for wecom_id, tag_id in names.items()}
    told = {follow.pk: _tell(contact, follow, both=both, wanted=wanted) for follow in follows}
    with transaction.atomic():
        for follow in follows:
            Follow.objects.filter(pk=follow.pk).update(wecom_tags=told[follow.pk])
        if fresh := sorted(both - here):
            tagging.give(member_ids=[contact.member_id], tag_ids=fresh, source=MemberTag.Source.WECOM)
        if gone := sorted(here - both):
            tagging.take(member_ids=[contact.member_id], tag_ids=gone)
        Contact.objects.filter(pk=contact_id).update(agreed_tags=sorted(both))


def mark(contact_id: int, *, userid: str, external_userid: str, wecom_ids: Sequence[str]) -> None:
    """Tags of a live code, on a customer whom we may not know yet. A customer who left again meanwhile needs none."""
    try:
        wecom.mark_tags(userid=userid, external_userid=external_userid, add=wecom_ids, remove=[])
    except Refused:
        return
    row = Follow.objects.filter(contact_id=contact_id, userid=userid).first()
    if row:
        row.wecom_tags = list(dict.fromkeys([*row.wecom_tags, *wecom_ids]))
        row.save(update_fields=["wecom_tags"])


def _tell(contact: Contact, follow: Follow, *, both: Iterable[int], wanted: dict[int, str]) -> list[str]:
    """The tags of this follow at WeCom after it was told; those that are no business of ours stay."""
    ours, target = set(wanted.values()), {wanted[tag_id] for tag_id in both}
    add = sorted(target - set(follow.wecom_tags))
    remove = sorted(set(follow.wecom_tags) & ours - target)
    if add or remove:
        wecom.mark_tags(userid=follow.userid, external_userid=contact.external_userid, add=add, remove=remove)
    return [*(tag for tag in follow.wecom_tags if tag not in remove), *add]
