"""Who is one and the same person, and who invited each other round: what `services` asks before a credit counts."""

from django.db import connection

from apps.members import selectors as members

LONGEST = 20  # people in a ring that is found
# Upwards from a member: whose invitation they came by, whose that one came by, and so on. Aliases stand for their members.
_UP = """
with recursive up as (
    select c.id, coalesce(a.merged_into_id, a.id) as who, array[c.id] as path, 1 as step
    from referral_credit c
    join members_member f on f.id = c.friend_id
    join members_member a on a.id = c.advocate_id
    where coalesce(f.merged_into_id, f.id) = %(friend)s
    union all
    select c.id, coalesce(a.merged_into_id, a.id), up.path || c.id, up.step + 1
    from up
    join members_member f on f.id = up.who or f.merged_into_id = up.who
    join referral_credit c on c.friend_id = f.id
    join members_member a on a.id = c.advocate_id
    where up.step < %(longest)s and up.who <> %(friend)s and not c.id = any(up.path)
)
select who, path from up order by step
"""
# Phones that proved themselves on one device, and a browser in which the inviter had opened the own code before.
_SAME = """
select distinct other.member_id
from members_identity mine
join members_knowndevice here on here.phone_digest = mine.digest
join members_knowndevice there on there.device_digest = here.device_digest
join members_identity other on other.digest = there.phone_digest and other.kind = 'phone'
where mine.kind = 'phone' and mine.member_id = any(%(family)s) and other.member_id = any(%(others)s)
union
select i.member_id
from referral_invite i
join activity_codevisitor cv on cv.code_id = i.code_id
join activity_visitor v on v.id = cv.visitor_id and v.member_id = i.member_id
join members_member f on f.id = any(%(family)s)
where i.member_id = any(%(others)s) and v.shared_at between f.joined_at - interval '10 minutes' and f.joined_at + interval '1 day'
"""


def of(friend_id: int) -> list[int]:
    """Credits that lead from the friend back to the same person, in up to twenty steps; the own first, [] where none do."""
    root = members.current_id(friend_id)
    with connection.cursor() as cursor:
        cursor.execute(_UP, {"friend": root, "longest": LONGEST})
        steps = cursor.fetchall()
    found = next((path for who, path in steps if who == root), None)
    if found is None and steps:
        same = same_person(root, [who for who, _path in steps])
        found = next((path for who, path in steps if who in same), None)
    return list(found or [])


def same_person(member_id: int, others: list[int]) -> set[int]:
    """Those of the others (as they count now) who used one device with this member, as far as we know."""
    family = members.family(member_id)
    known = {alias: other for other in set(others) for alias in members.family(other)}
    with connection.cursor() as cursor:
        cursor.execute(_SAME, {"family": family, "others": sorted(known.keys() - set(family))})
        return {known[member_id] for (member_id,) in cursor.fetchall()}
