"""Referral of the demo: the members who joined last came by an invitation, some of them invited others, a few do not count.

What counts is told as a fact like any other: the house gives the points once it runs.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction

from apps.activity.models import Code, CodeDay
from apps.core import clock
from apps.events import services as events
from apps.flows.demo.log_ins import FIRST_NUMBER, FIRST_PHONE, NUMBER_PREFIX, log_in_phones
from apps.members.models import Member
from apps.referral import services as referral
from apps.referral.models import Credit, Invite

FRIENDS, ADVOCATES = 36, 9
POINTS, FRIEND_POINTS = 200, 100
# The first order of which something was kept, and what that makes of the credit by now.
_FOLLOW = """
update referral_credit c set order_id = o.id, due_at = o.paid_at + make_interval(days => c.keep_days),
    stage = case when o.paid_at + make_interval(days => c.keep_days) <= %(now)s then 'kept' else 'waiting' end,
    kept_at = case when o.paid_at + make_interval(days => c.keep_days) <= %(now)s
        then o.paid_at + make_interval(days => c.keep_days) end
from referral_credit d cross join lateral (
    select o.id, o.paid_at from orders_order o
    where o.member_id = d.friend_id and o.paid_at >= d.registered_at and o.status in ('paid', 'received')
      and o.total_cents - o.refunded_cents >= d.least_cents order by o.paid_at, o.id limit 1
) o where d.id = c.id and c.stage = 'registered'
"""
_KEPT = """
select c.id::text as key, 'member:' || c.advocate_id as lane, jsonb_build_object('credit_id', c.id) as payload
from referral_credit c where c.stage = 'kept' order by c.id
"""


def come(*, now: datetime) -> int:
    """Returns how many friends came."""
    ours = Member.objects.filter(status=Member.Status.ACTIVE, member_no__startswith=NUMBER_PREFIX)
    known = [f"{NUMBER_PREFIX}{FIRST_NUMBER + int(phone) - FIRST_PHONE}" for phone in log_in_phones()]
    friends = list(ours.exclude(member_no__in=known).order_by("-joined_at", "pk")[:FRIENDS])[::-1]
    others = ours.exclude(pk__in=[one.pk for one in friends])
    advocates = [
        *others.filter(member_no__in=known).order_by("pk"),
        *others.exclude(member_no__in=known).order_by("pk")[: ADVOCATES - len(known)],
    ]
    if not friends or not advocates:
        return 0
    steps = [{"friends": 3, "points": 300}, {"friends": 10, "points": 1_500}]
    referral.set_program(is_on=True, points=POINTS, friend_points=FRIEND_POINTS, steps=steps)
    terms = referral.program()
    with transaction.atomic():
        _invitations([*advocates, *friends[:6]], now=now)
        Credit.objects.bulk_create(
            Credit(
                friend=friend, registered_at=friend.joined_at, points=POINTS, friend_points=FRIEND_POINTS,
                # every fifth came by somebody who came by an invitation
                advocate=friends[number % 6] if number % 5 == 4 and number > 6 else advocates[number * number % len(advocates)],
                least_cents=terms.least_cents, keep_days=terms.keep_days, leave_days=terms.leave_days,
                **({"stage": "void", "why": ("self", "cap")[number % 2], "ended_at": friend.joined_at} if number % 17 == 11 else {}),
            )
            for number, friend in enumerate(friends)
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(_FOLLOW, {"now": now})
        events.publish_many(referral.KEPT, query=_KEPT)
    return len(friends)


def _invitations(members: list[Member], *, now: datetime) -> None:
    """A code for each, opened by some people on the days of the last two months."""
    made = Code.objects.bulk_create(
        Code(
            slug=f"demo{number:03d}", name="邀请", target=referral.TARGET, channel=Code.Channel.FRIEND,
            created_at=now - timedelta(days=120),
        )
        for number in range(len(members))
    )  # fmt: skip
    Invite.objects.bulk_create(
        Invite(member=member, code=code, made_at=code.created_at) for member, code in zip(members, made, strict=True)
    )
    today = clock.local_date(now)
    CodeDay.objects.bulk_create(
        CodeDay(code=code, on=today - timedelta(days=back), scans=people + back % 2, people=people)
        for number, code in enumerate(made) for back in range(1, 60, 4 + number % 5) if (people := (number + back) % 4)
    )  # fmt: skip
