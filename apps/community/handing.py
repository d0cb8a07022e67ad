"""Hand-over of somebody's customers and groups to a colleague, with the messages that wait for them.

Repeatable at any kill: what is on the way is looked up at WeCom before anything is asked for again.
"""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.community import callbacks, sending
from apps.community.group_models import Group
from apps.community.handing_models import HandOver, HandOverItem
from apps.community.models import Account, Follow
from apps.core import audit, clock, jobs
from apps.core.errors import DomainError
from apps.core.models import Job
from apps.gateways import wecom
from apps.gateways.wecom_calls import Refused, Unanswered

KIND = "wecom.hand_over"
NOTHING_THERE = 40096  # nobody's customer any more, or handed over already
State = HandOverItem.State


class HandOverRefused(DomainError):
    """The heir must be somebody else who may have customers; one hand-over at a time for the same person."""

    code = "hand_over_refused"
    status = 422
    title = _("Choose a colleague who works in WeCom; one hand-over at a time for the same person.")


def start(*, from_userid: str, to_userid: str, has_left: bool, user_id: int | None) -> Job:
    """Note who is to be handed over and let a worker do it. Raises HandOverRefused."""
    with transaction.atomic():
        hand_over = open_one(from_userid=from_userid, to_userid=to_userid, has_left=has_left)
        return jobs.start(kind=KIND, params={"hand_over": hand_over.pk}, user_id=user_id)


@transaction.atomic
def open_one(*, from_userid: str, to_userid: str, has_left: bool) -> HandOver:
    """Every customer of theirs is marked before the first goes. Raises HandOverRefused."""
    heir = Account.objects.filter(userid=to_userid, is_active=True).exclude(userid=from_userid)
    known = Account.objects.select_for_update().filter(userid=from_userid).first()
    if (
        known is None
        or not heir.exists()
        or HandOver.objects.filter(from_userid=from_userid, finished_at=None).exists()
    ):
        raise HandOverRefused
    if has_left:
        known.is_active = False
        known.save(update_fields=["is_active"])
    made = HandOver.objects.create(
        from_userid=from_userid, to_userid=to_userid, has_left=has_left, started_at=clock.now()
    )
    theirs = Follow.objects.filter(userid=from_userid, left_at=None).values_list("contact_id", flat=True)
    busy = HandOverItem.objects.filter(state__in=[State.WAITING, State.BEGUN]).values("contact_id")
    ids = list(theirs.exclude(contact_id__in=busy).order_by("contact_id"))
    HandOverItem.objects.bulk_create([HandOverItem(hand_over=made, contact_id=pk) for pk in ids], batch_size=5000)
    after = {"from": from_userid, "to": to_userid, "customers": len(ids)}
    audit.record("wecom.hand_over", object_type="hand_over", object_id=made.pk, after=after)
    return made


@jobs.runner(KIND)
def run(job: Job) -> dict[str, Any]:
    """Raises Unanswered when WeCom stops answering; the next run goes on."""
    hand_over = HandOver.objects.get(pk=job.params["hand_over"])
    total = hand_over.items.count()
    sending.take_back(hand_over.from_userid, moment=clock.now())
    while ask(hand_over):
        jobs.report(job, done=hand_over.items.exclude(state=State.WAITING).count(), total=total)
    while settle(hand_over):
        jobs.report(job, done=total, total=total)
    groups = _hand_groups(hand_over) if hand_over.has_left else 0
    open_now = hand_over.items.filter(state__in=[State.WAITING, State.BEGUN]).count()
    if not open_now:
        HandOver.objects.filter(pk=hand_over.pk).update(finished_at=clock.now())
    return {
        "handed_over": hand_over.items.filter(state=State.DONE).count(),
        "stayed": hand_over.items.filter(state=State.REFUSED).count(),
        "on_the_way": open_now,
        "groups": groups,
    }


def ask(hand_over: HandOver) -> int:
    """The next hundred. Returns how many were asked for. Raises Unanswered with nothing noted when nothing was done."""
    rows = list(
        hand_over.items.filter(state=State.WAITING).order_by("pk").values_list("pk", "contact__external_userid")
    )[: wecom.TRANSFER_BATCH]
    if not rows:
        return 0
    try:
        codes = wecom.hand_over(
            from_userid=hand_over.from_userid,
            to_userid=hand_over.to_userid,
            external_userids=[external for _pk, external in rows],
            has_left=hand_over.has_left,
        )
    except Unanswered as failure:
        if failure.state == "retry":
            raise
        codes = {}  # perhaps done: each is looked up
    with transaction.atomic():
        for pk, external in rows:
            code = codes.get(external, 0)
            is_open = code in (0, NOTHING_THERE)
            state = State.BEGUN if is_open else State.REFUSED
            HandOverItem.objects.filter(pk=pk).update(state=state, code="" if is_open else f"WECOM_{code}")
    return len(rows)


def settle(hand_over: HandOver, *, limit: int = 100) -> int:
    """Look at some of those on the way. Returns how many ended."""
    rows = list(
        hand_over.items.filter(state=State.BEGUN)
        .order_by("?")  # those that take WeCom a day must not hide those behind them
        .values_list("pk", "contact_id", "contact__external_userid")
    )[:limit]
    ended = 0
    for pk, contact_id, external in rows:
        callbacks.look(external, ending=Follow.Ending.HANDED_OVER)
        open_follows = set(Follow.objects.filter(contact_id=contact_id, left_at=None).values_list("userid", flat=True))
        if hand_over.to_userid in open_follows:
            ended += HandOverItem.objects.filter(pk=pk).update(state=State.DONE)
        elif hand_over.from_userid not in open_follows:
            ended += HandOverItem.objects.filter(pk=pk).update(state=State.REFUSED, code="GONE")
    return ended


def settle_all() -> int:
    """Hand-overs that take WeCom a day: those that ended meanwhile."""
    ended = 0
    for hand_over in HandOver.objects.filter(finished_at=None).order_by("pk"):
        try:
            ended += settle(hand_over)
        except (Unanswered, Refused):
            return ended
        if not hand_over.items.filter(state__in=[State.WAITING, State.BEGUN]).exists():
            HandOver.objects.filter(pk=hand_over.pk).update(finished_at=clock.now())
    return ended


def _hand_groups(hand_over: HandOver) -> int:
    chats = list(Group.objects.filter(owner=hand_over.from_userid, dismissed_at=None).values_list("chat_id", flat=True))
    moved = 0
    for first in range(0, len(chats), wecom.TRANSFER_BATCH):
        part = chats[first : first + wecom.TRANSFER_BATCH]
        failed = wecom.hand_over_groups(to_userid=hand_over.to_userid, chats=part)
        done = [chat for chat in part if chat not in failed]
        moved += Group.objects.filter(chat_id__in=done).update(owner=hand_over.to_userid)
    return moved
