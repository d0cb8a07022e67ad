"""Groups as WeCom has them: rosters by difference under the group's lock, so that no join or leave counts twice."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from apps.community.group_models import Group, GroupCode, GroupDay, GroupMember
from apps.core import clock
from apps.gateways import wecom
from apps.gateways.wecom_calls import Refused, Unanswered

NO_GROUP = 90501
LAGS = 3.0  # seconds until a roster that is behind its event is read again
_DAY = """
insert into community_groupday (group_id, day, joined, "left", customers) values (%s, %s, %s, %s, %s)
on conflict (group_id, day) do update set joined = community_groupday.joined + excluded.joined,
    "left" = community_groupday."left" + excluded."left", customers = excluded.customers
"""
_KNOWN = """
update community_groupmember m set contact_id = c.id from community_contact c
where m.group_id = %s and m.contact_id is null and c.external_userid = m.who
"""
_TWICE = """
select m.who, c.id, c.name, c.member_id, array_agg(g.name order by g.id) from community_groupmember m
join community_group g on g.id = m.group_id and g.dismissed_at is null
left join community_contact c on c.id = m.contact_id
where m.left_at is null and not m.is_staff
group by m.who, c.id, c.name, c.member_id having count(*) > 1 order by count(*) desc, m.who limit %s
"""


def pull(chat_id: str, *, at_least: int = 0) -> bool:
    """Read one group and write what changed; False when it is gone, or what came is older than what stands here.

    Raises Unanswered ("retry") while WeCom shows an older roster than its own event told of.
    """
    asked_at = clock.now()
    try:
        told = wecom.group(chat_id)
    except Refused as refused:
        if refused.code != NO_GROUP:
            raise
        dismiss(chat_id, moment=asked_at)
        return False
    if int(told.get("member_version") or 0) < at_least:
        raise Unanswered("retry", "ROSTER_LAGS", LAGS)
    return take(told, asked_at=asked_at)


@transaction.atomic
def take(told: dict[str, Any], *, asked_at: datetime) -> bool:
    """Write a group as WeCom told it. An older roster than the one that stands here changes nothing."""
    made_at = datetime.fromtimestamp(told["create_time"], UTC)
    Group.objects.bulk_create(
        [
            Group(
                chat_id=told["chat_id"], key=f"group-{told['chat_id'][-32:]}", owner=told["owner"], made_at=made_at,
                seen_at=asked_at,
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    group = Group.objects.select_for_update().get(chat_id=told["chat_id"])
    version = int(told.get("member_version") or 0)
    if version < group.version or group.dismissed_at:
        return False
    joined, left, customers = _take_roster(group, told["member_list"], asked_at=asked_at)
    with connection.cursor() as cursor:
        cursor.execute(_DAY, [group.pk, clock.local_date(asked_at), joined, left, customers])
    group.name, group.owner, group.version = told.get("name", "")[:100], told["owner"], version
    group.people, group.seen_at = len(told["member_list"]), asked_at
    group.save(update_fields=["name", "owner", "version", "people", "seen_at"])
    return True


@transaction.atomic
def dismiss(chat_id: str, *, moment: datetime) -> None:
    group = Group.objects.select_for_update().filter(chat_id=chat_id, dismissed_at=None).first()
    if group is None:
        return
    gone = GroupMember.objects.filter(group=group, left_at=None)
    customers = gone.filter(is_staff=False).count()
    gone.update(left_at=moment)
    with connection.cursor() as cursor:
        cursor.execute(_DAY, [group.pk, clock.local_date(moment), 0, customers, 0])
    Group.objects.filter(pk=group.pk).update(dismissed_at=moment, people=0)


def keys_of(member_id: int) -> tuple[str, ...]:
    """Keys of the groups that a member is in: coupons may ask for one of them."""
    rows = Group.objects.raw(
        """select g.id, g.key from community_contact c
           join community_groupmember m on m.contact_id = c.id and m.left_at is null
           join community_group g on g.id = m.group_id and g.dismissed_at is null
           where c.member_id = %s order by g.key""",
        [member_id],
    )
    return tuple(group.key for group in rows)


def of_member(member_id: int) -> list[dict[str, Any]]:
    """Living groups that a member is in, the newest first: name, key, joined_at."""
    rows = GroupMember.objects.filter(contact__member_id=member_id, left_at=None, group__dismissed_at=None)
    listed = rows.order_by("-joined_at", "-pk").values_list("group__name", "group__key", "joined_at")
    return [{"name": name or "–", "key": key, "joined_at": joined_at} for name, key, joined_at in listed]


def in_several(*, limit: int = 100) -> list[tuple[str, int | None, str | None, int | None, list[str]]]:
    """Customers who are in more than one group: WeCom's id, contact, name, member, the groups' names."""
    with connection.cursor() as cursor:
        cursor.execute(_TWICE, [limit])
        return cursor.fetchall()


def health(group_id: int, *, days: int = 30) -> list[GroupDay]:
    return list(GroupDay.objects.filter(group_id=group_id).order_by("-day")[:days])


def _take_roster(group: Group, members: Sequence[dict[str, Any]], *, asked_at: datetime) -> tuple[int, int, int]:
    """The difference to what stands here → customers who came, who went, who are there."""
    there = {entry["userid"]: entry for entry in members}
    here = {row.who: row for row in GroupMember.objects.filter(group=group)}
    gone = [who for who, row in here.items() if row.left_at is None and who not in there]
    fresh = [who for who in there if who not in here or here[who].left_at is not None]
    GroupMember.objects.filter(group=group, who__in=gone).update(left_at=asked_at)
    states = {there[who].get("state") for who in fresh} - {None, ""}
    codes = dict(GroupCode.objects.filter(state__in=states).values_list("state", "pk")) if states else {}
    GroupMember.objects.bulk_create(
        [_row(group, there[who], codes) for who in fresh],
        update_conflicts=True,
        unique_fields=["group", "who"],
        update_fields=["way", "invited_by", "joined_at", "left_at", "code"],
    )
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [group.pk])
    came = sum(there[who]["type"] == 2 for who in fresh)
    went = sum(not here[who].is_staff for who in gone)
    return came, went, sum(entry["type"] == 2 for entry in members)


def _row(group: Group, entry: dict[str, Any], codes: dict[str, int]) -> GroupMember:
    way = entry.get("join_scene")
    return GroupMember(
        group=group,
        who=entry["userid"],
        is_staff=entry["type"] == 1,
        way=way if way in GroupMember.Way.values else GroupMember.Way.CODE,
        invited_by=(entry.get("invitor") or {}).get("userid", ""),
        code_id=codes.get(entry.get("state", "")),
        joined_at=datetime.fromtimestamp(entry["join_time"], UTC),
        left_at=None,
    )


def living(group_ids: Sequence[int]) -> list[Group]:
    """Those of these groups that still exist."""
    return list(Group.objects.filter(pk__in=group_ids, dismissed_at=None).order_by("pk"))
