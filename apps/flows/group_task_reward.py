"""A task of a group is done: its points and its coupon, each once."""

import structlog

from apps.community.models import TaskReward
from apps.coupons import issuing
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Template
from apps.events.models import Event
from apps.members import selectors as members
from apps.points import services as points

log = structlog.get_logger("siyu.coupons")


def give(event: Event) -> None:
    """What cannot be issued (stopped, all gone, no such coupon) is left out: the points stay."""
    done = TaskReward.objects.select_related("task").filter(pk=event.payload["reward_id"]).first()
    if done is None:
        return  # erased since
    member_id, source = members.current_id(done.member_id), f"group_task:{done.task_id}:{done.member_id}"
    if done.task.points:
        points.earn(member_id=member_id, amount=done.task.points, source=source, moment=done.at)
    template_id = Template.objects.filter(key=done.task.coupon_key).values_list("pk", flat=True).first()
    if template_id is None:
        return
    try:
        issuing.issue(
            member_id=member_id, template_id=template_id, source=source, channel=issuing.Channel.TASK,
            origin=f"group_task:{done.task_id}",
        )  # fmt: skip
    except CouponRefused as refused:
        log.warning("coupons.group_task_not_issued", source=source, code=refused.code)
