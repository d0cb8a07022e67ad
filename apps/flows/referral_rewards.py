"""Members bring friends: who registered by whose invitation, what of the first order was kept, what both get, and give back.

`referral` decides, here its decisions become points and coupons: each once, by a source that names the credit and the side.
"""

import structlog

from apps.core import clock
from apps.coupons import issuing, keeping
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Template
from apps.events.models import Event
from apps.flows import member_registered
from apps.members import selectors as members
from apps.points import services as points
from apps.points.models import Entry
from apps.referral import services as referral
from apps.referral.models import Credit, Step

log = structlog.get_logger("siyu.referral")


def credit(event: Event) -> None:
    """Of somebody who came in by a list, nobody gets anything."""
    member = member_registered.fresh(event)
    if member is not None:
        referral.came(member_id=member.pk)


def follow_order(event: Event) -> None:
    referral.bought(member_id=event.payload["member_id"], order_id=event.payload["order_id"])


def leave(event: Event) -> None:
    referral.left(member_ids=members.family(event.payload["member_id"]))


def look_again(event: Event) -> None:
    referral.look_again(member_id=event.payload["survivor_id"])


def give(event: Event) -> None:
    """Undone since: nothing."""
    row = Credit.objects.get(pk=event.payload["credit_id"])
    if row.stage == Credit.Stage.KEPT:
        for side, member_id, amount, coupon in _sides(row):
            _give(_source(row, side), member_id, amount, coupon)


def take_back(event: Event) -> None:
    """Points by the currency's policy for refunds; a coupon that was used meanwhile stays used."""
    row = Credit.objects.get(pk=event.payload["credit_id"])
    for side, _member_id, _amount, _coupon in _sides(row):
        source = _source(row, side)
        entry = Entry.objects.filter(source=source, kind=Entry.Kind.EARN).first()
        if entry is not None:
            points.reverse(entry_id=entry.pk, amount=entry.amount, source=f"{source}:undone", moment=clock.now())
        keeping.recall_source(source=source, note="")


def give_step(event: Event) -> None:
    """So many friends count. Lost since: nothing."""
    row = Step.objects.get(pk=event.payload["step_id"])
    if row.lost_at is None and row.times == event.payload["times"]:
        source = _step_source(row.pk, row.times)
        points.earn(member_id=members.current_id(row.advocate_id), amount=row.points, source=source, moment=clock.now())


def take_step(event: Event) -> None:
    source = _step_source(event.payload["step_id"], event.payload["times"])
    entry = Entry.objects.filter(source=source, kind=Entry.Kind.EARN).first()
    if entry is not None:
        points.reverse(entry_id=entry.pk, amount=entry.amount, source=f"{source}:undone", moment=clock.now())


def _step_source(step_id: int, times: int) -> str:
    return f"referral:step:{step_id}:{times}"


def _sides(row: Credit) -> list[tuple[str, int, int, str]]:
    """In the order of the members' ids, in which accounts are locked."""
    both = [
        ("inviter", members.current_id(row.advocate_id), row.points, row.coupon),
        ("friend", members.current_id(row.friend_id), row.friend_points, row.friend_coupon),
    ]
    return sorted(both, key=lambda one: one[1])


def _source(row: Credit, side: str) -> str:
    return f"referral:{row.pk}:{side}"


def _give(source: str, member_id: int, amount: int, coupon: str) -> None:
    moment = clock.now()
    if amount:
        points.earn(member_id=member_id, amount=amount, source=source, moment=moment)
    template_id = Template.objects.filter(key=coupon).values_list("pk", flat=True).first() if coupon else None
    if template_id is None:
        return
    try:
        issuing.issue(
            member_id=member_id, template_id=template_id, source=source, channel=issuing.Channel.GIFT, origin="referral",
            moment=moment,
        )  # fmt: skip
    except CouponRefused as refused:  # stopped, all gone: the points stay
        log.warning("referral.coupon_not_issued", source=source, code=refused.code)
