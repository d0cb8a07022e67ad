"""Ways into a group: an invitation to everybody with a tag, a word that members type, the code of one's own store."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.community.group_codes import NO_ROOM, fold
from apps.community.group_models import GroupCode
from apps.community.invite_models import Invitation
from apps.core import audit, clock
from apps.core.errors import DomainError, NotFound
from apps.events import services as events
from apps.members.models import Member, Tag

INVITED = "community.invited"
# Members with the tag who are in none of the code's groups, neither behind it now nor come by it before.
_INVITE = """
insert into community_invitee (invitation_id, member_id)
select %(invitation)s, m.id from members_membertag t join members_member m on m.id = t.member_id
where t.tag_id = %(tag)s and m.status = 'active' and m.merged_into_id is null
  and (t.expires_on is null or t.expires_on >= %(today)s) and not exists (
    select from community_contact c join community_groupmember g on g.contact_id = c.id and g.left_at is null
    join community_group r on r.id = g.group_id and r.dismissed_at is null
    where c.member_id = m.id and (g.code_id = %(code)s or r.chat_id = any(%(chats)s)))
order by m.id on conflict do nothing
"""
_RESULTS = """
select n.id, n.made_at, t.name as tag, k.name as code, count(i.id) as invited,
    count(i.id) filter (where exists (
        select from community_contact c join community_groupmember g on g.contact_id = c.id and g.code_id = n.code_id
        where c.member_id = i.member_id and g.joined_at >= n.made_at)) as joined
from community_invitation n join community_groupcode k on k.id = n.code_id left join members_tag t on t.id = n.tag_id
left join community_invitee i on i.invitation_id = n.id group by n.id, t.name, k.name order by n.id desc limit 50
"""


class NobodyToInvite(DomainError):
    code = "community_nobody_to_invite"
    status = 422
    title = _("Nobody with this tag is outside the groups of this code.")


class WordUnknown(DomainError):
    code = "community_word_unknown"
    status = 404
    title = _("No group goes by this word.")


@transaction.atomic
def invite(*, code_id: int, tag_id: int, source: str) -> Invitation:
    """Keep who is invited and let care decide about them at once; the same source again is the same invitation.

    Raises NobodyToInvite, NotFound (a code that WeCom has not made yet counts as none).
    """
    found = Invitation.objects.filter(source=source).first()
    if found:
        return found
    moment, code = clock.now(), GroupCode.objects.exclude(qr_url="").filter(pk=code_id).first()
    if code is None or not Tag.objects.filter(pk=tag_id).exists():
        raise NotFound
    made = Invitation.objects.create(code=code, tag_id=tag_id, source=source, made_at=moment)
    values: dict[str, Any] = {
        "invitation": made.pk, "tag": tag_id, "code": code.pk, "chats": code.chats, "today": clock.local_date(moment),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_INVITE, values)
        count = cursor.rowcount
    if not count:
        raise NobodyToInvite
    audit.record(
        "invitation.made", object_type="invitation", object_id=made.pk, after={"code": code.name, "members": count}
    )
    events.publish(INVITED, key=str(made.pk), invitation_id=made.pk)
    return made


def by_word(word: str) -> GroupCode:
    """The code that goes by this word, whatever its case and the spaces around. Raises WordUnknown."""
    found = GroupCode.objects.exclude(qr_url="").filter(keyword=fold(word)).first() if fold(word) else None
    if found is None:
        raise WordUnknown
    return found


def for_member(member_id: int) -> list[GroupCode]:
    """The codes of the member's own store, then those of no store; one that leads nowhere is not shown."""
    store_id = Member.objects.values_list("home_store_id", flat=True).get(pk=member_id)
    rows = GroupCode.objects.filter(Q(store=None) | Q(store_id=store_id), is_shown=True).exclude(qr_url="")
    return sorted(
        rows.exclude(trouble=NO_ROOM).select_related("store"), key=lambda code: (code.store_id is None, code.pk)
    )


def results() -> Sequence[dict[str, Any]]:
    """The newest invitations: how many were invited, how many came by the code since."""
    with connection.cursor() as cursor:
        cursor.execute(_RESULTS)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
